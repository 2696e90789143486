//! The AWS credentials, which the AWS SDK finds.
//!
//! Keys in variables are used directly. Otherwise, the first of these that is set is used: the credentials of the profile, the
//! web identity in variables, the credentials that the machine offers (a container's endpoint, EC2's metadata). If it fails,
//! the result is an error, and never the identity of another one.

use std::future::ready;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_types::region::Region;
use kubex_core::text::{Mask, messages, sanitize_line};
use kubex_core::{Error, ErrorKind, Host, Proxy, Result};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::connector::Connector;
use crate::options::EksOptions;
use crate::process::{has_container, has_metadata};
use crate::settings::Settings;

/// The session name of the AWS CLI.
const SESSION_NAME: &str = "EKSGetTokenAuth";

/// Finds the credentials, and assumes the role if there is one.
///
/// # Errors
/// `Unavailable` if there are no credentials, or if AWS refuses or cannot be reached; `InvalidValue` for an invalid proxy.
pub(crate) async fn credentials(
    options: &EksOptions,
    settings: &Settings,
    host: &Host,
) -> Result<Credentials> {
    if let (Some(keys), None) = (&settings.keys, &options.role) {
        return Ok(keys.clone());
    }
    // An invalid proxy is an error before a request is sent.
    Proxy::from_environment(&settings.endpoint().await?.url, host)?;
    let connector = Connector::new(settings.authorities(host).await?, host)?;
    let found = async {
        let provider = match &settings.keys {
            Some(keys) => SharedCredentialsProvider::new(keys.clone()),
            None => provider(settings, connector.clone(), host),
        };
        match &options.role {
            Some(role) => assume(role, options, settings, connector, provider).await,
            None => provider.provide_credentials().await,
        }
    };
    // The SDK's events contain more than may be logged.
    let found = found.with_subscriber(Arc::new(NoSubscriber::default())).await;
    found.map_err(|error| failed(&error, options))
}

/// Whether the machine offers the keys: a container's endpoint or EC2's metadata.
pub(crate) fn are_of_the_machine(settings: &Settings) -> bool {
    if settings.keys.is_some() {
        return false;
    }
    let profiles = &settings.profiles;
    if profiles.has_credentials() {
        let sources = profiles.all("credential_source");
        return sources.iter().any(|source| *source != "Environment");
    }
    settings.web_identity.is_none()
}

/// The SDK reads some variables of its process, which [`check_process`](crate::process::check_process) has compared.
fn provider(settings: &Settings, connector: Connector, host: &Host) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_region(Some(Region::new(settings.region.clone())))
        .with_use_fips(Some(settings.uses_fips))
        .with_use_dual_stack(Some(settings.uses_dual_stack))
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_http_client(connector);
    if settings.profiles.has_credentials() {
        let keys = settings.keys_of_variables.clone();
        let profile = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            // The variables of the host, which may differ from those of the process.
            .with_custom_provider(
                "Environment",
                provide_credentials_fn(move || ready(keys.clone().ok_or_else(no_keys))),
            )
            .profile_files(settings.profiles.files())
            .profile_name(settings.profiles.name());
        return SharedCredentialsProvider::new(profile.build());
    }
    if let Some(identity) = &settings.web_identity {
        let identity = WebIdentityTokenCredentialsProvider::builder()
            .configure(&config)
            .static_configuration(identity.clone());
        return SharedCredentialsProvider::new(identity.build());
    }
    let machine = if has_metadata(host) {
        SharedCredentialsProvider::new(ImdsCredentialsProvider::builder().configure(&config).build())
    } else {
        SharedCredentialsProvider::new(provide_credentials_fn(|| ready(Err(no_place()))))
    };
    if !has_container(host) {
        return machine;
    }
    let container = EcsCredentialsProvider::builder().configure(&config).build();
    SharedCredentialsProvider::new(
        CredentialsProviderChain::first_try("container", container).or_else("machine", machine),
    )
}

async fn assume(
    role: &str,
    options: &EksOptions,
    settings: &Settings,
    connector: Connector,
    provider: SharedCredentialsProvider,
) -> Result<Credentials, CredentialsError> {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(settings.region.clone()))
        .use_fips(settings.uses_fips)
        .use_dual_stack(settings.uses_dual_stack)
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .http_client(connector);
    config.set_endpoint_url(settings.sts_address.clone());
    let mut assumed = AssumeRoleProvider::builder(role)
        .session_name(options.session_name.as_deref().unwrap_or(SESSION_NAME))
        .configure(&config.build());
    if let Some(id) = &options.external_id {
        assumed = assumed.external_id(id);
    }
    assumed
        .build_from_provider(provider)
        .await
        .provide_credentials()
        .await
}

fn no_keys() -> CredentialsError {
    CredentialsError::not_loaded("the environment variables contain no AWS access key")
}

fn no_place() -> CredentialsError {
    CredentialsError::not_loaded("no variable and no profile has any, and the metadata of EC2 is disabled")
}

/// The SDK's messages, without what looks like a secret. Its error is not kept as the source: its `Debug` contains bodies
/// of responses.
fn failed(error: &CredentialsError, options: &EksOptions) -> Error {
    let messages = Mask::new().apply(&messages(error));
    let what = match &options.role {
        Some(role) => format!("no AWS credentials for the role \"{}\"", sanitize_line(role)),
        None => "no AWS credentials".to_owned(),
    };
    Error::new(ErrorKind::Unavailable, format_args!("{what}: {messages}")).with_help(match error {
        CredentialsError::CredentialsNotLoaded(_) => "log in to AWS, or set AWS_PROFILE",
        CredentialsError::ProviderTimedOut(_) => "check that this machine can reach AWS",
        CredentialsError::InvalidConfiguration(_) => "check ~/.aws/config",
        _ if options.role.is_some() => "check that these AWS credentials may assume the role",
        _ => "log in to AWS again",
    })
}

#[cfg(test)]
mod tests {
    use kubex_core::Origin;
    use kubex_core::host::SimulatedHost;

    use super::*;

    /// Two machines with the same settings may share a home directory.
    #[tokio::test]
    async fn keys_that_only_the_machine_knows_are_told_apart_from_those_of_settings() {
        let keys = [
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
        ];
        let web = [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
        ];
        let container = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1")];
        let role = "role_arn = arn:aws:iam::1:role/r\n";
        let with = |source: &str| format!("[default]\n{role}credential_source = {source}\n");
        for (config, variables, is_of_the_machine) in [
            (String::new(), &[][..], true),
            (String::new(), &container, true),
            (String::new(), &keys, false),
            (String::new(), &web, false),
            (with("Ec2InstanceMetadata"), &[], true),
            (with("EcsContainer"), &[], true),
            (with("Environment"), &[], false),
            // The keys in variables take precedence.
            (with("Ec2InstanceMetadata"), &keys, false),
            (
                format!(
                    "[default]\n{role}source_profile = base\n[profile base]\n{role}credential_source = EcsContainer\n"
                ),
                &[],
                true,
            ),
            (
                format!("[default]\n{role}web_identity_token_file = /token\n"),
                &container,
                false,
            ),
        ] {
            let world = SimulatedHost::new();
            world.set_variable("HOME", "/home/jane");
            world.set_variable("AWS_REGION", "eu-central-1");
            world.write("/home/jane/.aws/config", &config);
            for (name, value) in variables {
                world.set_variable(name, value);
            }
            let options = EksOptions {
                cluster: "production".to_owned(),
                ..EksOptions::default()
            };
            let settings = Settings::read(&options, &Origin::code(), &world.host())
                .await
                .unwrap();
            assert_eq!(
                are_of_the_machine(&settings),
                is_of_the_machine,
                "{config} {variables:?}"
            );
        }
    }
}
