//! The credential source: reads the settings of AWS, finds the credentials, and signs a token.

use std::time::SystemTime;

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::text::sanitize_line;
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    FromOptions, Host, Origin, Result,
};

use crate::credentials::{are_of_the_machine, credentials};
use crate::options::EksOptions;
use crate::process::check_process;
use crate::profile::LARGEST_FILE;
use crate::replacement::check_host;
use crate::settings::Settings;
use crate::token::{LIFETIME, presign};

/// Signs tokens for Amazon EKS: the credential source of the provider `eks`. See the [crate](crate).
#[derive(Debug)]
pub struct EksSource {
    options: EksOptions,
    origin: Origin,
    /// Whether the source replaces the AWS CLI. It then uses everything that the CLI would read.
    replaces_the_cli: bool,
}

impl FromOptions for EksSource {
    type Options = EksOptions;

    fn from_options(mut options: EksOptions, context: &BuildContext<'_>) -> Result<Self> {
        for option in [
            &mut options.region,
            &mut options.profile,
            &mut options.role,
            &mut options.session_name,
            &mut options.external_id,
        ] {
            option.take_if(|text| text.is_empty());
        }
        let origin = context.options.origin_of("cluster");
        check_cluster(&options.cluster).map_err(|error| error.with_origin(&origin))?;
        for (key, set) in [
            ("session-name", options.session_name.is_some()),
            ("external-id", options.external_id.is_some()),
        ] {
            if set && options.role.is_none() {
                return Err(Error::new(
                    ErrorKind::MissingField,
                    format_args!("\"{key}\" is set without \"role\""),
                )
                .with_origin(&context.options.origin_of(key))
                .with_help("set \"role\""));
            }
        }
        Ok(Self {
            options,
            origin,
            replaces_the_cli: false,
        })
    }
}

/// The name is the value of a header.
pub(crate) fn check_cluster(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::new(ErrorKind::MissingField, "\"cluster\" is empty")
            .with_help("set \"cluster\" to the name of the EKS cluster"));
    }
    if name.len() > 256 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::new(
            ErrorKind::InvalidValue,
            "\"cluster\" is not a valid name of an EKS cluster",
        )
        .with_help("set \"cluster\" to the name that `aws eks list-clusters` prints"));
    }
    Ok(())
}

impl EksSource {
    /// A source that replaces the call of the AWS CLI at `origin`.
    pub(crate) fn in_place_of(options: EksOptions, origin: &Origin) -> Self {
        Self {
            options,
            origin: origin.clone(),
            replaces_the_cli: true,
        }
    }

    /// Reads the settings from the options and from the host's variables and files.
    async fn settings(&self, host: &Host) -> Result<Settings> {
        let settings = Settings::read(&self.options, &self.origin, host).await?;
        check_process(&settings, host)?;
        if self.replaces_the_cli {
            check_host(&settings, host).await?;
        }
        Ok(settings)
    }

    async fn credential(&self, host: &Host) -> Result<Credential> {
        let settings = self.settings(host).await?;
        let endpoint = settings.endpoint().await?;
        // The SDK's future is large.
        let credentials = Box::pin(credentials(&self.options, &settings, host)).await?;
        let now = host.now().wall;
        let expiry = expiry(credentials.expiry(), now);
        let token = presign(&endpoint, &self.options.cluster, credentials, now)?;
        Ok(Credential::bearer(token)?.with_expiry(Some(expiry)))
    }
}

/// 14 minutes, or sooner if the AWS credentials expire sooner: a token is not valid longer than what signed it.
fn expiry(credentials: Option<SystemTime>, now: SystemTime) -> SystemTime {
    let usual = now + LIFETIME;
    credentials.map_or(usual, |expiry| expiry.min(usual))
}

#[async_trait]
impl CredentialSource for EksSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let fetched = self.credential(request.host).await;
        fetched.map_err(|error| error.or_origin(&self.origin))
    }

    fn describe(&self) -> String {
        format!("EKS token for cluster {}", sanitize_line(&self.options.cluster))
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        let key = SharingKey::new("eks").with(&self.options.cluster);
        let optional = self.options.optional().into_iter();
        Some(optional.fold(key, |key, (_, option)| key.with_optional(option.as_ref())))
    }

    /// Identifies the credential by the options, by each variable and file of AWS, and by the token of a web identity.
    /// `None` if the machine provides the AWS credentials, because only the machine knows whose they are: two pods may
    /// have the same settings and share a home directory.
    async fn store_identity(&self, host: &Host, _: &Cluster) -> Option<StoreIdentity> {
        let settings = self.settings(host).await.ok()?;
        if are_of_the_machine(&settings) {
            return None;
        }
        let identity = StoreIdentity::new("eks", &self.describe()).with("cluster", &self.options.cluster);
        let optional = self.options.optional().into_iter();
        let mut identity = optional.fold(identity, |identity, (name, option)| {
            identity.with_optional(name, option.as_ref())
        });
        let mut variables = host.environment().variables();
        variables.retain(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_") || name == "HOME");
        variables.sort();
        for (name, value) in variables {
            identity = identity
                .with("variable", name.as_encoded_bytes())
                .with("value", value.as_encoded_bytes());
        }
        for content in settings.profiles.contents() {
            identity = identity.with("file", content.expose_secret());
        }
        for path in settings.web_identity_files() {
            let token = host.files().read(&path, LARGEST_FILE).await.ok()?;
            identity = identity.with("web identity", token.expose_secret());
        }
        Some(identity)
    }

    /// Returns an error if the region or the profile is missing, or if the profile needs something that is not
    /// supported. Sends no request.
    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        let checked = match self.settings(host).await {
            Ok(settings) => settings.endpoint().await.map(drop),
            Err(error) => Err(error),
        };
        let checked = checked.map_err(|error| error.or_origin(&self.origin));
        checked.map(|()| None)
    }
}
