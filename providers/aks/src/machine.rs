//! Finds the endpoint that offers the managed identity of a machine. The Azure SDK reads its address from the environment of
//! the process, because no other environment can be passed to it.
//!
//! If the variables of the host differ from those of the process, the token would come from another endpoint, so this is an
//! error.

use kubex_core::{Error, ErrorKind, Host, Origin, Result};
use kubex_tls::is_near;
use url::Url;

/// The variables that the SDK reads.
pub(crate) const READ_BY_THE_SDK: [&str; 6] = [
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
];

/// Another address of the metadata service, as the Azure SDKs for Python, JavaScript and .NET read it.
pub(crate) const METADATA_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";

/// The endpoint that offers the managed identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The metadata service of a virtual machine, which a pod reaches too.
    Metadata,
    /// The endpoint of App Service and of Container Apps.
    AppService,
}

impl Place {
    /// Finds the place, as the SDK does.
    ///
    /// # Errors
    /// `Unsupported` for a place that the SDK does not know, and for a host that differs from its process; `InvalidValue`
    /// for an address that is neither https nor near.
    pub(crate) fn find(host: &Host) -> Result<Self> {
        let process = Host::real();
        let is_set = |name: &str| host.environment().variable(name).is_some();
        for name in READ_BY_THE_SDK {
            if host.environment().variable(name) != process.environment().variable(name) {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format_args!(
                        "the variable {name} has another value in the environment of the process, where the Azure SDK \
                         reads it"
                    ),
                )
                .with_origin(&Origin::variable(name))
                .with_help("set it in the environment of the process"));
            }
        }
        address(METADATA_HOST, host)?;
        let [endpoint, header, thumbprint, _, ml_endpoint, _] = READ_BY_THE_SDK;
        if is_set(ml_endpoint) {
            return Err(unsupported(ml_endpoint));
        }
        if !is_set(endpoint) {
            return Ok(Self::Metadata);
        }
        if !is_set(header) || is_set(thumbprint) {
            return Err(unsupported(endpoint));
        }
        address(endpoint, host)?;
        Ok(Self::AppService)
    }
}

/// The address that a managed identity is asked at.
///
/// # Errors
/// `InvalidValue` for one to which a request for a token must not be sent.
pub(crate) fn address_of_identity(host: &Host) -> Result<Url> {
    let [endpoint, ..] = READ_BY_THE_SDK;
    if let Some(url) = address(endpoint, host)? {
        return Ok(url);
    }
    Url::parse("http://169.254.169.254/metadata/identity/oauth2/token").map_err(|_| {
        Error::new(
            ErrorKind::InvalidValue,
            "the address of the metadata service is not valid",
        )
    })
}

/// Azure Arc, Cloud Shell, Service Fabric and Azure Machine Learning.
fn unsupported(name: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format_args!(
            "the variable {name} names a kind of managed identity that the Azure SDK does not support"
        ),
    )
    .with_origin(&Origin::variable(name))
    .with_help("use `kubelogin get-token` with the provider exec")
}

/// The address in a variable.
///
/// # Errors
/// `InvalidValue` for one to which a request for a token must not be sent.
pub(crate) fn address(name: &str, host: &Host) -> Result<Option<Url>> {
    let Some(address) = host.environment().unicode(name)? else {
        return Ok(None);
    };
    let url = Url::parse(&address).ok().filter(|url| {
        let is_allowed = url.scheme() == "https" || url.scheme() == "http" && is_near(url, &[]);
        is_allowed && url.username().is_empty() && url.password().is_none()
    });
    url.map(Some).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            format_args!("the variable {name} holds neither an https address nor a local one"),
        )
        .with_origin(&Origin::variable(name))
        .with_help("leave it as Azure sets it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_differs_from_its_process_is_refused() {
        // No test sets this variable in the process.
        let host = Host::real().with_variable("MSI_SECRET", Some("s3cret"));
        let error = Place::find(&host).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("MSI_SECRET"), "{error}");
        assert!(!format!("{error:?} {error}").contains("s3cret"), "{error}");
    }

    #[test]
    fn a_metadata_service_over_http_is_near() {
        let host = |address: &str| Host::real().with_variable(METADATA_HOST, Some(address));
        for near in ["http://127.0.0.1:1", "http://169.254.169.254", "https://example"] {
            assert!(address(METADATA_HOST, &host(near)).is_ok(), "{near}");
        }
        for far in [
            "http://10.0.0.1",
            "http://s3cret@127.0.0.1",
            "s3cret",
            "ftp://127.0.0.1",
        ] {
            let error = address(METADATA_HOST, &host(far)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{far}");
            assert!(!format!("{error:?} {error}").contains("s3cret"), "{error}");
        }
    }
}
