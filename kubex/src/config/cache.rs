//! The setting `cache`: how widely the credential of a source is shared.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::{SavedSecret, SharingKey};
use kubex_core::{Cluster, Credential, CredentialSource, FetchRequest, Result, Source};

use super::settings::SourceSettings;

/// How widely the credential is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cache {
    /// Not shared: each client configuration fetches its own credential.
    None,
    /// Shared with the equal sources of this process.
    #[default]
    Memory,
    /// Shared with all processes of the user, through the store.
    Shared,
}

/// Applies the setting to a source.
///
/// # Errors
/// `Unsupported` if the program is built without the store.
pub(super) fn apply(source: Source, settings: &SourceSettings) -> Result<Source> {
    match settings.cache.unwrap_or_default() {
        Cache::Memory => Ok(source),
        Cache::None => Ok(source.decorated_by(|source| Arc::new(Private(source)))),
        Cache::Shared => shared(source, settings.cache_lifetime)
            .map_err(|error| error.with_origin(&settings.origin).in_source(&settings.name)),
    }
}

#[cfg(feature = "store")]
#[expect(clippy::unnecessary_wraps, reason = "without the store, it is an error")]
fn shared(source: Source, lifetime: Option<Duration>) -> Result<Source> {
    Ok(source.decorated_by(move |source| {
        let stored = kubex_store::StoredSource::new(source);
        match lifetime {
            Some(lifetime) => Arc::new(stored.with_lifetime(lifetime)),
            None => Arc::new(stored),
        }
    }))
}

#[cfg(not(feature = "store"))]
fn shared(_: Source, _: Option<Duration>) -> Result<Source> {
    use kubex_core::{Error, ErrorKind};

    Err(Error::new(
        ErrorKind::Unsupported,
        "this program is built without the store that \"cache: shared\" needs",
    )
    .with_help("enable the cargo feature \"store\", or set \"cache\" to memory"))
}

/// A source whose credential is not shared.
#[derive(Debug)]
struct Private(Arc<dyn CredentialSource>);

#[async_trait]
impl CredentialSource for Private {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        self.0.fetch(request).await
    }

    async fn fetch_saving(&self, request: FetchRequest<'_>, saved: &dyn SavedSecret) -> Result<Credential> {
        self.0.fetch_saving(request, saved).await
    }

    fn uses_up_a_secret(&self) -> bool {
        self.0.uses_up_a_secret()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn decorated(&self) -> Option<&dyn CredentialSource> {
        Some(&*self.0)
    }

    fn only_reads_files(&self) -> bool {
        self.0.only_reads_files()
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        None
    }
}
