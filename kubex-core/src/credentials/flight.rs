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

use super::Live;
use super::machine::{Fetched, Reception};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::provider::{FetchReason, FetchRequest};

type Landing = Option<Result<Arc<Credential>>>;

/// A fetch that is under way, as those who wait for it see it.
#[derive(Clone)]
pub(super) struct Flight(watch::Receiver<Landing>);

impl Flight {
    /// A flight and the pilot that is to take off with it, once the handle's lock is free.
    pub(super) fn prepare(live: &Arc<Live>, why: FetchReason, now: Moment) -> (Self, Pilot) {
        let (sender, receiver) = watch::channel(None);
        (
            Self(receiver),
            Pilot {
                live: Arc::clone(live),
                why,
                sender,
                started: now,
                has_landed: false,
            },
        )
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

/// Flies one fetch, and lands it however it ends: dropped without an answer, it lands with an error.
///
/// Landing takes the handle's lock, so a pilot must never be dropped while that is held; a runtime that is
/// shutting down drops what it is given to spawn.
pub(super) struct Pilot {
    live: Arc<Live>,
    why: FetchReason,
    sender: watch::Sender<Landing>,
    started: Moment,
    has_landed: bool,
}

impl Pilot {
    /// Starts the fetch in a task of the current runtime.
    pub(super) fn take_off(mut self) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.fly())),
            Err(_) => self.land(Err(Error::new(
                ErrorKind::Aborted,
                "credentials were asked for outside of a tokio runtime",
            )
            .advise("call it from a tokio runtime"))),
        }
    }

    async fn fly(mut self) {
        let live = Arc::clone(&self.live);
        let request = FetchRequest {
            why: self.why,
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
                    live.description(),
                    limit.as_secs_f32()
                ),
            ))
        });
        self.land(fetched);
    }

    /// Tells the machine, the handle, those who wait and the log. Only plain assignments happen under the
    /// lock: no code of a provider's, a subscriber's or a waiter's.
    fn land(&mut self, fetched: Result<Credential>) {
        self.has_landed = true;
        let live = &self.live;
        let now = live.host.now();
        let random = live.host.clock().random();
        let log = Log {
            live,
            took: now.monotonic.saturating_sub(self.started.monotonic),
        };
        let landing = match fetched {
            Ok(credential) => Ok(receive(live, credential, now, random, &log)),
            Err(error) => Err(fail(live, live.sign(error), now, random, &log)),
        };
        self.sender.send_replace(Some(landing));
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if !self.has_landed {
            self.land(Err(aborted()));
        }
    }
}

fn receive(live: &Live, credential: Credential, now: Moment, random: u64, log: &Log<'_>) -> Arc<Credential> {
    let came_expired = live.sign(
        Error::new(
            ErrorKind::Expired,
            format_args!(
                "the credential that {} gave had expired when it came",
                live.description()
            ),
        )
        .advise("check this machine's clock"),
    );
    let expires_at = credential.expires_at();
    let look_again_after = credential.look_again_after();

    let mut state = live.lock();
    let is_new = !state
        .credential
        .as_ref()
        .is_some_and(|held| held.is_same_identity(&credential));
    let failures_before = state.machine.failures();
    let reception = state.machine.fetched(
        Fetched {
            expires_at,
            look_again_after,
            is_new,
        },
        now,
        random,
    );
    let (Reception::Keep(generation) | Reception::ExpiredOnArrival(generation)) = reception;
    let credential = Arc::new(credential.numbered(generation, live.description_shared()));
    let is_kept = matches!(reception, Reception::Keep(_));
    if is_kept {
        state.last_error = None;
        state.credential = Some(Arc::clone(&credential));
    } else {
        state.last_error = Some(came_expired);
    }
    state.flight = None;
    live.publish(&state);
    drop(state);

    if is_kept && is_new {
        live.changes.send_replace(generation);
    }
    log.fetched(&credential, now, is_kept, failures_before);
    credential
}

fn fail(live: &Live, error: Error, now: Moment, random: u64, log: &Log<'_>) -> Error {
    let mut state = live.lock();
    let is_first = state.machine.failures() == 0;
    state.machine.failed(now, random);
    let is_old_one_served = state.machine.has_valid(now);
    state.last_error = Some(error.clone());
    state.flight = None;
    live.publish(&state);
    drop(state);

    log.failed(&error, is_first, is_old_one_served);
    error
}

/// The events of a flight. Their names and fields are stable; none holds a secret.
struct Log<'a> {
    live: &'a Live,
    took: Duration,
}

impl Log<'_> {
    fn fetched(&self, credential: &Credential, now: Moment, is_kept: bool, failures_before: u32) {
        let source = self.live.name();
        debug!(
            target: "kubex::credentials",
            source,
            outcome = if is_kept { "fetched" } else { "expired" },
            took_ms = self.millis(),
            generation = credential.generation().number(),
            seconds_to_expiry = credential.expires_at().map(|at| at.duration_since(now.wall).as_secs()),
            "credential fetched"
        );
        if !is_kept {
            warn!(target: "kubex::credentials", source, "the credential had expired when it came; is this machine's clock right?");
        } else if failures_before > 0 {
            warn!(target: "kubex::credentials", source, failures = failures_before, "credential fetched again after failures");
        }
    }

    /// One warning for each change from working to failing; what follows is for those who debug.
    fn failed(&self, error: &Error, is_first: bool, is_old_one_served: bool) {
        let (source, took_ms) = (self.live.name(), self.millis());
        if is_first {
            warn!(target: "kubex::credentials", source, outcome = "failed", took_ms, is_old_one_served, %error, "credential could not be fetched");
        } else {
            debug!(target: "kubex::credentials", source, outcome = "failed", took_ms, is_old_one_served, %error, "credential could not be fetched");
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX)
    }
}
