//! The state that the clones of one handle share: the policy, the held value, and the fetch under way.
//!
//! Each method is one step under the lock. A step never waits and never calls a source, a subscriber or a clock.
//! `model.rs` checks that with every order of such steps the rules still hold.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::policy::{
    Decision, FetchNumber, FetchOutcome, Fetched, FreshUntil, InFlight, RefreshPolicy, RejectionLimit,
    WaitMode,
};
use super::sync::{ChangeSender, Mutex, Slot};
use crate::credential::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Moment, Ticks};
use crate::refresh::FetchReason;

/// A value that a [`RefreshCell`](super::RefreshCell) keeps current.
pub(crate) trait Refreshable: Send + Sync + 'static {
    /// When the value expires.
    fn expires_at(&self) -> Option<SystemTime>;

    /// When the source should have returned a newer value. This one stays valid afterwards.
    fn renew_by(&self) -> Option<SystemTime>;

    /// The age at which the source is asked again although the value is still valid.
    fn revalidate_after(&self) -> Option<Duration>;

    /// Whether both values are the same to those who use them.
    fn is_same(&self, other: &Self) -> bool;

    /// The generation that [`with_fetch_details`](Self::with_fetch_details) set.
    fn generation(&self) -> Generation;

    /// The value with the description of what returned it, if the value keeps it.
    fn with_provenance(self, _: &Arc<str>) -> Self
    where
        Self: Sized,
    {
        self
    }

    /// The value with its generation, and whether it had expired on arrival.
    fn with_fetch_details(self, generation: Generation, expired_on_arrival: bool) -> Self;
}

/// The result of a fetch; `None` while the fetch is under way.
pub(super) type FetchResult<T> = Option<Result<Arc<T>>>;

pub(super) struct SharedState<T> {
    state: Mutex<State<T>>,
    /// What the request path reads, without the lock.
    snapshot: Slot<Snapshot<T>>,
    /// How many snapshots have been published.
    version: AtomicU64,
    /// The number of the newest generation that the server has accepted. It is written once for each generation, so
    /// requests share its cache line without contention.
    accepted: AtomicU64,
}

/// A value, and until when it can be served without asking the policy.
struct Snapshot<T> {
    value: Arc<T>,
    fresh_until: FreshUntil,
}

struct State<T> {
    policy: RefreshPolicy,
    value: Option<Arc<T>>,
    in_flight: Option<watch::Receiver<FetchResult<T>>>,
    last_error: Option<Error>,
    /// Whether there was no valid value after the last fetch.
    has_run_out: bool,
    /// Announces new generations. Most handles have no subscriber, and a channel is larger than all else that they keep.
    changes: Option<ChangeSender<Generation>>,
}

/// The answer to a caller that asked for the value.
pub(super) struct Response<T> {
    pub(super) access: Access<T>,
    /// The fetch that the caller has to start.
    pub(super) fetch: Option<NewFetch<T>>,
    /// The fetch that did not end by its deadline and was given up.
    pub(super) lost: Option<InFlight>,
}

/// How the caller gets the value.
pub(super) enum Access<T> {
    Ready(Result<Arc<T>>),
    Wait(Pending<T>),
}

/// A fetch that the caller waits for.
pub(super) struct Pending<T> {
    /// Closed without a result if the fetch is given up.
    pub(super) result: watch::Receiver<FetchResult<T>>,
    pub(super) wait_mode: WaitMode,
    /// When the fetch counts as lost by the monotonic clock. The caller then asks again.
    pub(super) lost_at: Duration,
    /// How much longer than the limit the fetch takes to end what it started.
    pub(super) extension: Duration,
}

/// A fetch to start, and the channel that its result is sent to.
pub(super) struct NewFetch<T> {
    pub(super) number: FetchNumber,
    pub(super) reason: FetchReason,
    pub(super) sender: watch::Sender<FetchResult<T>>,
}

/// A fetch that has ended, for the callers that wait for it and for the log.
pub(super) struct FinishedFetch<T> {
    pub(super) result: Result<Arc<T>>,
    pub(super) status: FetchStatus,
    pub(super) reason: FetchReason,
    /// The number of fetches that had failed in a row before this one.
    pub(super) failures_before: u32,
    /// Whether there is a valid value to serve.
    pub(super) has_valid: bool,
    /// Whether it is the first fetch after which there is none.
    pub(super) has_run_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchStatus {
    Fetched,
    Unchanged,
    Expired,
    Failed,
}

impl<T: Refreshable> SharedState<T> {
    pub(super) fn new(rejections: RejectionLimit) -> Self {
        Self {
            state: Mutex::new(State {
                policy: RefreshPolicy::new(rejections),
                value: None,
                in_flight: None,
                last_error: None,
                has_run_out: false,
                changes: None,
            }),
            snapshot: Slot::empty(),
            version: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
        }
    }

    /// The request path: passes the held value to `look` if the policy need not be asked now.
    #[inline]
    pub(super) fn fresh<R>(&self, now: Ticks, look: impl FnOnce(&Arc<T>) -> R) -> Option<R> {
        let snapshot = self.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        snapshot.fresh_until.holds_at(now).then(|| look(&snapshot.value))
    }

    /// A number that changes with each snapshot. A snapshot that was read after this number is at least as new.
    #[inline]
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The held value, valid or not.
    pub(super) fn held(&self) -> Option<Arc<T>> {
        let snapshot = self.snapshot.load();
        snapshot.as_ref().map(|snapshot| Arc::clone(&snapshot.value))
    }

    /// Asks the policy for a decision, and returns what the caller gets and has to do. A fetch that starts now may take
    /// up to `limit`.
    pub(super) fn request(&self, now: Moment, limit: Duration) -> Response<T> {
        self.locked(|state| {
            let lost = state.policy.give_up_lost(now);
            let decision = state.policy.request(now, limit);
            let in_flight = state.policy.in_flight();
            let mut fetch = None;
            if let (Decision::ServeAndFetch(_) | Decision::FetchAndWait(..), Some(in_flight)) =
                (decision, in_flight)
            {
                let (sender, receiver) = watch::channel(None);
                state.in_flight = Some(receiver);
                fetch = Some(NewFetch {
                    number: in_flight.number,
                    reason: in_flight.reason,
                    sender,
                });
            }
            let access = match (decision, &state.in_flight, in_flight) {
                (
                    Decision::Wait(wait_mode) | Decision::FetchAndWait(_, wait_mode),
                    Some(result),
                    Some(in_flight),
                ) => Access::Wait(Pending {
                    result: result.clone(),
                    wait_mode,
                    lost_at: in_flight.lost_at,
                    extension: in_flight.extension,
                }),
                _ => Access::Ready(state.valid_or_last_error(now)),
            };
            Response { access, fetch, lost }
        })
    }

    /// The fetch has reached its limit, and needs this much longer to end what it started.
    pub(super) fn extend(&self, number: FetchNumber, now: Moment, by: Duration) {
        self.locked(|state| state.policy.extend(number, now, by));
    }

    /// The fetch ended without a result, and not because of its source: another one may start at once.
    pub(super) fn give_up(&self, number: FetchNumber) {
        self.locked(|state| {
            if state.policy.give_up(number) {
                state.in_flight = None;
            }
        });
    }

    /// The source may have a newer value than the held one.
    pub(super) fn make_due(&self) {
        self.locked(|state| state.policy.make_due());
    }

    /// The held value if it is valid, else the last error.
    pub(super) fn valid_or_last_error(&self, now: Moment) -> Result<Arc<T>> {
        self.look(|state| state.valid_or_last_error(now))
    }

    /// Whether the held value has this generation and was rejected.
    pub(super) fn is_rejected(&self, generation: Generation) -> bool {
        self.look(|state| state.policy.is_rejected(generation))
    }

    /// The value of this generation was rejected. Returns whether it is the held one and was not rejected before.
    pub(super) fn reject(&self, generation: Generation) -> bool {
        let was_accepted = self.accepted.load(Ordering::Relaxed) >= generation.number();
        self.locked(|state| state.policy.rejected(generation, was_accepted))
    }

    /// The value of this generation was accepted. A relaxed order is enough: only the number matters, and an
    /// acceptance that a rejection does not see yet happened at the same time.
    #[inline]
    pub(super) fn accept(&self, generation: Generation) {
        if self.accepted.load(Ordering::Relaxed) < generation.number() {
            self.accepted.fetch_max(generation.number(), Ordering::Relaxed);
        }
    }

    /// A fetch has ended. `expired_error` is made if its value had expired on arrival; `random` determines the jitter.
    /// Returns `None` if the fetch had been given up: its result comes too late and is not used.
    pub(super) fn complete(
        &self,
        number: FetchNumber,
        fetched: Result<T>,
        expired_error: impl FnOnce() -> Error,
        now: Moment,
        random: u64,
    ) -> Option<FinishedFetch<T>> {
        let (finished, announced) = self.locked(|state| {
            let in_flight = state.policy.in_flight().filter(|it| it.number == number)?;
            let failures_before = state.policy.failures();
            let generation_before = state.generation();
            state.in_flight = None;
            let (result, status) = match fetched {
                Ok(value) => state.receive(value, expired_error, now, random),
                Err(error) => {
                    state.policy.failed(now, random);
                    state.last_error = Some(error.clone());
                    (Err(error), FetchStatus::Failed)
                }
            };
            let has_valid = state.policy.has_valid(now);
            let had_run_out = std::mem::replace(&mut state.has_run_out, !has_valid);
            let finished = FinishedFetch {
                result,
                status,
                reason: in_flight.reason,
                failures_before,
                has_valid,
                has_run_out: !has_valid && !had_run_out,
            };
            let generation = state.generation();
            let is_new = generation != generation_before;
            Some((finished, generation.filter(|_| is_new).zip(state.changes.clone())))
        })?;
        if let Some((generation, changes)) = announced {
            // This happens outside of the lock, so two fetches may announce their generations in the wrong order.
            changes.send_if_modified(|newest| {
                let is_newer = *newest < generation;
                if is_newer {
                    *newest = generation;
                }
                is_newer
            });
        }
        Some(finished)
    }

    /// A subscription to the generations after the current one.
    pub(super) fn changes(&self) -> watch::Receiver<Generation> {
        self.locked(|state| {
            let latest = state.generation().unwrap_or_default();
            let changes = state.changes.get_or_insert_with(|| ChangeSender::new(latest));
            changes.subscribe()
        })
    }

    /// Runs one step under the lock. A step only assigns, so a panic cannot leave the state half changed, and a
    /// poisoned lock is safe to use.
    fn locked<R>(&self, step: impl FnOnce(&mut State<T>) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = step(&mut state);
        self.publish(&state);
        result
    }

    /// Looks at the state under the lock. Thousands of callers do so when the fetch that they wait for ends.
    fn look<R>(&self, look: impl FnOnce(&State<T>) -> R) -> R {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Updates the snapshot that the request path reads.
    fn publish(&self, state: &State<T>) {
        let fresh_until = state.policy.fresh_until();
        let snapshot = self.snapshot.load();
        let is_published = match (snapshot.as_ref(), &state.value) {
            (Some(snapshot), Some(value)) => {
                snapshot.fresh_until == fresh_until && Arc::ptr_eq(&snapshot.value, value)
            }
            (None, None) => true,
            _ => false,
        };
        if !is_published {
            let value = state.value.clone();
            self.snapshot
                .store(value.map(|value| Arc::new(Snapshot { value, fresh_until })));
            self.version.fetch_add(1, Ordering::Release);
        }
    }
}

impl<T: Refreshable> State<T> {
    fn generation(&self) -> Option<Generation> {
        self.value.as_ref().map(|value| value.generation())
    }

    fn valid_or_last_error(&self, now: Moment) -> Result<Arc<T>> {
        match (&self.value, &self.last_error) {
            (Some(value), _) if self.policy.has_valid(now) => Ok(Arc::clone(value)),
            (_, Some(error)) => Err(error.clone()),
            _ => Err(Error::new(
                ErrorKind::Aborted,
                "no credential has been fetched yet",
            )),
        }
    }

    fn receive(
        &mut self,
        value: T,
        expired_error: impl FnOnce() -> Error,
        now: Moment,
        random: u64,
    ) -> (Result<Arc<T>>, FetchStatus) {
        let is_new = !self.value.as_ref().is_some_and(|held| held.is_same(&value));
        let fetched = Fetched {
            expires_at: value.expires_at(),
            renew_by: value.renew_by(),
            revalidate_after: value.revalidate_after(),
            is_new,
        };
        match self.policy.fetched(fetched, now, random) {
            FetchOutcome::Keep(generation) => {
                let value = Arc::new(value.with_fetch_details(generation, false));
                self.last_error = None;
                self.value = Some(Arc::clone(&value));
                let status = if is_new {
                    FetchStatus::Fetched
                } else {
                    FetchStatus::Unchanged
                };
                (Ok(value), status)
            }
            FetchOutcome::UseOnce(generation) => {
                self.last_error = Some(expired_error());
                let value = Arc::new(value.with_fetch_details(generation, true));
                (Ok(value), FetchStatus::Expired)
            }
            FetchOutcome::KeepPrevious => {
                self.last_error = Some(expired_error());
                (self.valid_or_last_error(now), FetchStatus::Expired)
            }
        }
    }
}
