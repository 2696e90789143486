//! One fetch, and everybody who waits for it.
//!
//! The fetch runs in a task of its own, so that a caller who goes away does not take it along. It ends by the
//! source's own deadline. If it ends without an answer (its runtime is shut down, or the source panics), the
//! guard that it carries says so, and nobody waits forever.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::{debug, warn};

use super::machine::{Fetched, Reception};
use super::{Live, State};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::provider::{FetchReason, FetchRequest};

type Landing = Option<Result<Arc<Credential>>>;

/// A fetch that is under way, as those who wait for it see it.
#[derive(Clone)]
pub(super) struct Flight(watch::Receiver<Landing>);

impl Flight {
    /// Starts a fetch; `None` outside of a tokio runtime.
    pub(super) fn start(live: &Arc<Live>, why: FetchReason) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let (sender, receiver) = watch::channel(None);
        let guard = Guard {
            live: Arc::clone(live),
            sender,
            started: live.host.now(),
            has_landed: false,
        };
        runtime.spawn(guard.fly(why));
        Some(Self(receiver))
    }

    /// Waits for its end.
    pub(super) async fn landed(mut self) -> Result<Arc<Credential>> {
        match self.0.wait_for(Option::is_some).await {
            Ok(landing) => landing.clone().unwrap_or_else(|| Err(aborted())),
            Err(_) => Err(aborted()),
        }
    }
}

fn aborted() -> Error {
    Error::new(
        ErrorKind::Aborted,
        "the fetch of the credential ended without an answer",
    )
    .advise("its runtime was shut down, or its source panicked")
}

/// Makes sure that a flight lands, however it ends.
struct Guard {
    live: Arc<Live>,
    sender: watch::Sender<Landing>,
    started: Moment,
    has_landed: bool,
}

impl Guard {
    async fn fly(mut self, why: FetchReason) {
        let live = Arc::clone(&self.live);
        let request = FetchRequest {
            why,
            host: &live.host,
            cluster: &live.cluster,
        };
        let limit = live.source.deadline();
        let fetched = live.host.within(limit, live.source.fetch(request)).await;
        let fetched = fetched.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::TimedOut,
                format_args!(
                    "{} gave no credential within {} s",
                    live.source.describe(),
                    limit.as_secs_f32()
                ),
            ))
        });
        self.land(fetched);
    }

    fn land(&mut self, fetched: Result<Credential>) {
        self.has_landed = true;
        let live = &self.live;
        let now = live.host.now();
        let took = now.monotonic.saturating_sub(self.started.monotonic);
        let random = live.host.clock().random();
        let landing = {
            let mut state = live.lock();
            state.flight = None;
            let landing = match fetched {
                Ok(credential) => Ok(receive(live, &mut state, credential, now, took, random)),
                Err(error) => Err(fail(live, &mut state, error, now, took, random)),
            };
            live.publish(&state);
            landing
        };
        self.sender.send_replace(Some(landing));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.has_landed {
            self.land(Err(aborted()));
        }
    }
}

fn receive(
    live: &Live,
    state: &mut State,
    credential: Credential,
    now: Moment,
    took: Duration,
    random: u64,
) -> Arc<Credential> {
    let is_new = !state
        .credential
        .as_ref()
        .is_some_and(|held| held.is_same_identity(&credential));
    let facts = Fetched {
        expires_at: credential.expires_at(),
        look_again_after: credential.look_again_after(),
        is_new,
    };
    let failures = state.machine.failures();
    let reception = state.machine.fetched(facts, now, random);
    let (Reception::Keep(generation) | Reception::ExpiredOnArrival(generation)) = reception;
    let seconds_to_expiry = credential
        .expires_at()
        .map(|at| at.duration_since(now.wall).as_secs());
    let credential = Arc::new(credential.numbered(generation, live.source.describe().into()));
    debug!(
        target: "kubex::credentials",
        source = live.name(),
        outcome = "fetched",
        took_ms = millis(took),
        generation = generation.number(),
        seconds_to_expiry,
        "credential fetched"
    );
    if let Reception::ExpiredOnArrival(_) = reception {
        warn!(
            target: "kubex::credentials",
            source = live.name(),
            "the credential had expired when it came; is this machine's clock right?"
        );
        state.last_error = Some(named(
            live,
            Error::new(
                ErrorKind::Expired,
                format_args!(
                    "the credential that {} gave had expired when it came",
                    live.source.describe()
                ),
            )
            .advise("check this machine's clock"),
        ));
        return credential;
    }
    if failures > 0 {
        warn!(target: "kubex::credentials", source = live.name(), failures, "credential fetched again after failures");
    }
    state.last_error = None;
    state.credential = Some(Arc::clone(&credential));
    if is_new {
        live.changes.send_replace(generation);
    }
    credential
}

fn fail(live: &Live, state: &mut State, error: Error, now: Moment, took: Duration, random: u64) -> Error {
    let error = named(live, error);
    let is_first = state.machine.failures() == 0;
    state.machine.failed(now, random);
    let is_served = state.machine.has_valid(now);
    if is_first {
        warn!(
            target: "kubex::credentials",
            source = live.name(),
            outcome = "failed",
            took_ms = millis(took),
            old_one_is_served = is_served,
            %error,
            "credential could not be fetched"
        );
    } else {
        debug!(target: "kubex::credentials", source = live.name(), outcome = "failed", took_ms = millis(took), %error, "credential could not be fetched");
    }
    state.last_error = Some(error.clone());
    error
}

fn named(live: &Live, error: Error) -> Error {
    if live.name().is_empty() {
        error
    } else {
        error.in_source(live.name())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
