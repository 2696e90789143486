//! The live trust: the authorities of a cluster, kept current beside its credentials.
//!
//! A cluster's authorities are replaced while programs run, by the kubelet in each pod's mount. [`LiveTrust`]
//! reads them again by the rules of a credential's [live handle](crate::credentials): every 60 s, one read at
//! a time, and the old ones stay in use while the new cannot be read. Where they come inline, are the
//! system's, or nobody's, they never change.
//!
//! ```
//! use kubex_core::{LiveTrust, Trust};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let trust = LiveTrust::fixed(Trust::System);
//! assert!(matches!(trust.current().await.trust(), Trust::System));
//! # }
//! ```

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::cluster::{CaBundle, Trust};
use crate::credential::Generation;
use crate::credentials::Changes;
use crate::error::Result;
use crate::host::Host;
use crate::refresh::{Feed, FetchReason, Item, RefreshCell, Subject};

/// How old authorities get before they are read again.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Reads a cluster's authorities again.
#[async_trait]
pub trait TrustSource: Debug + Send + Sync {
    /// Reads them.
    ///
    /// # Errors
    /// Whatever keeps them from being read; the ones before stay in use.
    async fn fetch(&self, host: &Host) -> Result<CaBundle>;

    /// What it is, for a person: `certificate authority /etc/ca.crt`. No secret.
    fn describe(&self) -> String;

    /// How long reading may take before it is given up.
    fn deadline(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// Whom to trust at one moment; a change is a new generation.
#[derive(Clone, Debug)]
pub struct CurrentTrust {
    trust: Trust,
    generation: Generation,
}

impl CurrentTrust {
    /// Whose certificate is accepted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Which of its handle's this is; name it when the server's certificate is of nobody it trusts.
    pub fn generation(&self) -> Generation {
        self.generation
    }
}

/// The live handle. Clones share one trust and one read at a time. See the [module](self).
#[derive(Clone)]
pub struct LiveTrust(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Arc<CurrentTrust>),
    Live(Arc<RefreshCell<TrustFeed>>),
}

impl LiveTrust {
    /// A trust that never changes.
    pub fn fixed(trust: Trust) -> Self {
        Self(Kind::Fixed(Arc::new(CurrentTrust {
            trust,
            generation: Generation::default(),
        })))
    }

    /// Authorities that the source reads again. The first ones were read already.
    pub fn live(first: CaBundle, source: Arc<dyn TrustSource>, host: Host) -> Self {
        let first = CurrentTrust::of(first);
        Self(Kind::Live(RefreshCell::beginning_with(
            first,
            TrustFeed(source),
            host,
        )))
    }

    /// The current trust. Once in 60 s somebody waits for a look at its source, for a second at most.
    pub async fn current(&self) -> Arc<CurrentTrust> {
        match &self.0 {
            Kind::Fixed(trust) => Arc::clone(trust),
            Kind::Live(live) => match live.current().await {
                Ok(trust) => trust,
                // There is one from the beginning, and none expires: what is held is served.
                Err(_) => self.at_hand(),
            },
        }
    }

    /// What there is, without waiting; the read that is due is started in the background. For a TLS handshake,
    /// which cannot wait.
    pub fn at_hand(&self) -> Arc<CurrentTrust> {
        match &self.0 {
            Kind::Fixed(trust) => Arc::clone(trust),
            Kind::Live(live) => live
                .at_hand()
                // There is one from the beginning.
                .unwrap_or_else(|| Arc::new(CurrentTrust::nobody())),
        }
    }

    /// The server's certificate is of nobody whom this generation trusts: it may have been replaced. The next
    /// who asks waits for a look; such looks happen at most once in 10 s.
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

    /// Whether it never changes.
    pub fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// Gives the handle the name of its source in the chain, for events and errors.
    pub(crate) fn name(&self, name: &str) {
        if let Kind::Live(live) = &self.0 {
            live.set_name(name);
        }
    }
}

impl Debug for LiveTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("LiveTrust");
        match &self.0 {
            Kind::Fixed(trust) => shown.field("fixed", &trust.trust),
            Kind::Live(live) => shown
                .field("gives", &live.description())
                .field("last", &live.last()),
        };
        shown.finish()
    }
}

impl CurrentTrust {
    fn of(authorities: CaBundle) -> Self {
        Self {
            trust: Trust::CaBundle(authorities),
            generation: Generation::default(),
        }
    }

    fn nobody() -> Self {
        Self::of(CaBundle::empty())
    }
}

#[derive(Debug)]
struct TrustFeed(Arc<dyn TrustSource>);

impl Feed for TrustFeed {
    type Item = CurrentTrust;
    const SUBJECT: Subject = Subject::Trust;

    async fn fetch(&self, _: FetchReason, host: &Host) -> Result<CurrentTrust> {
        self.0.fetch(host).await.map(CurrentTrust::of)
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn deadline(&self) -> Duration {
        self.0.deadline()
    }
}

impl Item for CurrentTrust {
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    fn revalidate_after(&self) -> Option<Duration> {
        Some(READ_AGAIN_AFTER)
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

    fn numbered(mut self, generation: Generation, _: bool, _: &Arc<str>) -> Self {
        self.generation = generation;
        self
    }
}
