//! Live trust: keeps the CA bundle of a cluster current.
//!
//! The CA bundle of a cluster may be replaced while a program runs. In a pod, for example, the kubelet updates the
//! mounted file. [`LiveTrust`] reads the file again when the last read is older than 60 s. At most one read runs at a
//! time. If the new bundle cannot be read, the old one stays in use. Inline bundles, the trust of the system and
//! insecure trust never change.
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
//! A client keeps the [generation](CurrentTrust::generation) with which it opened its connections. If a TLS handshake
//! fails with "unknown issuer", the client calls [`invalidate`](LiveTrust::invalidate) with this generation, and then
//! awaits [`current`](LiveTrust::current). If the generation has changed, the client connects once more.
//! [`changes`](LiveTrust::changes) notifies the client when it should close pooled connections.
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

/// Rereads the CA bundle of a cluster, which may be replaced while a program runs.
#[async_trait]
pub trait TrustSource: Debug + Send + Sync {
    /// Reads the bundle.
    ///
    /// # Errors
    /// Return an error if the bundle cannot be read. The previous bundle then stays in use.
    async fn fetch(&self, host: &Host) -> Result<CaBundle>;

    /// Reads the bundle, like [`fetch`](Self::fetch). `reason` is [`Rejected`](FetchReason::Rejected) if the server's
    /// certificate was not trusted. Implement it only if the reason matters, for example to bypass a cache.
    ///
    /// # Errors
    /// The same as [`fetch`](Self::fetch).
    async fn fetch_because(&self, _reason: FetchReason, host: &Host) -> Result<CaBundle> {
        self.fetch(host).await
    }

    /// Returns a description for people, such as `certificate authority /etc/ca.crt`. It must not contain a secret.
    fn describe(&self) -> String;

    /// Returns the time limit of one read. The default is 5 s.
    fn deadline(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Returns whether a read only reads files: it runs no process and sends no request. If the server's certificate is
    /// not trusted, such a source is read at most once a second, and any other source at most once in 10 s.
    fn only_reads_files(&self) -> bool {
        false
    }
}

/// The trust of a cluster at one moment. Each change has a new generation.
#[derive(Clone, Debug)]
pub struct CurrentTrust {
    trust: Trust,
    generation: Generation,
}

impl CurrentTrust {
    /// Returns which server certificates are accepted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Returns the generation, to be passed to [`LiveTrust::invalidate`].
    pub fn generation(&self) -> Generation {
        self.generation
    }
}

/// A handle that always returns the current trust. All clones share one trust, and at most one read runs at a time. See
/// the [module](self).
#[derive(Clone)]
pub struct LiveTrust(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Arc<CurrentTrust>),
    Live(Arc<RefreshCell<TrustFetcher>>),
}

impl LiveTrust {
    /// Creates a handle whose trust never changes.
    pub fn fixed(trust: Trust) -> Self {
        Self(Kind::Fixed(Arc::new(CurrentTrust {
            trust,
            generation: Generation::default(),
        })))
    }

    /// Creates a handle that starts with the CA bundle `first`, and rereads it from `source`.
    pub fn live(first: CaBundle, source: Arc<dyn TrustSource>, host: Host) -> Self {
        Self::relayed(first, source, host, false)
    }

    /// A handle whose source passes on the CA bundle of another handle while it is followed.
    pub(crate) fn relayed(first: CaBundle, source: Arc<dyn TrustSource>, host: Host, relays: bool) -> Self {
        let fetcher = TrustFetcher { source, relays };
        Self(Kind::Live(RefreshCell::with_value(
            CurrentTrust::from(first),
            fetcher,
            host,
        )))
    }

    /// Returns the current trust. If the last read is older than 60 s, the CA file is read again. The call waits for
    /// the new read at most 1 s, and then returns the previous trust. After [`invalidate`](Self::invalidate), it waits
    /// until the read has ended.
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

    /// Returns the trust that was read last, without waiting. If a read is due, it starts in the background.
    ///
    /// A TLS handshake uses this method, because it cannot wait.
    pub fn try_current(&self) -> Arc<CurrentTrust> {
        match &self.0 {
            Kind::Fixed(trust) => Arc::clone(trust),
            Kind::Live(cell) => cell
                .try_current(None)
                // There is always a value; an empty bundle trusts no server.
                .unwrap_or_else(|| Arc::new(CurrentTrust::from(CaBundle::empty()))),
        }
    }

    /// Reports that the issuer of the server's certificate is not in the CA bundle of this generation. The bundle may have been
    /// replaced, so the next call of [`current`](Self::current) waits for a new read. Such reads start at most once every 10 s,
    /// or every second if the source only reads files.
    ///
    /// ```no_run
    /// # async fn connect(_: &kubex_core::Trust) -> Result<(), ()> { Ok(()) }
    /// # async fn example(trust: kubex_core::LiveTrust) -> Result<(), ()> {
    /// let before = trust.current().await;
    /// if connect(before.trust()).await.is_err() {
    ///     trust.invalidate(before.generation());
    ///     let after = trust.current().await;
    ///     if after.generation() != before.generation() {
    ///         connect(after.trust()).await?; // the CA bundle was replaced
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
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

    /// Returns a subscription that is notified of each new CA bundle.
    ///
    /// ```no_run
    /// # async fn example(trust: kubex_core::LiveTrust) {
    /// let mut changes = trust.changes();
    /// loop {
    ///     changes.next().await;
    ///     println!("the CA bundle has changed: close the pooled connections");
    /// }
    /// # }
    /// ```
    pub fn changes(&self) -> Changes {
        match &self.0 {
            Kind::Fixed(_) => Changes::never(),
            Kind::Live(cell) => Changes(cell.changes()),
        }
    }

    /// Returns whether the trust never changes.
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

    fn with_fetch_details(mut self, generation: Generation, _: bool) -> Self {
        self.generation = generation;
        self
    }
}
