//! Live trust: the CA bundle of a cluster, kept current beside its credentials.
//!
//! A cluster's CA bundle may be replaced while a program runs; in a pod, the kubelet updates the mounted file.
//! [`LiveTrust`] reads the file again by the rules of [live credentials](crate::credentials): every 60 s, one read at a
//! time, and the old bundle stays in use while the new one cannot be read. Inline bundles, system trust and insecure
//! trust never change.
//!
//! ```
//! use kubex_core::{LiveTrust, Trust};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let trust = LiveTrust::fixed(Trust::System);
//! assert!(matches!(trust.current().await.trust(), Trust::System));
//! # }
//! ```
//!
//! # A client of your own
//!
//! A client keeps the [generation](CurrentTrust::generation) that its connections were made with. After an "unknown issuer" it calls
//! [`invalidate`](LiveTrust::invalidate) with that generation, awaits `current`, and connects once more if the generation is another
//! one. [`changes`](LiveTrust::changes) reports when to close pooled connections.
//!
//! # A source of your own
//!
//! ```
//! use kubex_core::{CaBundle, ExposeSecret as _, Host, Result, TrustSource};
//!
//! /// The bundle that a mesh's agent writes.
//! #[derive(Debug)]
//! struct Mesh;
//!
//! #[async_trait::async_trait]
//! impl TrustSource for Mesh {
//!     async fn fetch(&self, host: &Host) -> Result<CaBundle> {
//!         let path = std::path::Path::new("/run/mesh/ca.pem");
//!         let read = host.files().read(path, 1024 * 1024).await;
//!         let pem = read.map_err(|error| kubex_core::Error::unreadable("the mesh's bundle", path, error))?;
//!         CaBundle::from_pem(pem.expose_secret())
//!     }
//!
//!     fn describe(&self) -> String { "the mesh's agent".to_owned() }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! assert!(Mesh.fetch(&Host::real()).await.is_err());
//! # }
//! ```

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::cluster::{CaBundle, Trust};
use crate::credential::Generation;
use crate::credentials::Changes;
use crate::error::Result;
use crate::host::Host;
use crate::refresh::{FetchReason, Fetcher, RefreshCell, Refreshable, Subject};

/// The age at which a CA bundle is read again.
const REVALIDATE_AFTER: Duration = Duration::from_secs(60);

/// Reads a cluster's CA bundle.
#[async_trait]
pub trait TrustSource: Debug + Send + Sync {
    /// Reads the bundle.
    ///
    /// # Errors
    /// Why the bundle cannot be read. The previous one stays in use.
    async fn fetch(&self, host: &Host) -> Result<CaBundle>;

    /// Reads the bundle, for a source that acts differently after the server's certificate was not trusted
    /// ([`Rejected`](FetchReason::Rejected)).
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    async fn fetch_because(&self, _reason: FetchReason, host: &Host) -> Result<CaBundle> {
        self.fetch(host).await
    }

    /// A description for people: `certificate authority /etc/ca.crt`. It must not contain a secret.
    fn describe(&self) -> String;

    /// The time limit of one read.
    fn deadline(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Whether reading does nothing but read files. After the server's certificate was not trusted, such a source is asked
    /// once a second, and others once in 10 s.
    fn only_reads_files(&self) -> bool {
        false
    }
}

/// The trust at one moment. A change is a new generation.
#[derive(Clone, Debug)]
pub struct CurrentTrust {
    trust: Trust,
    generation: Generation,
}

impl CurrentTrust {
    /// Which server certificates are accepted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The generation, for [`LiveTrust::invalidate`].
    pub fn generation(&self) -> Generation {
        self.generation
    }
}

/// A handle that always returns the current trust. Clones share one trust, and at most one read runs at a time. See the
/// [module](self).
#[derive(Clone)]
pub struct LiveTrust(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Arc<CurrentTrust>),
    Live(Arc<RefreshCell<TrustFetcher>>),
}

impl LiveTrust {
    /// Trust that never changes.
    pub fn fixed(trust: Trust) -> Self {
        Self(Kind::Fixed(Arc::new(CurrentTrust {
            trust,
            generation: Generation::default(),
        })))
    }

    /// A CA bundle that the source reads again. The first one has already been read.
    pub fn live(first: CaBundle, source: Arc<dyn TrustSource>, host: Host) -> Self {
        Self::relayed(first, source, host, false)
    }

    /// A CA bundle of a source that may only pass on the one of another handle.
    pub(crate) fn relayed(first: CaBundle, source: Arc<dyn TrustSource>, host: Host, relays: bool) -> Self {
        let fetcher = TrustFetcher { source, relays };
        Self(Kind::Live(RefreshCell::with_value(
            CurrentTrust::from(first),
            fetcher,
            host,
        )))
    }

    /// The current trust. Every 60 s, callers wait for a new read, for one second at most.
    pub async fn current(&self) -> Arc<CurrentTrust> {
        match &self.0 {
            Kind::Fixed(trust) => Arc::clone(trust),
            Kind::Live(cell) => match cell.current(None).await {
                Ok(trust) => trust,
                // There is always a value, and it never expires.
                Err(_) => self.try_current(),
            },
        }
    }

    /// The last trust that was read, without waiting. Starts the read that is due in the background.
    ///
    /// A TLS handshake uses this, because it cannot wait.
    pub fn try_current(&self) -> Arc<CurrentTrust> {
        match &self.0 {
            Kind::Fixed(trust) => Arc::clone(trust),
            Kind::Live(cell) => cell
                .try_current(None)
                // There is always a value; an empty bundle trusts no server.
                .unwrap_or_else(|| Arc::new(CurrentTrust::from(CaBundle::empty()))),
        }
    }

    /// Reports that the server's certificate was issued by a CA that is not in this generation's bundle, which may have
    /// been replaced. The next call of [`current`](Self::current) waits for a new read. Such reads happen at most once
    /// in 10 s.
    pub fn invalidate(&self, generation: Generation) {
        if let Kind::Live(cell) = &self.0 {
            cell.invalidate(generation, None);
        }
    }

    /// The source may have a newer bundle, so the next call of [`current`](Self::current) reads it.
    pub(crate) fn make_due(&self) {
        if let Kind::Live(cell) = &self.0 {
            cell.make_due();
        }
    }

    /// Passes on a rejection that another handle has reported.
    pub(crate) fn invalidate_relayed(&self, generation: Generation) {
        if let Kind::Live(cell) = &self.0 {
            cell.invalidate_relayed(generation);
        }
    }

    /// A subscription, which is notified each time there are new CA certificates.
    pub fn changes(&self) -> Changes {
        match &self.0 {
            Kind::Fixed(_) => Changes::never(),
            Kind::Live(cell) => Changes(cell.changes()),
        }
    }

    /// Whether the trust never changes.
    pub fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// Sets the name of the chain's source, for events and errors. Only the first call has an effect.
    pub(crate) fn set_name(&self, name: &str) {
        if let Kind::Live(cell) = &self.0 {
            cell.set_name(name);
        }
    }
}

impl Debug for LiveTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LiveTrust");
        match &self.0 {
            Kind::Fixed(trust) => shown.field("fixed", &trust.trust),
            Kind::Live(cell) => shown
                .field("source", &cell.description())
                .field("last", &cell.peek()),
        };
        shown.finish()
    }
}

impl From<CaBundle> for CurrentTrust {
    fn from(bundle: CaBundle) -> Self {
        Self {
            trust: Trust::CaBundle(bundle),
            generation: Generation::default(),
        }
    }
}

#[derive(Debug)]
struct TrustFetcher {
    source: Arc<dyn TrustSource>,
    /// Whether the source passes on the bundle of another handle.
    relays: bool,
}

impl Fetcher for TrustFetcher {
    type Value = CurrentTrust;
    const SUBJECT: Subject = Subject::Trust;

    async fn fetch(&self, reason: FetchReason, host: &Host) -> Result<CurrentTrust> {
        self.source
            .fetch_because(reason, host)
            .await
            .map(CurrentTrust::from)
    }

    fn describe(&self) -> String {
        self.source.describe()
    }

    fn deadline(&self, _: &Host) -> Duration {
        self.source.deadline()
    }

    fn time_to_end(&self, _: &Host) -> Duration {
        Duration::ZERO
    }

    fn only_reads_files(&self) -> bool {
        self.source.only_reads_files()
    }

    fn relays(&self) -> bool {
        self.relays
    }
}

impl Refreshable for CurrentTrust {
    fn expires_at(&self) -> Option<SystemTime> {
        None
    }

    fn renew_by(&self) -> Option<SystemTime> {
        None
    }

    fn revalidate_after(&self) -> Option<Duration> {
        Some(REVALIDATE_AFTER)
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.trust, &other.trust) {
            (Trust::CaBundle(one), Trust::CaBundle(other)) => one.pem() == other.pem(),
            _ => false,
        }
    }

    fn generation(&self) -> Generation {
        self.generation
    }

    fn with_fetch_details(mut self, generation: Generation, _: bool, _: &Arc<str>) -> Self {
        self.generation = generation;
        self
    }
}
