//! A handle that always returns the current credential.
//!
//! A client calls [`Credentials::current`] before each request. While the credential is fresh, the call reads a
//! snapshot without a lock, an allocation or a wait. When the credential is about to expire, the first caller starts a
//! fetch in the background, and all callers keep using the old credential. Callers wait in two cases, and then all of
//! them wait for the same fetch:
//!
//! - There is no valid credential.
//! - The credential has reached the age at which it is [fetched again](crate::Credential::with_revalidate_after), such
//!   as 60 s for a token file. Callers wait at most 1 s, and then use the old credential.
//!
//! The client reports the response of the server: [`Credentials::invalidate`] for 401, and [`Credentials::accept`] for
//! other responses.
//!
//! Credentials are fetched on demand: a program that sends no request runs no plugin and reads no file.
//!
//! | method | waits | starts a fetch | may return an expired credential |
//! |---|---|---|---|
//! | [`current`](Credentials::current) | in the cases above | yes | only if it had expired when it was fetched, see [`Credential::expired_on_arrival`] |
//! | [`try_current`](Credentials::try_current) | no | yes | yes |
//! | [`peek`](Credentials::peek) | no | no | yes |
//! | [`with_fresh`](Credentials::with_fresh) | no | no | no |
//!
//! Use `current` in a client that sends requests. Use `peek` for a metric or a status page, because it never runs a
//! plugin. Use `try_current` where the code cannot wait, such as in a TLS callback. The fetch that `try_current` starts
//! serves the next call.
//!
//! # When a credential is renewed
//!
//! | case | when |
//! |---|---|
//! | it expires | when less than 20 % of its lifetime is left: at least 10 s and at most 5 min before the expiry, but never before half of the lifetime. A jitter of up to 10 % of that window delays it |
//! | the source returns the same credential again | 10 s later at the earliest, or when it expires |
//! | its client certificate expires | as early as for an expiry; the certificate is still offered after it has expired |
//! | its source asks for [revalidation](Credential::with_revalidate_after) | at that age; requests wait for it for 1 s at most |
//! | the server rejects it ([`invalidate`](Credentials::invalidate)) | at once if the server had accepted it before, up to 10 times in a row. After that, and for other credentials, at most once every 10 s |
//! | a fetch fails | after 1 s, 2 s, 4 s, up to 60 s, each up to 10 % earlier |
//!
//! Callers get the old credential meanwhile, as long as it is valid.
//!
//! # Events
//!
//! Each fetch that ends is a `tracing` event with the target `kubex::credentials`, or `kubex::trust` for [CA
//! bundles](crate::trust). Each rejection by the server is an event too. The event has level warn when fetching begins
//! to fail, and again when it still fails after the last valid value has expired. It has level info when fetching works
//! again, and otherwise debug. The names and fields are stable:
//!
//! | field | meaning |
//! |---|---|
//! | `source` | the name of the source in the chain; empty without a chain |
//! | `outcome` | `fetched`, `unchanged` (equal to the previous value), `expired` (already when it was fetched), `failed`, `rejected` (by the server), `lost` (the fetch was given up, because its runtime is blocked) |
//! | `reason` | why the fetch started: `first`, `expiring`, `rejected` |
//! | `duration_ms` | how long the fetch took |
//! | `generation` | the generation that callers now receive; absent if there is none |
//! | `seconds_to_expiry` | how long the value remains valid; absent if it does not expire |
//! | `failures` | how many fetches have failed in a row |
//! | `has_valid` | whether callers still receive a valid value |
//! | `error` | why the fetch failed |
//!
//! ```
//! use std::sync::Arc;
//! use kubex_core::{Cluster, Credential, CredentialSource, Credentials, FetchRequest, Host, Result, ServerUrl};
//!
//! #[derive(Debug)]
//! struct Counter(std::sync::atomic::AtomicU32);
//!
//! #[async_trait::async_trait]
//! impl CredentialSource for Counter {
//!     async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
//!         let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
//!         Credential::bearer(format!("token-{number}").into())
//!     }
//!     fn describe(&self) -> String { "a counter".into() }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let cluster = Arc::new(Cluster::new(ServerUrl::parse("https://10.0.0.1")?));
//! let credentials = Credentials::live(Arc::new(Counter(0.into())), cluster, Host::real());
//! let first = credentials.current().await?;
//! assert_eq!(first.generation().number(), 1);
//!
//! credentials.invalidate(first.generation()); // the server answered 401
//! assert_eq!(credentials.current().await?.generation().number(), 2);
//! # Ok(())
//! # }
//! ```

mod last_used;
mod sharing;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::credential::{Credential, Generation};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, PluginVerdict};
use crate::refresh::{Asker, Fetcher, RefreshCell, Refreshable, Subject};
use crate::source::{CredentialSource, FetchReason, FetchRequest};

use sharing::Lease;

pub use crate::sharing_key::SharingKey;
pub use crate::source::SavedSecret;
pub use crate::store_identity::StoreIdentity;

/// A handle that always returns the current credential. All clones share one credential, and at most one fetch runs at
/// a time. See the [module](self).
#[derive(Clone)]
pub struct Credentials(Kind);

#[derive(Clone)]
enum Kind {
    /// A credential that never changes.
    Fixed(Arc<Credential>),
    Live(Arc<RefreshCell<CredentialFetcher>>),
    /// The handle of another configuration, with equal options.
    Shared(Arc<RefreshCell<CredentialFetcher>>, Arc<Asker>),
}

impl Kind {
    /// What keeps the credential current, if it can change.
    #[inline]
    fn cell(&self) -> Option<&Arc<RefreshCell<CredentialFetcher>>> {
        match self {
            Self::Fixed(_) => None,
            Self::Live(cell) | Self::Shared(cell, _) => Some(cell),
        }
    }
}

/// A credential source, and the cluster that its credentials are for.
#[derive(Debug)]
struct CredentialFetcher {
    source: Arc<dyn CredentialSource>,
    cluster: Arc<Cluster>,
    /// Set while the source passes on the credential of another handle.
    relays: Option<Arc<AtomicBool>>,
    /// Removes the entry in the table of shared handles on drop.
    _lease: Option<Box<Lease>>,
}

impl Fetcher for CredentialFetcher {
    type Value = Credential;
    const SUBJECT: Subject = Subject::Credentials;

    async fn fetch(&self, reason: FetchReason, host: &Host) -> Result<Credential> {
        let cluster = &self.cluster;
        let request = FetchRequest {
            reason,
            host,
            cluster,
        };
        self.source.fetch(request).await
    }

    fn describe(&self) -> String {
        self.source.describe()
    }

    fn deadline(&self, host: &Host) -> Duration {
        self.source.deadline_on(host)
    }

    fn time_to_end(&self, host: &Host) -> Duration {
        self.source.time_to_end(host)
    }

    fn only_reads_files(&self) -> bool {
        self.source.only_reads_files()
    }

    fn relays(&self) -> bool {
        let relays = self.relays.as_ref();
        relays.is_some_and(|relays| relays.load(Ordering::Relaxed))
    }
}

impl Refreshable for Credential {
    fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at()
    }

    fn renew_by(&self) -> Option<SystemTime> {
        self.certificate()?.not_after()
    }

    fn revalidate_after(&self) -> Option<Duration> {
        self.revalidate_after()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.is_same_identity(other)
    }

    fn generation(&self) -> Generation {
        self.generation()
    }

    fn with_provenance(self, provenance: &Arc<str>) -> Self {
        self.with_provenance(Arc::clone(provenance))
    }

    fn with_fetch_details(self, generation: Generation, expired_on_arrival: bool) -> Self {
        self.with_fetch_details(generation, expired_on_arrival)
    }
}

impl Credentials {
    /// Returns the [`StoreIdentity`], the key under which processes share this credential in a store. `None` if the credential
    /// never changes, or if its source does not support sharing.
    pub async fn store_identity(&self) -> Option<StoreIdentity> {
        let cell = self.0.cell()?;
        let CredentialFetcher { source, cluster, .. } = cell.fetcher();
        source.store_identity(cell.host(), cluster).await
    }

    /// Returns whether the plugin policy permits the plugin that a fetch runs, and why. `None` if a fetch runs no
    /// plugin.
    pub async fn plugin_verdict(&self) -> Option<PluginVerdict> {
        let cell = self.0.cell()?;
        cell.fetcher().source.plugin_verdict(cell.host()).await
    }

    /// Returns whether each fetch consumes a secret and receives a new one for the next fetch, such as a rotating refresh
    /// token. For such a source, call [`fetch_saving`](Self::fetch_saving), which saves the new secret.
    pub fn uses_up_a_secret(&self) -> bool {
        let cell = self.0.cell();
        cell.is_some_and(|cell| cell.fetcher().source.uses_up_a_secret())
    }

    /// Fetches a credential for a store that processes share. If the fetch [consumes a secret](Self::uses_up_a_secret), the new
    /// secret is saved in `saved`. This handle's own credential does not change.
    ///
    /// # Errors
    /// - [`ErrorKind::TimedOut`]: the fetch exceeded the time limit of the source.
    /// - Any error of the source.
    pub async fn fetch_saving(&self, reason: FetchReason, saved: &dyn SavedSecret) -> Result<Credential> {
        let Some(cell) = self.0.cell() else {
            return Ok(Credential::clone(&*self.current().await?));
        };
        let CredentialFetcher { source, cluster, .. } = cell.fetcher();
        let host = cell.host();
        let request = FetchRequest {
            reason,
            host,
            cluster,
        };
        let limit = source.deadline_on(host);
        let fetched = host.within(limit, source.fetch_saving(request, saved)).await;
        fetched.unwrap_or_else(|_| {
            let message = format_args!("the credential was not fetched within {} s", limit.as_secs());
            Err(Error::new(ErrorKind::TimedOut, message))
        })
    }

    /// Creates a handle of a credential that never changes.
    pub fn fixed(credential: Credential) -> Self {
        Self(Kind::Fixed(Arc::new(credential)))
    }

    /// Creates a handle whose credentials the source fetches on demand.
    ///
    /// Sources with the same [sharing key](CredentialSource::sharing_key) share one handle: if a handle with the same
    /// key is in use, this function returns a clone of it.
    pub fn live(source: Arc<dyn CredentialSource>, cluster: Arc<Cluster>, host: Host) -> Self {
        let key = source.sharing_key(&cluster).map(|key| host.add_to(key).closed());
        let asker = Asker::new(source.origin());
        let make = move |lease: Option<Lease>| {
            let fetcher = CredentialFetcher {
                source,
                cluster,
                relays: None,
                _lease: lease.map(Box::new),
            };
            RefreshCell::new(fetcher, host)
        };
        let Some(key) = key else {
            return Self(Kind::Live(make(None)));
        };
        let mut is_new = false;
        let cell = sharing::shared_or_new(key, |lease| {
            is_new = true;
            make(Some(lease))
        });
        Self(if is_new {
            Kind::Live(cell)
        } else {
            Kind::Shared(cell, Arc::new(asker))
        })
    }

    /// A handle whose source passes on the credentials of another handle while `relays` is set.
    pub(crate) fn relayed(
        source: Arc<dyn CredentialSource>,
        cluster: Arc<Cluster>,
        host: Host,
        relays: Arc<AtomicBool>,
    ) -> Self {
        let fetcher = CredentialFetcher {
            source,
            cluster,
            relays: Some(relays),
            _lease: None,
        };
        Self(Kind::Live(RefreshCell::new(fetcher, host)))
    }

    /// Returns the current credential. The call waits if there is no valid credential. It waits at most 1 s if the credential
    /// is still valid, but has reached the age at which it is [fetched again](Credential::with_revalidate_after). Dropping the
    /// future does not cancel the fetch.
    ///
    /// A fetch may return a credential that has already expired by this machine's clock. The clock may be wrong, so the callers
    /// that wait for this fetch receive it. Later calls return an error of kind `Expired`.
    ///
    /// # Errors
    /// Returns the error of the source if there is no valid credential. Calls return the same error at once until the
    /// next attempt is due. If several configurations share the credential, the error contains the name and the origin
    /// of the caller's own source.
    #[inline]
    pub async fn current(&self) -> Result<Arc<Credential>> {
        match self.fresh() {
            Some(credential) => Ok(credential),
            // Boxed, because callers move the future, which would be many times as large.
            None => Box::pin(self.wait_for_current()).await,
        }
    }

    async fn wait_for_current(&self) -> Result<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Ok(Arc::clone(credential)),
            Kind::Live(cell) => cell.current_by_policy(None).await,
            Kind::Shared(cell, asker) => {
                let current = cell.current_by_policy(Some(asker)).await;
                current.map_err(|error| asker.sign(error))
            }
        }
    }

    /// Returns the last fetched credential without waiting. If a fetch is due, it starts in the background. The
    /// credential may have expired. `None` before the first fetch has ended.
    ///
    /// A TLS handshake uses this method, because it cannot wait.
    ///
    /// ```
    /// use kubex_core::{Credential, Credentials};
    ///
    /// let credentials = Credentials::fixed(Credential::bearer("abc".into())?);
    /// // In a TLS callback:
    /// let certificate = credentials.try_current().and_then(|credential| credential.certificate().cloned());
    /// assert!(certificate.is_none());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn try_current(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(cell) => cell.try_current(None),
            Kind::Shared(cell, asker) => cell.try_current(Some(asker)),
        }
    }

    /// Returns the last fetched credential without waiting, and never starts a fetch. The credential may have expired.
    /// `None` before the first fetch has ended.
    ///
    /// ```
    /// use kubex_core::{Credential, Credentials};
    ///
    /// let credentials = Credentials::fixed(Credential::bearer("abc".into())?);
    /// let expires_at = credentials.peek().and_then(|credential| credential.expires_at());
    /// assert_eq!(expires_at, None); // for a status page
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn peek(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(cell) | Kind::Shared(cell, _) => cell.peek(),
        }
    }

    /// If the current credential is fresh, calls `look` with it and returns the result. Otherwise, returns `None`; call
    /// [`current`](Self::current) in that case.
    ///
    /// This is the fast path of a request. It takes no lock, allocates no memory and starts no fetch. `look` must not
    /// block.
    ///
    /// ```
    /// use kubex_core::{Credential, Credentials};
    ///
    /// let credentials = Credentials::fixed(Credential::bearer("abc".into())?);
    /// let header = credentials.with_fresh(|credential| credential.authorization().cloned()).flatten();
    /// assert!(header.is_some());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    #[inline]
    pub fn with_fresh<R>(&self, look: impl FnOnce(&Arc<Credential>) -> R) -> Option<R> {
        self.fresh().map(|credential| look(&credential))
    }

    /// The current credential, if it is fresh.
    #[inline]
    fn fresh(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(cell) | Kind::Shared(cell, _) => last_used::fresh(cell),
        }
    }

    /// Reports that the server rejected the credential of this generation (401). The next call of
    /// [`current`](Self::current) waits for a new credential. A generation that is no longer current is ignored.
    ///
    /// | the rejected credential | the next fetch |
    /// |---|---|
    /// | was [accepted](Self::accept) before | starts at once, up to 10 times in a row, then once every 10 s |
    /// | was never accepted | starts at most once every 10 s, or every second if the source only reads files |
    pub fn invalidate(&self, generation: Generation) {
        match &self.0 {
            Kind::Fixed(_) => {}
            Kind::Live(cell) => cell.invalidate(generation, None),
            Kind::Shared(cell, asker) => cell.invalidate(generation, Some(asker)),
        }
    }

    /// Reports that the server accepted the credential of this generation: it returned any status except 401, 407 and 5xx. If
    /// the server later rejects this credential, it was probably revoked, so a new one is fetched at once.
    ///
    /// The clients of Kubex call this method after each response. It takes a few nanoseconds.
    ///
    /// ```no_run
    /// # async fn send(_: &kubex_core::Credential) -> u16 { 200 }
    /// # async fn example(credentials: kubex_core::Credentials) -> kubex_core::Result<()> {
    /// let credential = credentials.current().await?;
    /// match send(&credential).await {
    ///     401 => credentials.invalidate(credential.generation()),
    ///     407 | 500..=599 => {} // the server has not judged the credential
    ///     _ => credentials.accept(credential.generation()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn accept(&self, generation: Generation) {
        if let Some(cell) = self.0.cell() {
            cell.accept(generation);
        }
    }

    /// Returns a subscription that is notified of each new credential.
    ///
    /// ```no_run
    /// # async fn example(credentials: kubex_core::Credentials) {
    /// let mut changes = credentials.changes();
    /// loop {
    ///     let generation = changes.next().await;
    ///     println!("credential number {} is now in use", generation.number());
    /// }
    /// # }
    /// ```
    pub fn changes(&self) -> Changes {
        match &self.0 {
            Kind::Fixed(_) => Changes::never(),
            Kind::Live(cell) | Kind::Shared(cell, _) => Changes(cell.changes()),
        }
    }

    /// Returns whether the credential never changes.
    pub fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// Returns a description of the credential's source for people, such as `exec plugin aws`. It contains no secret.
    pub fn describe(&self) -> String {
        self.shared_description().as_ref().to_owned()
    }

    /// The description, which all who keep it share.
    pub(crate) fn shared_description(&self) -> Arc<str> {
        match &self.0 {
            Kind::Fixed(credential) => Arc::from(credential.description()),
            Kind::Live(cell) | Kind::Shared(cell, _) => Arc::clone(cell.description()),
        }
    }

    /// The source may have a newer credential, so the next call of [`current`](Self::current) asks it.
    pub(crate) fn make_due(&self) {
        if let Some(cell) = self.0.cell() {
            cell.make_due();
        }
    }

    /// Passes on a rejection that another handle has reported.
    pub(crate) fn invalidate_relayed(&self, generation: Generation) {
        if let Some(cell) = self.0.cell() {
            cell.invalidate_relayed(generation);
        }
    }

    /// Returns whether a fetch only reads files: it runs no plugin and sends no request.
    pub fn only_reads_files(&self) -> bool {
        let cell = self.0.cell();
        cell.is_none_or(|cell| cell.fetcher().only_reads_files())
    }

    /// Returns the time limit of one fetch, including the time for ending a process that the fetch started. A source that needs
    /// this credential for its own fetch must add this time to its own limit.
    pub fn deadline(&self) -> Duration {
        self.0.cell().map_or(Duration::ZERO, |cell| {
            let (fetcher, host) = (cell.fetcher(), cell.host());
            fetcher.deadline(host).saturating_add(fetcher.time_to_end(host))
        })
    }

    /// Sets the name of the chain's source, for events and errors. Only the first call has an effect.
    pub(crate) fn set_name(&self, name: &str) {
        match &self.0 {
            Kind::Fixed(_) => {}
            Kind::Live(cell) => cell.set_name(name),
            Kind::Shared(_, asker) => asker.set_name(name),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Credentials");
        shown.field("source", &self.describe());
        if let Some(credential) = self.peek() {
            shown.field("last", &credential);
        }
        shown.finish()
    }
}

/// A subscription to a handle. [`next`](Self::next) returns the generation of each new credential or CA bundle.
#[derive(Debug)]
pub struct Changes(pub(crate) watch::Receiver<Generation>);

impl Changes {
    pub(crate) fn never() -> Self {
        Self(watch::Sender::new(Generation::default()).subscribe())
    }

    /// Returns the latest generation, as soon as there is one that this subscription has not returned yet. It waits forever if
    /// the handle has been dropped.
    pub async fn next(&mut self) -> Generation {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }

    /// Returns the latest generation; number 0 before the first fetch.
    pub fn latest(&self) -> Generation {
        *self.0.borrow()
    }
}
