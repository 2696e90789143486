//! What the clones of one live handle share: the machine, what it serves, and who waits for what.
//!
//! Each method is one step under the lock; none waits, calls a source, a subscriber or a clock. That is what
//! makes it possible to model-check the board with every order of such steps (`model.rs`).

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::policy::{Decision, FetchOutcome, Fetched, FreshUntil, RefreshPolicy, WaitMode};
use super::sync::{Announcements, Mutex, Slot};
use crate::credential::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::refresh::FetchReason;

/// What a live handle keeps current.
pub(crate) trait Item: Send + Sync + 'static {
    /// When it stops to be valid.
    fn expires_at(&self) -> Option<Timestamp>;

    /// How old it gets before its source is asked again.
    fn revalidate_after(&self) -> Option<std::time::Duration>;

    /// Whether those who use it would see no difference.
    fn is_same(&self, other: &Self) -> bool;

    /// The generation it was [numbered](Self::numbered) with.
    fn generation(&self) -> Generation;

    /// The same with its generation, with whether it had expired when it came, and with what gave it.
    fn numbered(self, generation: Generation, expired_on_arrival: bool, provenance: &Arc<str>) -> Self;
}

/// How a fetch ended; none while it is under way.
pub(super) type FetchResult<T> = Option<Result<Arc<T>>>;

pub(super) struct SharedState<T> {
    state: Mutex<State<T>>,
    /// What the request path reads.
    snapshot: Slot<Snapshot<T>>,
    changes: Announcements<Generation>,
}

/// An item and how long it may be taken without asking the policy.
struct Snapshot<T> {
    item: Arc<T>,
    fresh_until: FreshUntil,
}

struct State<T> {
    policy: RefreshPolicy,
    item: Option<Arc<T>>,
    flight: Option<watch::Receiver<FetchResult<T>>>,
    last_error: Option<Error>,
}

/// What somebody who asks gets, and is to do.
pub(super) struct Asked<T> {
    pub(super) answer: Answer<T>,
    /// The fetch to start, for this reason, and where to say how it ended.
    pub(super) take_off: Option<(FetchReason, watch::Sender<FetchResult<T>>)>,
}

pub(super) enum Answer<T> {
    Ready(Result<Arc<T>>),
    Wait(watch::Receiver<FetchResult<T>>, WaitMode),
}

/// What became of a fetch, for those who waited for it and for the log.
pub(super) struct FinishedFetch<T> {
    pub(super) landing: Result<Arc<T>>,
    pub(super) outcome: Outcome,
    pub(super) why: Option<FetchReason>,
    /// How many fetches had failed in a row before this one.
    pub(super) failures_before: u32,
    /// Whether there is something valid to go on with.
    pub(super) is_served: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Fetched,
    Unchanged,
    Expired,
    Failed,
}

impl<T: Item> SharedState<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                policy: RefreshPolicy::default(),
                item: None,
                flight: None,
                last_error: None,
            }),
            snapshot: Slot::empty(),
            changes: Announcements::new(Generation::default()),
        }
    }

    /// The request path: what there is, as long as nothing is to be decided.
    pub(super) fn peek(&self, now: Moment) -> Option<Arc<T>> {
        self.peek_with(now, Arc::clone)
    }

    /// The same, looked at in place.
    pub(super) fn peek_with<R>(&self, now: Moment, look: impl FnOnce(&Arc<T>) -> R) -> Option<R> {
        let snapshot = self.snapshot.load();
        let snapshot = snapshot.as_ref()?;
        snapshot.fresh_until.holds_at(now).then(|| look(&snapshot.item))
    }

    /// Asks the machine what to do.
    pub(super) fn ask(&self, now: Moment) -> Asked<T> {
        self.locked(|state| {
            let decision = state.policy.ask(now);
            let mut take_off = None;
            if let Decision::ServeAndFetch(why) | Decision::FetchAndWait(why, _) = decision {
                let (sender, receiver) = watch::channel(None);
                state.flight = Some(receiver);
                take_off = Some((why, sender));
            }
            let answer = match (decision, &state.flight) {
                (Decision::Wait(wait_mode) | Decision::FetchAndWait(_, wait_mode), Some(flight)) => {
                    Answer::Wait(flight.clone(), wait_mode)
                }
                _ => Answer::Ready(state.served(now)),
            };
            Asked { answer, take_off }
        })
    }

    /// What may be served at this moment, else the last error.
    pub(super) fn served(&self, now: Moment) -> Result<Arc<T>> {
        self.locked(|state| state.served(now))
    }

    /// What was kept last, be it valid or not.
    pub(super) fn last(&self) -> Option<Arc<T>> {
        self.locked(|state| state.item.clone())
    }

    /// Whether this generation is the one that is held, and was rejected.
    pub(super) fn is_rejected(&self, generation: Generation) -> bool {
        self.locked(|state| state.policy.is_rejected(generation))
    }

    /// The item of this generation was rejected. Says whether that is news.
    pub(super) fn reject(&self, generation: Generation) -> bool {
        self.locked(|state| state.policy.rejected(generation))
    }

    /// A fetch has ended. `late` is the error for one whose item had expired when it came, `random` the
    /// jitter's.
    pub(super) fn land(
        &self,
        fetched: Result<T>,
        late: Error,
        provenance: &Arc<str>,
        now: Moment,
        random: u64,
    ) -> FinishedFetch<T> {
        let (landed, news) = self.locked(|state| {
            let failures_before = state.policy.failures();
            let why = state.policy.in_flight_reason();
            let held = state.item.as_ref().map(|item| item.generation());
            state.flight = None;
            let (landing, outcome) = match fetched {
                Ok(item) => state.receive(item, late, provenance, now, random),
                Err(error) => {
                    state.policy.failed(now, random);
                    state.last_error = Some(error.clone());
                    (Err(error), Outcome::Failed)
                }
            };
            let current = state.item.as_ref().map(|item| item.generation());
            let landed = FinishedFetch {
                landing,
                outcome,
                why,
                failures_before,
                is_served: state.policy.has_valid(now),
            };
            (landed, current.filter(|_| current != held))
        });
        if let Some(generation) = news {
            // Out of the lock, two that land one after the other may come here in the other order.
            self.changes.send_if_modified(|newest| {
                let is_newer = *newest < generation;
                if is_newer {
                    *newest = generation;
                }
                is_newer
            });
        }
        landed
    }

    pub(super) fn changes(&self) -> watch::Receiver<Generation> {
        self.changes.subscribe()
    }

    /// One step. A panic in one cannot have left the state half changed: only plain assignments happen there.
    fn locked<R>(&self, step: impl FnOnce(&mut State<T>) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = step(&mut state);
        self.publish(&state);
        result
    }

    /// Puts what the request path may take without asking into the snapshot.
    fn publish(&self, state: &State<T>) {
        let fresh_until = state.policy.fresh_until();
        let snapshot = self.snapshot.load();
        let is_published = match (snapshot.as_ref(), &state.item) {
            (Some(snapshot), Some(item)) => {
                snapshot.fresh_until == fresh_until && Arc::ptr_eq(&snapshot.item, item)
            }
            (None, None) => true,
            _ => false,
        };
        if !is_published {
            let item = state.item.clone();
            self.snapshot
                .store(item.map(|item| Arc::new(Snapshot { item, fresh_until })));
        }
    }
}

impl<T: Item> State<T> {
    fn served(&self, now: Moment) -> Result<Arc<T>> {
        match (&self.item, &self.last_error) {
            (Some(item), _) if self.policy.has_valid(now) => Ok(Arc::clone(item)),
            (_, Some(error)) => Err(error.clone()),
            _ => Err(Error::new(ErrorKind::Aborted, "there is nothing to serve")),
        }
    }

    fn receive(
        &mut self,
        item: T,
        late: Error,
        provenance: &Arc<str>,
        now: Moment,
        random: u64,
    ) -> (Result<Arc<T>>, Outcome) {
        let is_new = !self.item.as_ref().is_some_and(|held| held.is_same(&item));
        let fetched = Fetched {
            expires_at: item.expires_at(),
            revalidate_after: item.revalidate_after(),
            is_new,
        };
        match self.policy.fetched(fetched, now, random) {
            FetchOutcome::Keep(generation) => {
                let item = Arc::new(item.numbered(generation, false, provenance));
                self.last_error = None;
                self.item = Some(Arc::clone(&item));
                (
                    Ok(item),
                    if is_new {
                        Outcome::Fetched
                    } else {
                        Outcome::Unchanged
                    },
                )
            }
            FetchOutcome::UseOnce(generation) => {
                self.last_error = Some(late);
                let item = Arc::new(item.numbered(generation, true, provenance));
                (Ok(item), Outcome::Expired)
            }
            FetchOutcome::KeepTheOld => {
                self.last_error = Some(late);
                (self.served(now), Outcome::Expired)
            }
        }
    }
}
