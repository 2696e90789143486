//! The variables that the AWS SDK reads from the environment of the process, because no other environment can be passed to it.
//!
//! If the variables of the host differ from those of the process, the credentials would be those of another identity, so this
//! is an error.

use kubex_core::{Error, ErrorKind, Host, Origin, Result};

use crate::settings::{Settings, https_address};

/// For a role, or a web identity.
const OF_STS: &[&str] = &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"];

/// For IAM Identity Center: its addresses, and the home directory, which contains the login.
const OF_SSO: &[&str] = &[
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_ENDPOINT_URL",
    "HOME",
    "USERPROFILE",
];

/// For the endpoint of a container.
const OF_CONTAINER: &[&str] = &[
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// For the metadata of EC2: its address, and the files that may contain that.
const OF_METADATA: &[&str] = &[
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "HOME",
    "USERPROFILE",
];

/// Checks that the process has the same variables as the host, among those that the SDK reads for these settings.
///
/// # Errors
/// `Unsupported` if one differs, or if the SDK does not respect it; `InvalidValue` for an address that is not https.
pub(crate) fn check_process(settings: &Settings, host: &Host) -> Result<()> {
    let process = Host::real();
    let ignores_addresses = host
        .environment()
        .text("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    for name in read_by_the_sdk(settings, host) {
        let unsupported = |what: String, help: &str| {
            Error::new(ErrorKind::Unsupported, what)
                .with_origin(&Origin::variable(name))
                .with_help(help)
        };
        let value = host.environment().variable(name);
        if value != process.environment().variable(name) {
            return Err(unsupported(
                format!(
                    "the variable {name} has another value in the environment of the process, where the AWS SDK reads it"
                ),
                "set it in the environment of the process",
            ));
        }
        if !name.starts_with("AWS_ENDPOINT_URL") || value.is_none() {
            continue;
        }
        if ignores_addresses {
            return Err(unsupported(
                format!("the AWS SDK uses {name} here although AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is set"),
                "unset one of them",
            ));
        }
        https_address(name, host)?;
    }
    Ok(())
}

fn read_by_the_sdk(settings: &Settings, host: &Host) -> Vec<&'static str> {
    if settings.keys.is_some() {
        return Vec::new();
    }
    let profiles = &settings.profiles;
    if profiles.has_credentials() {
        let of_places = [
            (&["role_arn", "web_identity_token_file"][..], OF_STS),
            (
                &["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"],
                OF_SSO,
            ),
            (&["credential_source"], OF_CONTAINER),
            (&["credential_source"], OF_METADATA),
        ];
        let places = of_places
            .iter()
            .filter(|(keys, _)| keys.iter().any(|key| profiles.refers_to(key)));
        return places.flat_map(|(_, names)| names.iter().copied()).collect();
    }
    if settings.web_identity.is_some() {
        return OF_STS.to_vec();
    }
    let mut names = Vec::new();
    if has_container(host) {
        names.extend_from_slice(OF_CONTAINER);
    }
    if has_metadata(host) {
        names.extend_from_slice(OF_METADATA);
    }
    names
}

/// Whether the variables name the endpoint of a container.
pub(crate) fn has_container(host: &Host) -> bool {
    let mut addresses = OF_CONTAINER.iter().filter(|name| name.ends_with("_URI"));
    addresses.any(|name| host.environment().variable(name).is_some())
}

/// Whether the metadata of EC2 may be asked.
pub(crate) fn has_metadata(host: &Host) -> bool {
    let disabled = host.environment().text("AWS_EC2_METADATA_DISABLED");
    !disabled.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
