//! The credential source: finds the application default credentials, and exchanges them for an access token.

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::text::check_path;
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    FromOptions, Host, Origin, Result,
};

use crate::crypto::check_provider;
use crate::exchange::exchange;
use crate::grant;
use crate::identity::Identity;
use crate::metadata;
use crate::options::GkeOptions;
use crate::place::{Place, well_known};
use crate::process::{LARGEST_FILE, check_process};
use crate::replacement::check_host;

/// The scopes of gke-gcloud-auth-plugin. With the second one, the cluster gets the email address of a service account, and not
/// only its number.
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
];

/// Requests Google access tokens: the credential source of the provider `gke`. See the [crate](crate).
#[derive(Debug)]
pub struct GkeSource {
    options: GkeOptions,
    origin: Origin,
    /// Whether the source replaces gke-gcloud-auth-plugin. It then uses everything that the plugin would read.
    replaces_the_plugin: bool,
}

impl FromOptions for GkeSource {
    type Options = GkeOptions;

    fn from_options(mut options: GkeOptions, context: &BuildContext<'_>) -> Result<Self> {
        options.credentials.take_if(|path| path.as_os_str().is_empty());
        options.scopes.take_if(|scopes| scopes.is_empty());
        let origin = context.options.origin_of("credentials");
        if let Some(path) = &options.credentials {
            check_path("credentials", &path.to_string_lossy(), &origin)?;
        }
        for scope in options.scopes.iter().flatten() {
            check_scope(scope).map_err(|error| error.with_origin(&context.options.origin_of("scopes")))?;
        }
        Ok(Self {
            options,
            origin,
            replaces_the_plugin: false,
        })
    }
}

/// Scopes are joined by a blank or a comma.
fn check_scope(scope: &str) -> Result<()> {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b",\"\\".contains(&byte);
    if !scope.is_empty() && scope.bytes().all(is_part) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidValue,
        "\"scopes\" contains what is not a valid OAuth scope",
    )
    .with_help("write a list of scopes, such as [\"https://www.googleapis.com/auth/cloud-platform\"]"))
}

impl GkeSource {
    /// A source that replaces the call of gke-gcloud-auth-plugin at `origin`.
    pub(crate) fn in_place_of(origin: &Origin) -> Self {
        Self {
            options: GkeOptions::default(),
            origin: origin.clone(),
            replaces_the_plugin: true,
        }
    }

    async fn place(&self, host: &Host) -> Result<Place> {
        let option = self.options.credentials.as_ref();
        Place::find(option.map(|path| (path, &self.origin)), host).await
    }

    /// The identity; `None` if the metadata server knows it.
    async fn identity(&self, host: &Host) -> Result<Option<Identity>> {
        if self.replaces_the_plugin {
            check_host(host)?;
        }
        match self.place(host).await? {
            Place::File { content, origin } => Identity::read(&content, &origin).map(Some),
            Place::Metadata if self.replaces_the_plugin && well_known(host).is_none() => Err(Error::new(
                ErrorKind::Unsupported,
                "no variable contains the home directory, so the plugin would ask the system for it",
            )),
            Place::Metadata => metadata::address(host).map(|_| None),
        }
    }

    async fn credential(&self, host: &Host) -> Result<Credential> {
        let scopes = match &self.options.scopes {
            Some(scopes) => scopes.clone(),
            None => SCOPES.map(str::to_owned).to_vec(),
        };
        match self.identity(host).await? {
            Some(Identity::ServiceAccount(account)) => {
                grant::of_service_account(&account, &scopes, host).await
            }
            Some(Identity::User(user)) => grant::of_user(&user, self.options.scopes.as_deref(), host).await,
            Some(Identity::Exchanged(exchanged)) => exchange(exchanged, scopes, host).await,
            None => metadata::token(&scopes, host).await,
        }
    }
}

#[async_trait]
impl CredentialSource for GkeSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let fetched = self.credential(request.host).await;
        fetched.map_err(|error| error.or_origin(&self.origin))
    }

    fn describe(&self) -> String {
        "Google access token".to_owned()
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        let path = self.options.credentials.as_ref();
        let key = SharingKey::new("gke").with_optional(path.map(|path| path.as_os_str().as_encoded_bytes()));
        Some(key.with_list(self.options.scopes.iter().flatten()))
    }

    /// Identifies the credential by the options, the credentials file and the subject token. `None` if only a server
    /// knows the identity, like the identity of the machine: two pods may request it at the same address and share a
    /// home directory.
    async fn store_identity(&self, host: &Host, _: &Cluster) -> Option<StoreIdentity> {
        let Place::File { content, origin } = self.place(host).await.ok()? else {
            return None;
        };
        let mut identity = StoreIdentity::new("gke", &self.describe())
            .with("file", content.expose_secret())
            .with_list("scopes", self.options.scopes.iter().flatten());
        if let Identity::Exchanged(exchanged) = Identity::read(&content, &origin).ok()? {
            for known_to_a_server in ["url", "environment_id"] {
                if exchanged.of_the_source(known_to_a_server).is_some() {
                    return None;
                }
            }
            if let Some(path) = exchanged.of_the_source("file") {
                let subject = host.files().read(path.as_ref(), LARGEST_FILE).await.ok()?;
                identity = identity.with("subject", subject.expose_secret());
            }
        }
        Some(identity)
    }

    /// Returns an error if the credentials file cannot be used. Sends no request.
    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        let checked = match self.identity(host).await {
            Ok(Some(Identity::Exchanged(exchanged))) => {
                check_provider().and(check_process(&exchanged, host).await)
            }
            Ok(Some(Identity::ServiceAccount(_))) => check_provider(),
            Ok(Some(Identity::User(_)) | None) => Ok(()),
            Err(error) => Err(error),
        };
        checked.map_err(|error| error.or_origin(&self.origin))?;
        Ok(None)
    }
}
