//! The live handle that always returns the current credential.
//!
//! A client calls [`Credentials::current`] before each request. While the credential is fresh, that reads a snapshot:
//! no lock, no allocation, no wait. When the credential is about to expire, the first caller starts a fetch in the
//! background, and all callers keep using the old one. Callers wait only if there is no valid credential, and all of
//! them wait for the same fetch. When the server answers 401, the client calls [`Credentials::invalidate`], and after other
//! answers [`Credentials::accept`].
//!
//! Credentials are fetched on demand: a program that sends no request runs no plugin and reads no file.
//!
//! | getter | waits | starts a fetch | may return an expired credential |
//! |---|---|---|---|
//! | [`current`](Credentials::current) | if there is no valid one | yes | no |
//! | [`try_current`](Credentials::try_current) | no | yes | yes |
//! | [`peek`](Credentials::peek) | no | no | yes |
//! | [`with_fresh`](Credentials::with_fresh) | no | no | no |
//!
//! Which one to take: a client that sends requests awaits `current`. A metric or a status page looks with `peek`, which never causes
//! a plugin to run. Code that cannot wait, such as a TLS callback, takes `try_current` and is given a fresh credential the next time.
//!
//! # When a credential is renewed
//!
//! | case | when |
//! |---|---|
//! | it expires | when less than 20 % of its lifetime is left: at least 10 s and at most 5 min before the expiry, but never before half of the lifetime. A jitter of up to 10 % of that window delays it |
//! | the source returns the same credential again | 10 s later at the earliest, or when it expires |
//! | its client certificate expires | as early as before an expiry; the certificate is still offered after it |
//! | its source asks for [revalidation](Credential::with_revalidate_after) | at that age; requests wait for it for 1 s at most |
//! | the server rejects it ([`invalidate`](Credentials::invalidate)) | at once if the server had accepted it, 10 times in a row, then once in 10 s; otherwise once in 10 s |
//! | a fetch fails | after 1 s, 2 s, 4 s, up to 60 s, each up to 10 % earlier |
//!
//! Callers get the old credential meanwhile, as long as it is valid.
//!
//! # Events
//!
//! Each fetch that ends is a `tracing` event with the target `kubex::credentials` (`kubex::trust` for
//! [CA bundles](crate::trust)), and so is each rejection. The event has level warn when fetching begins to fail, info when
//! it works again, and otherwise debug. The names and fields are stable:
//!
//! | field | meaning |
//! |---|---|
//! | `source` | the name of the chain's source; empty for a handle outside of a chain |
//! | `outcome` | `fetched`, `unchanged` (same as before), `expired` (on arrival), `failed`, `rejected` (by the server), `lost` (given up, because its runtime is blocked) |
//! | `reason` | why the fetch started: `first`, `expiring`, `rejected` |
//! | `duration_ms` | how long the fetch took |
//! | `generation` | the generation that callers now receive; absent if there is none |
//! | `seconds_to_expiry` | how long it remains valid; absent if it does not expire |
//! | `failures` | how many fetches have failed in a row |
//! | `has_valid` | whether there is a valid value to serve |
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

/// A handle that always returns the current credential. Clones share one credential, and at most one fetch runs at a
/// time. See the [module](self).
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

    fn with_fetch_details(
        self,
        generation: Generation,
        expired_on_arrival: bool,
        provenance: &Arc<str>,
    ) -> Self {
        self.with_fetch_details(generation, expired_on_arrival, Arc::clone(provenance))
    }
}

impl Credentials {
    /// What makes the identity of the credential, for a store that processes share. `None` for a credential that never
    /// changes, and for a source that does not say.
    pub async fn store_identity(&self) -> Option<StoreIdentity> {
        let cell = self.0.cell()?;
        let CredentialFetcher { source, cluster, .. } = cell.fetcher();
        source.store_identity(cell.host(), cluster).await
    }

    /// What the policy decides about the plugin that a fetch runs. `None` if a fetch runs no plugin.
    pub async fn plugin_verdict(&self) -> Option<PluginVerdict> {
        let cell = self.0.cell()?;
        cell.fetcher().source.plugin_verdict(cell.host()).await
    }

    /// Whether a fetch uses up a secret and gets the next one, which a store has to keep.
    pub fn uses_up_a_secret(&self) -> bool {
        let cell = self.0.cell();
        cell.is_some_and(|cell| cell.fetcher().source.uses_up_a_secret())
    }

    /// Fetches a credential for a store, which keeps the secret for the next fetch. The handle itself does not change.
    ///
    /// # Errors
    /// Those of the source, and `TimedOut`.
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

    /// A credential that never changes.
    pub fn fixed(credential: Credential) -> Self {
        Self(Kind::Fixed(Arc::new(credential)))
    }

    /// Credentials that the source fetches, on demand.
    ///
    /// Sources with the same [sharing key](CredentialSource::sharing_key) share one handle: as long as a handle with
    /// that key exists, this returns a clone of it.
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

    /// Credentials of a source that passes on those of another handle while `relays` is set.
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

    /// The current credential. Waits if there is no valid one. Dropping the future at any time is safe.
    ///
    /// A credential that had expired on arrival is returned only to the callers that waited for it, in case this
    /// machine's clock is wrong. The next call returns an error of kind `Expired`.
    ///
    /// # Errors
    /// The error of the source, if there is no valid credential. Until the next attempt is due, calls return the same
    /// error at once. If several configurations share the credential, each gets the error with the name and the origin of
    /// its own source.
    pub async fn current(&self) -> Result<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Ok(Arc::clone(credential)),
            Kind::Live(cell) => cell.current(None).await,
            Kind::Shared(cell, asker) => {
                let current = cell.current(Some(asker)).await;
                current.map_err(|error| asker.sign(error))
            }
        }
    }

    /// The last fetched credential, without waiting. Starts the fetch that is due in the background. `None` before the
    /// first fetch has ended; the credential may have expired.
    ///
    /// A TLS handshake uses this, because it cannot wait.
    pub fn try_current(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(cell) => cell.try_current(None),
            Kind::Shared(cell, asker) => cell.try_current(Some(asker)),
        }
    }

    /// The last fetched credential, without waiting and without any effect. `None` before the first fetch has ended;
    /// the credential may have expired.
    pub fn peek(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(cell) | Kind::Shared(cell, _) => cell.peek(),
        }
    }

    /// Passes the current credential to `look` if it is fresh: no lock, no allocation, no fetch. Otherwise returns
    /// `None`, and the caller continues with [`current`](Self::current).
    ///
    /// This is the fast path of a request. `look` must not block.
    pub fn with_fresh<R>(&self, look: impl FnOnce(&Arc<Credential>) -> R) -> Option<R> {
        match &self.0 {
            Kind::Fixed(credential) => Some(look(credential)),
            Kind::Live(cell) | Kind::Shared(cell, _) => cell.fresh(look),
        }
    }

    /// Reports that the server rejected the credential of this generation (401). The next call of
    /// [`current`](Self::current) waits for a newer one. A generation that has been replaced already is ignored.
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

    /// Reports that the server accepted the credential of this generation: any answer except 401, 407 and 5xx. A later
    /// rejection then means that the credential was revoked, so the next one is fetched at once.
    ///
    /// The clients of Kubex call it after each response. It costs a few nanoseconds.
    #[inline]
    pub fn accept(&self, generation: Generation) {
        if let Some(cell) = self.0.cell() {
            cell.accept(generation);
        }
    }

    /// A subscription, which is notified each time there is a new credential.
    pub fn changes(&self) -> Changes {
        match &self.0 {
            Kind::Fixed(_) => Changes::never(),
            Kind::Live(cell) | Kind::Shared(cell, _) => Changes(cell.changes()),
        }
    }

    /// Whether the credential never changes.
    pub fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// A description of the credential's source, for people: `exec plugin aws`. It contains no secret.
    pub fn describe(&self) -> String {
        match &self.0 {
            Kind::Fixed(credential) => credential.description().to_owned(),
            Kind::Live(cell) | Kind::Shared(cell, _) => cell.description().to_owned(),
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

    /// Whether a fetch does nothing but read files.
    pub fn only_reads_files(&self) -> bool {
        let cell = self.0.cell();
        cell.is_none_or(|cell| cell.fetcher().only_reads_files())
    }

    /// The time limit of one fetch, with the time that it takes to end what it started. A source that waits for the credential of
    /// another one adds it to its own limit.
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

/// A subscription to the generations of a handle.
#[derive(Debug)]
pub struct Changes(pub(crate) watch::Receiver<Generation>);

impl Changes {
    pub(crate) fn never() -> Self {
        Self(watch::Sender::new(Generation::default()).subscribe())
    }

    /// Waits for a generation that this subscription has not returned yet. Never returns after the handle was dropped.
    pub async fn next(&mut self) -> Generation {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }

    /// The latest generation; number 0 before the first fetch.
    pub fn latest(&self) -> Generation {
        *self.0.borrow()
    }
}
