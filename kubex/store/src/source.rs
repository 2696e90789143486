//! Any credential source, shared through the store.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::text::sanitize_line;
use kubex_core::{
    Cluster, Credential, CredentialSource, Error, ErrorKind, FetchReason, FetchRequest, Host, Result,
    ServerUrl, Warning,
};
use tracing::warn;

use crate::entry::StoredCredential;
use crate::flight::Flight;
use crate::location::Location;
use crate::metrics::looked_up;
use crate::slot::{Access, Begun};
use crate::store::Store;
use crate::unshared::Unshared;

/// The warning of a source that gets a new refresh token which nothing saves.
const NOT_SAVED: &str = "refresh-token-not-saved";

/// A credential source that shares its credential with all processes of the user, through the store. Only one process
/// fetches at a time, and the others get its result.
///
/// If the store cannot be used, or if the source has no [`StoreIdentity`], each process fetches its own credential.
/// The reason is recorded in a `tracing` event.
#[derive(Debug)]
pub struct StoredSource {
    source: Arc<dyn CredentialSource>,
    location: Option<Location>,
    lifetime: Option<Duration>,
    last: Mutex<Option<StoredCredential>>,
}

impl StoredSource {
    /// Shares the credential of this source through the user's store.
    pub fn new(source: Arc<dyn CredentialSource>) -> Self {
        Self {
            source,
            location: None,
            lifetime: None,
            last: Mutex::default(),
        }
    }

    /// Uses the store at this location instead of the user's store.
    #[must_use]
    pub fn in_location(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// Sets how long a credential without an expiry time is shared. By default, such a credential is not shared.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// A simulated host shares nothing with real processes.
    fn uses_the_store(&self, host: &Host) -> bool {
        host.processes().is_none() || self.location.is_some()
    }

    /// Whether another process could get this credential, or has no need of it.
    async fn can_be_shared(&self, host: &Host) -> bool {
        let source = &self.source;
        if source.only_reads_files() || source.never_changes() {
            return true;
        }
        // A plugin has an identity as soon as its program is installed.
        if source.plugin_verdict(host).await.is_some() {
            return true;
        }
        // The cluster is a part of some identities, but none depends on which one it is.
        let Ok(server) = ServerUrl::parse("https://localhost") else {
            return true;
        };
        source.store_identity(host, &Cluster::new(server)).await.is_some()
    }

    /// Waits for another process, or gets the right to fetch.
    async fn begin(&self, identity: StoreIdentity, request: FetchRequest<'_>) -> Result<Begun> {
        let host = request.host;
        let location = match &self.location {
            Some(location) => Ok(location.clone()),
            None => Location::of_the_user(host.environment()),
        };
        let mut access = Access::new(self.source.deadline_on(host));
        if request.reason == FetchReason::Rejected
            && let Some(last) = self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            access = access.rejecting(last);
        }
        blocking(move || begin_in(location, &identity, &access)).await
    }

    /// Fetches, and keeps the result if it is that of this identity.
    async fn fly(
        &self,
        flight: Flight,
        identity: &StoreIdentity,
        request: FetchRequest<'_>,
    ) -> Result<Credential> {
        let mut flight = flight.with_lifetime(self.lifetime);
        if request
            .host
            .terminal()
            .is_some_and(kubex_core::host::Terminal::is_terminal)
        {
            flight = flight.asking_its_user();
        }
        let reason = match request.reason {
            FetchReason::First => flight.reason(),
            known => known,
        };
        let request = FetchRequest { reason, ..request };
        match self.source.fetch_saving(request, &flight).await {
            Ok(credential) => {
                // The files that make the identity may have changed before the source read them.
                let fetched = self.source.store_identity(request.host, request.cluster).await;
                if fetched.is_none_or(|fetched| fetched.expose() != identity.expose()) {
                    self.warn(&Unshared::of_a_changed_identity());
                    return Ok(credential);
                }
                let description = identity.description().to_owned();
                let kept = credential.clone();
                let (stored, unshared) = blocking(move || flight.succeed(kept, &description)).await?;
                if let Some(unshared) = unshared {
                    self.warn(&unshared);
                }
                self.remember(stored);
                Ok(credential)
            }
            Err(error) => {
                let shared = error.clone();
                match blocking(move || flight.fail(&shared)).await? {
                    Some(early) => Ok(self.remember(early)),
                    None => Err(error),
                }
            }
        }
    }

    async fn fetch_unshared(&self, why: &Unshared, request: FetchRequest<'_>) -> Result<Credential> {
        self.warn(why);
        self.source.fetch(request).await
    }

    fn remember(&self, stored: StoredCredential) -> Credential {
        let credential = stored.credential().clone();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored);
        credential
    }

    fn warn(&self, unshared: &Unshared) {
        let source = sanitize_line(&self.source.describe()).into_owned();
        warn!(target: "kubex::store", source, reason = %unshared, "the credential is not shared");
    }
}

fn begin_in(location: Result<Location, Unshared>, identity: &StoreIdentity, access: &Access) -> Begun {
    match location.and_then(|location| Store::open(&location)) {
        Ok(store) => {
            if let Some(warning) = store.warning() {
                warn!(target: "kubex::store", reason = %warning, "the key of the store is in a file");
            }
            store.slot(identity).begin(access)
        }
        Err(unshared) => Begun::Unshared(unshared),
    }
}

/// Runs on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return Err(Error::new(
            ErrorKind::NoRuntime,
            "a shared credential was requested outside of a tokio runtime",
        )
        .with_help("call it within a tokio runtime"));
    };
    runtime
        .spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Aborted, "the store did not answer").with_source(error))
}

#[async_trait]
impl CredentialSource for StoredSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        if !self.uses_the_store(request.host) {
            return self.source.fetch(request).await;
        }
        let Some(identity) = self.source.store_identity(request.host, request.cluster).await else {
            looked_up("unshared");
            return self.fetch_unshared(&Unshared::of_no_identity(), request).await;
        };
        let begun = self.begin(identity.clone(), request).await?;
        looked_up(match &begun {
            Begun::Hit(_) => "hit",
            Begun::Fetch(_) => "fetched",
            Begun::Failed(_) => "failed",
            Begun::Unshared(_) => "unshared",
        });
        match begun {
            Begun::Hit(stored) => Ok(self.remember(*stored)),
            Begun::Fetch(flight) => self.fly(*flight, &identity, request).await,
            Begun::Failed(error) => Err(match self.source.origin() {
                Some(origin) => error.with_origin(origin),
                None => error,
            }),
            Begun::Unshared(unshared) => self.fetch_unshared(&unshared, request).await,
        }
    }

    fn describe(&self) -> String {
        self.source.describe()
    }

    fn decorated(&self) -> Option<&dyn CredentialSource> {
        Some(&*self.source)
    }

    fn deadline(&self) -> Duration {
        self.source.deadline() * 2
    }

    /// The wait for another process, and the fetch.
    fn deadline_on(&self, host: &Host) -> Duration {
        self.source.deadline_on(host) * 2
    }

    fn sharing_key(&self, cluster: &Cluster) -> Option<SharingKey> {
        self.source.sharing_key(cluster).map(|key| key.with("store"))
    }

    /// The store saves what the source itself does not. A credential that no other process can get is a warning.
    async fn warnings(&self, host: &Host) -> Vec<Warning> {
        let mut warnings = self.source.warnings(host).await;
        let has_store = self.location.is_some() || Location::of_the_user(host.environment()).is_ok();
        warnings.retain(|warning| !has_store || warning.id() != NOT_SAVED);
        if self.uses_the_store(host) && !self.can_be_shared(host).await {
            let warning = Unshared::of_no_identity().warning();
            warnings.push(match self.source.origin() {
                Some(origin) => warning.with_origin(origin),
                None => warning,
            });
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::SystemTime;

    use kubex_core::{Credentials, ExposeSecret as _};

    use super::*;
    use crate::location::KeyPlace;

    #[derive(Debug, Default)]
    struct Vault {
        fetches: AtomicUsize,
        fails: bool,
    }

    #[async_trait]
    impl CredentialSource for Vault {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
            let fetch = self.fetches.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if self.fails {
                return Err(Error::new(ErrorKind::Unavailable, "the vault is sealed"));
            }
            let expires_at = SystemTime::now() + Duration::from_secs(600);
            Ok(Credential::bearer(format!("token-{fetch}").into())?.with_expiry(Some(expires_at)))
        }

        fn describe(&self) -> String {
            "vault".to_owned()
        }

        async fn store_identity(&self, _: &Host, _: &Cluster) -> Option<StoreIdentity> {
            Some(StoreIdentity::new("vault", "vault").with("fails", [u8::from(self.fails)]))
        }
    }

    fn live(vault: &Arc<Vault>, location: &Location) -> Credentials {
        let source = StoredSource::new(Arc::clone(vault) as Arc<dyn CredentialSource>);
        let cluster = Cluster::new(ServerUrl::parse("https://a").unwrap());
        Credentials::live(
            Arc::new(source.in_location(location.clone())),
            Arc::new(cluster),
            Host::real(),
        )
    }

    async fn token(credentials: &Credentials) -> String {
        let credential = credentials.current().await.unwrap();
        credential.token().unwrap().expose_secret().to_owned()
    }

    #[tokio::test]
    async fn two_handles_that_share_nothing_else_share_the_store() {
        let parent = tempfile::tempdir().unwrap();
        let location = Location::new(parent.path().join("store"), KeyPlace::File);
        let vault = Arc::new(Vault::default());
        let (one, other) = (live(&vault, &location), live(&vault, &location));
        assert_eq!(token(&one).await, "token-0");
        assert_eq!(token(&other).await, "token-0");
        // What one of them learns from a rejection, the other one gets too.
        one.invalidate(one.current().await.unwrap().generation());
        assert_eq!(token(&one).await, "token-1");
        other.invalidate(other.current().await.unwrap().generation());
        assert_eq!(token(&other).await, "token-1");
        assert_eq!(vault.fetches.load(Ordering::SeqCst), 2);
    }

    /// A source whose provider has no identity for a store.
    #[derive(Debug)]
    struct Unidentified {
        only_reads_files: bool,
    }

    #[async_trait]
    impl CredentialSource for Unidentified {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
            Credential::bearer("token".into())
        }

        fn describe(&self) -> String {
            "unidentified".to_owned()
        }

        fn only_reads_files(&self) -> bool {
            self.only_reads_files
        }
    }

    #[tokio::test]
    async fn a_source_that_cannot_be_shared_warns_before_its_first_fetch() {
        let parent = tempfile::tempdir().unwrap();
        let location = Location::new(parent.path().join("store"), KeyPlace::File);
        let warnings = async |source: Arc<dyn CredentialSource>| -> Vec<&'static str> {
            let stored = StoredSource::new(source).in_location(location.clone());
            let warnings = stored.warnings(&Host::real()).await;
            warnings.iter().map(Warning::id).collect()
        };
        let unidentified = |only_reads_files| Arc::new(Unidentified { only_reads_files });
        assert_eq!(warnings(unidentified(false)).await, ["credential-not-shared"]);
        assert!(warnings(unidentified(true)).await.is_empty());
        assert!(warnings(Arc::new(Vault::default())).await.is_empty());
    }

    /// A source whose file is replaced before the first fetch reads it.
    #[derive(Debug, Default)]
    struct Replaced {
        login: Mutex<&'static str>,
        fetches: AtomicUsize,
    }

    impl Replaced {
        fn log_in(&self, login: &'static str) {
            *self.login.lock().unwrap() = login;
        }
    }

    #[async_trait]
    impl CredentialSource for Replaced {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
            if self.fetches.fetch_add(1, Ordering::SeqCst) == 0 {
                self.log_in("joe");
            }
            let expires_at = SystemTime::now() + Duration::from_secs(600);
            let token = format!("of-{}", self.login.lock().unwrap());
            Ok(Credential::bearer(token.into())?.with_expiry(Some(expires_at)))
        }

        fn describe(&self) -> String {
            "login".to_owned()
        }

        async fn store_identity(&self, _: &Host, _: &Cluster) -> Option<StoreIdentity> {
            let login = *self.login.lock().unwrap();
            Some(StoreIdentity::new("login", "login").with("login", login))
        }
    }

    #[tokio::test]
    async fn a_token_of_an_identity_that_changed_during_the_fetch_is_not_kept_for_the_first_one() {
        let parent = tempfile::tempdir().unwrap();
        let location = Location::new(parent.path().join("store"), KeyPlace::File);
        let source = Arc::new(Replaced::default());
        let token = async |login| {
            source.log_in(login);
            let cluster = Cluster::new(ServerUrl::parse("https://a").unwrap());
            let stored = StoredSource::new(Arc::clone(&source) as Arc<dyn CredentialSource>);
            let stored = Arc::new(stored.in_location(location.clone()));
            token(&Credentials::live(stored, Arc::new(cluster), Host::real())).await
        };
        assert_eq!(token("jane").await, "of-joe");
        assert_eq!(token("jane").await, "of-jane");
        assert_eq!(token("joe").await, "of-joe");
        // Each of them has one of its own now.
        let fetches = source.fetches.load(Ordering::SeqCst);
        assert_eq!(token("jane").await, "of-jane");
        assert_eq!(token("joe").await, "of-joe");
        assert_eq!(source.fetches.load(Ordering::SeqCst), fetches);
    }

    #[tokio::test]
    async fn an_error_and_a_store_that_cannot_be_used_reach_the_caller() {
        let parent = tempfile::tempdir().unwrap();
        let location = Location::new(parent.path().join("store"), KeyPlace::File);
        let sealed = Arc::new(Vault {
            fails: true,
            ..Vault::default()
        });
        let error = live(&sealed, &location).current().await.unwrap_err();
        assert!(error.message().contains("the vault is sealed"), "{error}");

        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        let vault = Arc::new(Vault::default());
        let unusable = Location::new(file.join("store"), KeyPlace::File);
        assert_eq!(token(&live(&vault, &unusable)).await, "token-0");
    }
}
