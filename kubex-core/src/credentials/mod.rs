//! The live handle: always the current credential.
//!
//! A request path asks [`Credentials::current`] before each request. While the credential is fresh that is a
//! look at a snapshot: no lock, no allocation, no wait. As it nears its end, the first who asks starts a fetch
//! in the background and everybody goes on with the old one; only where there is no valid credential do
//! callers wait, and then all for one and the same fetch. When the server answers 401,
//! [`Credentials::invalidate`] says so.
//!
//! A credential that is not valid for ever is fetched when somebody asks: a program that sends no request
//! runs no plugin and reads no file.
//!
//! # Events
//!
//! Each fetch that ends is one `tracing` event of the target `kubex::credentials` (`kubex::trust` for
//! [authorities](crate::trust)), and so is each rejection. It is a warning where fetching begins to fail and
//! where it works again, else of level debug. The names and fields are stable:
//!
//! | field | what it is |
//! |---|---|
//! | `source` | the name of the chain's source; empty for a handle outside of a chain |
//! | `outcome` | `fetched`, `unchanged` (the same as before), `expired` (when it came), `failed`, `rejected` (by the server) |
//! | `reason` | why it was fetched: `first`, `expiring`, `rejected` |
//! | `duration_ms` | how long the fetch took |
//! | `generation` | the number of what callers are given now; absent where there is nothing |
//! | `seconds_to_expiry` | how long that is valid; absent where it does not expire |
//! | `failures` | how many fetches have failed in a row |
//! | `is_served` | whether there is something valid to go on with |
//! | `error` | why it failed |
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
//! credentials.invalidate(first.generation()); // the server said 401
//! assert_eq!(credentials.current().await?.generation().number(), 2);
//! # Ok(())
//! # }
//! ```

mod sharing;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::cluster::Cluster;
use crate::credential::{Credential, Generation};
use crate::error::Result;
use crate::host::Host;
use crate::refresh::{Feed, Item, RefreshCell, Subject};
use crate::source::{CredentialSource, FetchReason, FetchRequest};

use sharing::Lease;

pub use crate::sharing_key::SharingKey;

/// The live handle. Clones share one credential and one fetch at a time. See the [module](self).
#[derive(Clone)]
pub struct Credentials(Kind);

#[derive(Clone)]
enum Kind {
    /// One that never changes.
    Fixed(Arc<Credential>),
    Live(Arc<RefreshCell<CredentialFeed>>),
}

/// A credential source and the cluster its credentials are for.
#[derive(Debug)]
struct CredentialFeed {
    source: Arc<dyn CredentialSource>,
    cluster: Arc<Cluster>,
    /// Its entry among those that are shared; it goes with it.
    _lease: Option<Lease>,
}

impl Feed for CredentialFeed {
    type Item = Credential;
    const SUBJECT: Subject = Subject::Credentials;

    async fn fetch(&self, why: FetchReason, host: &Host) -> Result<Credential> {
        let cluster = &self.cluster;
        self.source.fetch(FetchRequest { why, host, cluster }).await
    }

    fn describe(&self) -> String {
        self.source.describe()
    }

    fn deadline(&self) -> Duration {
        self.source.deadline()
    }
}

impl Item for Credential {
    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at()
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

    fn numbered(self, generation: Generation, expired_on_arrival: bool, provenance: &Arc<str>) -> Self {
        self.numbered(generation, expired_on_arrival, Arc::clone(provenance))
    }
}

impl Credentials {
    /// A credential that never changes.
    pub fn fixed(credential: Credential) -> Self {
        Self(Kind::Fixed(Arc::new(credential)))
    }

    /// Credentials that the source fetches. Nothing is fetched before somebody asks.
    ///
    /// A source that says by what it is known ([`CredentialSource::sharing_key`]) has one handle in the
    /// program: asking for it again gives a clone of the one there is, as long as somebody has it.
    pub fn live(source: Arc<dyn CredentialSource>, cluster: Arc<Cluster>, host: Host) -> Self {
        let key = source.sharing_key(&cluster).map(|key| host.distinguish(key));
        let make = move |lease| {
            let feed = CredentialFeed {
                source,
                cluster,
                _lease: lease,
            };
            RefreshCell::new(feed, host)
        };
        Self(Kind::Live(match key {
            Some(key) => sharing::one_of(key, |lease| make(Some(lease))),
            None => make(None),
        }))
    }

    /// The current credential. Waits only where there is no valid one; dropping the future at any time is safe.
    ///
    /// A credential that has expired when it comes is given to those who waited for it, in case it is this
    /// machine's clock that is wrong, and to nobody else: the next who asks gets an error of kind `Expired`.
    ///
    /// # Errors
    /// What the source said, where there is no valid credential; the same error again, at once, until it is
    /// time to try again.
    pub async fn current(&self) -> Result<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Ok(Arc::clone(credential)),
            Kind::Live(live) => live.current().await,
        }
    }

    /// The current credential, where it can be given without asking anybody: no lock, no allocation. Where there is
    /// none, [`current`](Self::current) knows more.
    pub fn ready(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(live) => live.ready(),
        }
    }

    /// Looks at the current credential where it is, as [`ready`](Self::ready) would give it. What `look` does is part
    /// of the request path of others: it waits for nothing.
    pub fn ready_with<R>(&self, look: impl FnOnce(&Arc<Credential>) -> R) -> Option<R> {
        match &self.0 {
            Kind::Fixed(credential) => Some(look(credential)),
            Kind::Live(live) => live.ready_with(look),
        }
    }

    /// What there is, without waiting; the fetch that is due is started in the background. For a TLS
    /// handshake, which cannot wait. It may have expired.
    pub fn at_hand(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(live) => live.at_hand(),
        }
    }

    /// The last credential that was fetched, if any, without asking for a newer one. It may have expired.
    pub fn last(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(live) => live.last(),
        }
    }

    /// The server rejected the credential of this generation (401). The next who asks waits for a newer one. A
    /// generation that has been replaced already is ignored, and rejections that go on start at most one
    /// fetch in 10 s.
    pub fn invalidate(&self, generation: Generation) {
        if let Kind::Live(live) = &self.0 {
            live.invalidate(generation);
        }
    }

    /// Tells of each new generation, without polling.
    pub fn changes(&self) -> Changes {
        match &self.0 {
            Kind::Fixed(_) => Changes::never(),
            Kind::Live(live) => Changes(live.changes()),
        }
    }

    /// Whether the credential never changes.
    pub fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// What gives the credential, for a person; no secret.
    pub fn describe(&self) -> String {
        match &self.0 {
            Kind::Fixed(credential) => credential.description().to_owned(),
            Kind::Live(live) => live.description().to_owned(),
        }
    }

    /// Gives the handle the name of its source in the chain, for events and errors. The first name stays.
    pub(crate) fn name(&self, name: &str) {
        if let Kind::Live(live) = &self.0 {
            live.set_name(name);
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Credentials");
        shown.field("gives", &self.describe());
        if let Some(credential) = self.last() {
            shown.field("last", &credential);
        }
        shown.finish()
    }
}

/// Tells of each new generation of what a handle gives.
#[derive(Debug)]
pub struct Changes(pub(crate) watch::Receiver<Generation>);

impl Changes {
    pub(crate) fn never() -> Self {
        Self(watch::Sender::new(Generation::default()).subscribe())
    }

    /// Waits for a generation that was not seen yet. Pends forever once the handle is gone.
    pub async fn next(&mut self) -> Generation {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }

    /// The newest generation; number 0 before the first fetch.
    pub fn newest(&self) -> Generation {
        *self.0.borrow()
    }
}
