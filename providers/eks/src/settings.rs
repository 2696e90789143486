//! The settings in variables and profiles of AWS: region, profile, STS endpoint, and keys. Reading them opens no connection.

use std::path::PathBuf;

use aws_config::web_identity_token::StaticConfiguration;
use aws_credential_types::Credentials;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use kubex_core::text::clean_line;
use kubex_core::{CaBundle, Error, ErrorKind, ExposeSecret, Host, Origin, Result, SecretString};
use url::Url;

use crate::options::EksOptions;
use crate::profile::Profiles;
use crate::token::StsEndpoint;

/// The largest CA bundle that is read, in bytes.
const LARGEST_BUNDLE: usize = 4 * 1024 * 1024;

/// The settings of one fetch.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) region: String,
    pub(crate) profiles: Profiles,
    /// The keys of the variables, which a profile may refer to.
    pub(crate) keys_of_variables: Option<Credentials>,
    /// The same, unless an option chooses a profile.
    pub(crate) keys: Option<Credentials>,
    /// The web identity of the variables, as in a pod with IRSA.
    pub(crate) web_identity: Option<StaticConfiguration>,
    pub(crate) uses_fips: bool,
    pub(crate) uses_dual_stack: bool,
    /// Another address of STS.
    pub(crate) sts_address: Option<String>,
    uses_global_endpoint: bool,
    ca_bundle: Option<(&'static str, PathBuf)>,
}

impl Settings {
    /// Reads the variables and files.
    ///
    /// # Errors
    /// For a region or a profile that is missing or not valid, half a pair of keys, and what a profile needs and this
    /// provider does not support.
    pub(crate) async fn read(options: &EksOptions, origin: &Origin, host: &Host) -> Result<Self> {
        let variable = |name: &str| host.environment().unicode(name);
        let (name, named_at) = profile_name(options, origin, host)?;
        let profiles = Profiles::read(&name, host).await?;
        profiles.check(named_at.as_ref())?;
        let uses_variables = options.profile.is_none();
        let flag = |name: &str, key: &str| -> Result<bool> {
            let value = variable(name)?.or_else(|| profiles.get(key).map(str::to_owned));
            Ok(value.is_some_and(|value| value.eq_ignore_ascii_case("true")))
        };
        Ok(Self {
            region: region(options, origin, &profiles, host)?,
            keys: if uses_variables { keys(host)? } else { None },
            keys_of_variables: keys(host).ok().flatten(),
            web_identity: if uses_variables { web_identity(host)? } else { None },
            uses_fips: flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?,
            uses_dual_stack: flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?,
            sts_address: sts_address(host)?,
            uses_global_endpoint: uses_global_endpoint(&profiles, host)?,
            ca_bundle: ca_bundle(host)?,
            profiles,
        })
    }

    /// The files with the token of a web identity.
    pub(crate) fn web_identity_files(&self) -> Vec<PathBuf> {
        if self.keys.is_some() {
            return Vec::new();
        }
        if self.profiles.has_credentials() {
            let files = self.profiles.all("web_identity_token_file");
            return files.into_iter().map(PathBuf::from).collect();
        }
        let identity = self.web_identity.iter();
        identity
            .map(|identity| identity.web_identity_token_file.clone())
            .collect()
    }

    /// The endpoint that a token names, by the rules of AWS for its partitions.
    ///
    /// # Errors
    /// `InvalidValue` if there is none for the region.
    pub(crate) async fn endpoint(&self) -> Result<StsEndpoint> {
        let invalid = |why: String| {
            Error::new(
                ErrorKind::InvalidValue,
                format_args!(
                    "there is no STS endpoint for the region \"{}\": {why}",
                    clean_line(&self.region)
                ),
            )
            .with_help("set \"region\"")
        };
        let parameters = Params::builder()
            .region(&self.region)
            .use_fips(self.uses_fips)
            .use_dual_stack(self.uses_dual_stack)
            .use_global_endpoint(self.uses_global_endpoint)
            .set_endpoint(self.sts_address.clone())
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        let resolver = DefaultResolver::new();
        let endpoint = resolver.resolve_endpoint(&parameters);
        let endpoint = endpoint.await.map_err(|error| invalid(error.to_string()))?;
        let signing_region = endpoint
            .auth_schemes()
            .iter()
            .find_map(|scheme| scheme.get("signingRegion")?.as_string().map(str::to_owned));
        let mut url: Url = endpoint
            .url()
            .parse()
            .map_err(|error: url::ParseError| invalid(error.to_string()))?;
        if url.path().is_empty() {
            url.set_path("/");
        }
        Ok(StsEndpoint {
            url,
            signing_region: signing_region.unwrap_or_else(|| self.region.clone()),
        })
    }

    /// The certificate authorities of the variables, if there are any.
    ///
    /// # Errors
    /// `UnreadableFile` and `InvalidPem`.
    pub(crate) async fn authorities(&self, host: &Host) -> Result<Option<CaBundle>> {
        let Some((variable, path)) = &self.ca_bundle else {
            return Ok(None);
        };
        let origin = Origin::variable(variable);
        let content = host.files().read(path, LARGEST_BUNDLE).await;
        let content = content
            .map_err(|error| Error::unreadable("the CA bundle of AWS", path, error).with_origin(&origin))?;
        CaBundle::from_pem(content.expose_secret())
            .map(Some)
            .map_err(|error| error.with_origin(&origin))
    }
}

/// The file of certificate authorities that the AWS CLI uses.
fn ca_bundle(host: &Host) -> Result<Option<(&'static str, PathBuf)>> {
    for variable in ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"] {
        if let Some(path) = host.environment().unicode(variable)? {
            return Ok(Some((variable, path.into())));
        }
    }
    Ok(None)
}

/// The name of the profile, and where it was named. `AWS_DEFAULT_PROFILE` wins, as in the CLI.
fn profile_name(options: &EksOptions, origin: &Origin, host: &Host) -> Result<(String, Option<Origin>)> {
    if let Some(name) = &options.profile {
        return Ok((name.clone(), Some(origin.clone())));
    }
    for variable in ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"] {
        if let Some(name) = host.environment().unicode(variable)? {
            return Ok((name, Some(Origin::variable(variable))));
        }
    }
    Ok(("default".to_owned(), None))
}

fn region(options: &EksOptions, origin: &Origin, profiles: &Profiles, host: &Host) -> Result<String> {
    let mut found = options
        .region
        .as_ref()
        .map(|region| (region.clone(), Some(origin.clone())));
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if found.is_none() {
            let region = host.environment().unicode(variable)?;
            found = region.map(|region| (region, Some(Origin::variable(variable))));
        }
    }
    let found = found.or_else(|| profiles.get("region").map(|region| (region.to_owned(), None)));
    let Some((region, origin)) = found else {
        return Err(Error::new(ErrorKind::MissingField, "no AWS region is set")
            .with_origin(origin)
            .with_help("set \"region\", or the variable AWS_REGION"));
    };
    if is_region(&region) {
        return Ok(region);
    }
    let error = Error::new(
        ErrorKind::InvalidValue,
        format_args!("\"{}\" is not a valid AWS region", clean_line(&region)),
    )
    .with_help("write it like eu-central-1");
    Err(match origin {
        Some(origin) => error.with_origin(&origin),
        None => error,
    })
}

/// A region becomes a part of a host name, so it is a host label, as in botocore.
fn is_region(text: &str) -> bool {
    text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The keys of the variables.
///
/// # Errors
/// `MissingField` for half a pair: the other half must not lead to another identity.
fn keys(host: &Host) -> Result<Option<Credentials>> {
    let variable = |name: &str| host.environment().unicode(name);
    let missing = |name: &str, beside: &str| {
        Error::new(
            ErrorKind::MissingField,
            format_args!("the variable {beside} is set without {name}"),
        )
        .with_origin(&Origin::variable(beside))
        .with_help(format_args!("set {name}, or unset {beside}"))
    };
    let secret = variable("AWS_SECRET_ACCESS_KEY")?.map(SecretString::from);
    let (id, secret) = match (variable("AWS_ACCESS_KEY_ID")?, secret) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(missing("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")),
        (None, Some(_)) => return Err(missing("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
        (Some(id), Some(secret)) => (id, secret),
    };
    let session_token = variable("AWS_SESSION_TOKEN")?.map(SecretString::from);
    Ok(Some(Credentials::new(
        id,
        secret.expose_secret(),
        session_token.map(|token| token.expose_secret().to_owned()),
        None,
        "variables",
    )))
}

fn web_identity(host: &Host) -> Result<Option<StaticConfiguration>> {
    let variable = |name: &str| host.environment().unicode(name);
    let Some(file) = variable("AWS_WEB_IDENTITY_TOKEN_FILE")? else {
        return Ok(None);
    };
    let Some(role_arn) = variable("AWS_ROLE_ARN")? else {
        return Err(Error::new(
            ErrorKind::MissingField,
            "the variable AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN",
        )
        .with_origin(&Origin::variable("AWS_WEB_IDENTITY_TOKEN_FILE"))
        .with_help("set AWS_ROLE_ARN"));
    };
    Ok(Some(StaticConfiguration {
        web_identity_token_file: file.into(),
        role_arn,
        session_name: variable("AWS_ROLE_SESSION_NAME")?.unwrap_or_else(|| "kubex".to_owned()),
    }))
}

/// Whether tokens name the global STS endpoint where a region has a choice: `legacy`. The default is `regional`.
fn uses_global_endpoint(profiles: &Profiles, host: &Host) -> Result<bool> {
    let name = "AWS_STS_REGIONAL_ENDPOINTS";
    let variable = host.environment().unicode(name)?;
    let value = variable
        .as_deref()
        .or_else(|| profiles.get("sts_regional_endpoints"));
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("regional") => Ok(false),
        Some("legacy") => Ok(true),
        Some(other) => Err(Error::new(
            ErrorKind::InvalidValue,
            format_args!("\"{}\" is not a valid choice of STS endpoints", clean_line(other)),
        )
        .with_origin(&Origin::variable(name))
        .with_help("set it to regional or legacy")),
    }
}

/// Another address of STS, https only: requests to it are signed, and its answers are credentials.
fn sts_address(host: &Host) -> Result<Option<String>> {
    let ignored = host
        .environment()
        .unicode("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?;
    if ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    for name in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] {
        if let Some(address) = https_address(name, host)? {
            return Ok(Some(address));
        }
    }
    Ok(None)
}

/// The address in a variable.
///
/// # Errors
/// `InvalidValue` for one that is not https, or that contains a password.
pub(crate) fn https_address(name: &str, host: &Host) -> Result<Option<String>> {
    let Some(address) = host.environment().unicode(name)? else {
        return Ok(None);
    };
    let is_https = Url::parse(&address)
        .is_ok_and(|url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none());
    if !is_https {
        return Err(Error::new(
            ErrorKind::InvalidValue,
            format_args!("the variable {name} does not hold an https address"),
        )
        .with_origin(&Origin::variable(name))
        .with_help("write it as https://host"));
    }
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_host_label() {
        for region in ["eu-central-1", "us-gov-west-1", "us-iso-east-1", "a"] {
            assert!(is_region(region), "{region}");
        }
        let long = "a".repeat(64);
        for region in ["-a", "a-", "a.b", "a/b", "a@b", "123", "ü", "a b", &long] {
            assert!(!is_region(region), "{region}");
        }
    }
}
