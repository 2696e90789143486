//! The live handle: always the current credential.
//!
//! A request path asks [`Credentials::current`] before each request. While the credential is fresh that is a
//! look at a snapshot: no lock, no allocation, no wait. As it nears its end, the first who asks starts a fetch
//! in the background and everybody goes on with the old one; only where there is no valid credential do
//! callers wait, and then all for one and the same fetch. When the server answers 401,
//! [`Credentials::invalidate`] says so.
//!
//! The rules and their numbers are in `machine.rs`; this file and `flight.rs` drive it.
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

mod flight;
mod machine;
mod sharing;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tracing::debug;

use crate::cluster::Cluster;
use crate::credential::{Credential, Generation};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::provider::CredentialSource;
use crate::text::clean_line;

use flight::{Flight, Pilot};
use machine::{Decision, Machine, Quiet};

pub use sharing::SharingKey;

/// The live handle. Clones share one credential and one fetch at a time. See the [module](self).
#[derive(Clone)]
pub struct Credentials(Kind);

#[derive(Clone)]
enum Kind {
    /// One that never changes.
    Fixed(Arc<Credential>),
    Live(Arc<Live>),
}

/// What the clones of a live handle share.
struct Live {
    source: Arc<dyn CredentialSource>,
    /// What the source says it is, asked for once.
    description: Arc<str>,
    cluster: Arc<Cluster>,
    host: Host,
    /// The name of the chain's source, set once it is known.
    name: OnceLock<String>,
    /// What the request path reads.
    snapshot: ArcSwapOption<Snapshot>,
    /// What everybody else goes through. Never held across an await.
    state: Mutex<State>,
    changes: watch::Sender<Generation>,
    /// Its entry among those that are shared; it goes with it.
    _lease: Option<sharing::Lease>,
}

/// A credential and how long it may be taken without asking the machine.
struct Snapshot {
    credential: Arc<Credential>,
    quiet: Quiet,
}

#[derive(Default)]
struct State {
    machine: Machine,
    credential: Option<Arc<Credential>>,
    flight: Option<Flight>,
    last_error: Option<Error>,
}

/// What somebody who asks gets: an answer at once, or a flight to wait for.
enum Answer {
    Ready(Result<Arc<Credential>>),
    Flight(Flight),
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
        let live = match source.sharing_key(&cluster) {
            Some(key) => sharing::one_of(host.distinguish(key), |lease| {
                Live::new(source, cluster, host, Some(lease))
            }),
            None => Live::new(source, cluster, host, None),
        };
        Self(Kind::Live(live))
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
        match (self.ready(), &self.0) {
            (Some(credential), _) => Ok(credential),
            (None, Kind::Live(live)) => live.ask().await,
            (None, Kind::Fixed(credential)) => Ok(Arc::clone(credential)),
        }
    }

    /// The current credential, where it can be given without asking anybody: no lock, no allocation. Where there is
    /// none, [`current`](Self::current) knows more.
    pub fn ready(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(live) => live.snapshot_if_quiet(),
        }
    }

    /// The last credential that was fetched, if any, without asking for a newer one. For a TLS handshake,
    /// which cannot wait.
    pub fn last(&self) -> Option<Arc<Credential>> {
        match &self.0 {
            Kind::Fixed(credential) => Some(Arc::clone(credential)),
            Kind::Live(live) => live.lock().credential.clone(),
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
        Changes(match &self.0 {
            Kind::Fixed(_) => watch::Sender::new(Generation::default()).subscribe(),
            Kind::Live(live) => live.changes.subscribe(),
        })
    }

    /// Whether the credential never changes.
    pub fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    /// What gives the credential, for a person; no secret.
    pub fn describe(&self) -> String {
        match &self.0 {
            Kind::Fixed(credential) => credential.description().to_owned(),
            Kind::Live(live) => live.description.to_string(),
        }
    }

    /// Gives the handle the name of its source in the chain, for events and errors. The first name stays.
    pub(crate) fn name(&self, name: &str) {
        if let Kind::Live(live) = &self.0 {
            live.name.get_or_init(|| clean_line(name).into_owned());
        }
    }
}

impl Live {
    fn new(
        source: Arc<dyn CredentialSource>,
        cluster: Arc<Cluster>,
        host: Host,
        lease: Option<sharing::Lease>,
    ) -> Arc<Self> {
        let description = clean_line(&source.describe()).into();
        Arc::new(Self {
            source,
            description,
            cluster,
            host,
            name: OnceLock::new(),
            snapshot: ArcSwapOption::empty(),
            state: Mutex::default(),
            changes: watch::Sender::new(Generation::default()),
            _lease: lease,
        })
    }

    /// The request path: a look at the snapshot and at the clocks.
    fn snapshot_if_quiet(&self) -> Option<Arc<Credential>> {
        let snapshot = self.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        snapshot
            .quiet
            .holds_at(self.host.now())
            .then(|| Arc::clone(&snapshot.credential))
    }

    async fn ask(self: &Arc<Self>) -> Result<Arc<Credential>> {
        let (pilot, answer) = self.decide();
        if let Some(pilot) = pilot {
            pilot.take_off();
        }
        let flight = match answer {
            Answer::Ready(answer) => return answer,
            Answer::Flight(flight) => flight,
        };
        match flight.landed().await {
            Ok(credential) => Ok(credential),
            // One that is still valid is better than none.
            Err(error) => self.served(&self.lock()).or(Err(error)),
        }
    }

    /// Asks the machine what to do, and prepares the flight that it may want.
    fn decide(self: &Arc<Self>) -> (Option<Pilot>, Answer) {
        let now = self.host.now();
        let mut state = self.lock();
        let decision = state.machine.ask(now);
        let pilot = match decision {
            Decision::ServeAndFetch(why) | Decision::FetchAndWait(why) => {
                let (flight, pilot) = Flight::prepare(self, why, now);
                state.flight = Some(flight);
                Some(pilot)
            }
            Decision::Serve | Decision::Wait | Decision::Refuse => None,
        };
        self.publish(&state);
        let answer = match (decision, &state.flight) {
            (Decision::Wait | Decision::FetchAndWait(_), Some(flight)) => Answer::Flight(flight.clone()),
            _ => Answer::Ready(self.served(&state)),
        };
        (pilot, answer)
    }

    fn served(&self, state: &State) -> Result<Arc<Credential>> {
        match (&state.credential, &state.last_error) {
            (Some(credential), _) if state.machine.has_valid(self.host.now()) => Ok(Arc::clone(credential)),
            (_, Some(error)) => Err(error.clone()),
            _ => Err(Error::new(ErrorKind::Aborted, "there is no credential")),
        }
    }

    fn invalidate(&self, generation: Generation) {
        let is_news = {
            let mut state = self.lock();
            let is_news = state.machine.rejected(generation);
            self.publish(&state);
            is_news
        };
        if is_news {
            debug!(target: "kubex::credentials", source = self.name(), generation = generation.number(), "credential rejected");
        }
    }

    /// Puts what the request path may take without asking into the snapshot.
    fn publish(&self, state: &State) {
        let quiet = state.machine.quiet();
        let snapshot = self.snapshot.load();
        let is_published = match (&*snapshot, &state.credential) {
            (Some(snapshot), Some(credential)) => {
                snapshot.quiet == quiet && Arc::ptr_eq(&snapshot.credential, credential)
            }
            (None, None) => true,
            _ => false,
        };
        if !is_published {
            let credential = state.credential.clone();
            self.snapshot
                .store(credential.map(|credential| Arc::new(Snapshot { credential, quiet })));
        }
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn description_shared(&self) -> Arc<str> {
        Arc::clone(&self.description)
    }

    /// Puts the name of the chain's source on an error.
    fn sign(&self, error: Error) -> Error {
        if self.name().is_empty() {
            error
        } else {
            error.in_source(self.name())
        }
    }

    fn name(&self) -> &str {
        self.name.get().map_or("", String::as_str)
    }

    /// A panic while the lock was held cannot have left the state half changed: nothing in between calls out.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Tells of each new generation of a handle's credential.
#[derive(Debug)]
pub struct Changes(watch::Receiver<Generation>);

impl Changes {
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
