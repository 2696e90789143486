//! The address of Microsoft Entra, which issues the tokens of applications.

use kubex_core::{Error, ErrorKind, Result};
use url::Url;

/// The clouds by all names that kubelogin knows, and their addresses.
const CLOUDS: [(&str, &str); 6] = [
    ("AzurePublicCloud", PUBLIC),
    ("AzurePublic", PUBLIC),
    ("AzureCloud", PUBLIC),
    ("AzureUSGovernmentCloud", GOVERNMENT),
    ("AzureUSGovernment", GOVERNMENT),
    ("AzureChinaCloud", CHINA),
];

const PUBLIC: &str = "https://login.microsoftonline.com/";
const GOVERNMENT: &str = "https://login.microsoftonline.us/";
const CHINA: &str = "https://login.chinacloudapi.cn/";

/// The address of the public cloud.
pub(crate) fn default_authority() -> &'static str {
    PUBLIC
}

/// The address of a cloud. As in kubelogin, the case of its name does not matter.
///
/// # Errors
/// `InvalidValue` for a name that is not a cloud's; kubelogin would use the public cloud.
pub(crate) fn authority_of_cloud(name: &str) -> Result<&'static str> {
    let cloud = CLOUDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    cloud.map(|(_, address)| *address).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            "the value is not the name of an Azure cloud",
        )
        .with_help("set it to AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud")
    })
}

/// Whether this is the address of one of the clouds, as it is written in kubelogin: with a slash at its end.
pub(crate) fn is_of_a_cloud(address: &str) -> bool {
    CLOUDS.iter().any(|(_, known)| *known == address)
}

/// Checks an address: https, and nothing but host and port. Secrets are sent to it.
///
/// # Errors
/// `InvalidValue`. The value is not shown: it may contain a password.
pub(crate) fn parse_authority(address: &str) -> Result<Url> {
    let url = Url::parse(address).ok().filter(|url| {
        url.scheme() == "https"
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    });
    url.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            "the value is not the https address of a host",
        )
        .with_help("write it as https://login.microsoftonline.com/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_an_https_address_of_a_host() {
        for address in [
            PUBLIC,
            GOVERNMENT,
            CHINA,
            "https://127.0.0.1:8443",
            "https://[::1]/",
        ] {
            assert!(parse_authority(address).is_ok(), "{address}");
        }
        for address in [
            "",
            "login.microsoftonline.com",
            "http://login.microsoftonline.com/",
            "https://jane:s3cret@host/",
            "https://s3cret@host/",
            "https://host/adfs",
            "https://host/?s3cret",
            "https://host/#s3cret",
            "https://",
            "file:///etc/passwd",
        ] {
            let error = parse_authority(address).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{address}");
            assert!(!format!("{error:?} {error}").contains("s3cret"), "{address}");
        }
    }

    #[test]
    fn a_cloud_that_does_not_exist_is_not_the_public_one() {
        assert_eq!(authority_of_cloud("azurechinacloud").unwrap(), CHINA);
        assert_eq!(authority_of_cloud("AzureUSGovernment").unwrap(), GOVERNMENT);
        assert!(authority_of_cloud("AzureGermanCloud").is_err());
        assert!(is_of_a_cloud(PUBLIC));
        assert!(!is_of_a_cloud("https://login.microsoftonline.com"));
        assert!(!is_of_a_cloud("https://login.microsoftonline.com.example/"));
    }
}
