//! When to fetch, when to wait and when to return an error: the rules of a credential refresh engine.
//!
//! The rules are a pure state machine. Its input is an event (a caller requests the value, a fetch has ended, the
//! server rejected a credential) and the time, its output a [`Decision`]. It holds no credential, no lock and no
//! timer: [`SharedState`](super::shared_state) keeps it under a lock, and [`RefreshCell`](super::RefreshCell) carries
//! out what it decides.
//!
//! | rule | number |
//! |---|---|
//! | refresh early | when less than 20 % of the lifetime is left: at least 10 s, at most 5 min, never more than half of the lifetime, less a jitter of up to 10 % of that window |
//! | the source returned the same credential again | the next refresh is at least 10 s later, or when it expires |
//! | back off after a failure | 1 s, 2 s, 4 s ... 60 s, each less a jitter of up to 10 % |
//! | refresh before a client certificate expires | as early as before an expiry; the certificate is offered after it all the same |
//! | refresh after rejections | at once if the server accepted the value before, else at most once in 10 s: see `rejections.rs` |
//! | revalidate a value that is still valid | callers wait 1 s for it at most, and not at all after a fetch that took longer and failed |

mod deadline;
mod rejections;

use std::time::{Duration, SystemTime};

use crate::credential::Generation;
use crate::host::{Moment, wall_nanos};
use crate::refresh::FetchReason;
use deadline::Deadline;
pub(super) use deadline::FreshUntil;
pub(crate) use rejections::RejectionLimit;

const MIN_EARLY_WINDOW: Duration = Duration::from_secs(10);
const MAX_EARLY_WINDOW: Duration = Duration::from_secs(5 * 60);
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(10);
const MIN_BACK_OFF: Duration = Duration::from_secs(1);
const MAX_BACK_OFF: Duration = Duration::from_secs(60);

/// How long callers wait for the revalidation of a value that is still valid.
pub(super) const REVALIDATION_WAIT: Duration = Duration::from_secs(1);

/// How long after its deadline a fetch counts as lost. A fetch that runs ends by its deadline; one that has not ended
/// by then runs on a runtime that stands still.
const LOST_AFTER: Duration = Duration::from_millis(250);

/// What a caller that requests the value has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Take the held value.
    Serve,
    /// Take the held value and start a fetch in the background.
    ServeAndFetch(FetchReason),
    /// Wait for the fetch that is under way.
    Wait(WaitMode),
    /// Start a fetch and wait for it.
    FetchAndWait(FetchReason, WaitMode),
    /// Return the last error: there is no valid value, and it is too early to try again.
    ReturnLastError,
}

/// How long a caller waits for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitMode {
    /// Until the fetch ends: there is no valid value to serve.
    UntilItEnds,
    /// For [`REVALIDATION_WAIT`]; then the caller takes the held value.
    Briefly,
}

/// How a fetched value is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchOutcome {
    /// Keep it under this generation.
    Keep(Generation),
    /// It had expired on arrival: return it to the callers that wait, and do not keep it.
    UseOnce(Generation),
    /// It had expired on arrival, and the held value is still valid: keep the held one.
    KeepPrevious,
}

/// What the rules need to know about a fetched value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetched {
    /// When the value expires.
    pub(super) expires_at: Option<SystemTime>,
    /// When the value should have been renewed. It stays valid afterwards.
    pub(super) renew_by: Option<SystemTime>,
    /// The age at which the value is revalidated.
    pub(super) revalidate_after: Option<Duration>,
    /// Whether the value differs from the held one.
    pub(super) is_new: bool,
}

/// The deadlines of the held value.
#[derive(Clone, Copy, Debug)]
struct Held {
    generation: Generation,
    /// From this time on, the policy fetches a newer value in the background.
    refresh: Deadline,
    /// From this time on, callers wait briefly for a newer value.
    stale: Deadline,
    /// From this time on, the value is not served.
    expiry: Deadline,
    is_rejected: bool,
    /// Whether the server had accepted it before it was rejected.
    was_accepted: bool,
}

/// The fetch that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub(super) number: FetchNumber,
    pub(super) reason: FetchReason,
    /// When it started, by the monotonic clock.
    pub(super) started: Duration,
    /// When it counts as lost, by the monotonic clock.
    pub(super) lost_at: Duration,
    /// How much longer than its limit it may take, because it is ending what it started.
    pub(super) extension: Duration,
}

/// Distinguishes the fetches of one value, so that a lost one that ends after all is recognized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FetchNumber(u64);

/// The state of one refreshed value.
#[derive(Debug, Default)]
pub(super) struct RefreshPolicy {
    held: Option<Held>,
    /// The newest generation that any caller has received.
    latest: Generation,
    /// Boxed, because a handle has none most of the time.
    in_flight: Option<Box<InFlight>>,
    /// Whether the source may have a newer value than the one that is being fetched.
    is_due_again: bool,
    last_number: FetchNumber,
    failures: u32,
    /// Whether the last fetch failed and took longer than [`REVALIDATION_WAIT`].
    last_fetch_was_slow: bool,
    /// After a failure, no fetch starts before this time.
    retry_at: Option<Duration>,
    rejections: RejectionLimit,
}

impl RefreshPolicy {
    pub(super) fn new(rejections: RejectionLimit) -> Self {
        Self {
            rejections,
            ..Self::default()
        }
    }

    /// A caller asks for the value. A decision to fetch records the fetch, which may take up to `limit`, as started.
    pub(super) fn request(&mut self, now: Moment, limit: Duration) -> Decision {
        let decision = self.decide(now);
        if let Decision::ServeAndFetch(reason) | Decision::FetchAndWait(reason, _) = decision {
            self.last_number.0 += 1;
            self.in_flight = Some(Box::new(InFlight {
                number: self.last_number,
                reason,
                started: now.monotonic,
                lost_at: now.monotonic.saturating_add(limit).saturating_add(LOST_AFTER),
                extension: Duration::ZERO,
            }));
            if reason == FetchReason::Rejected {
                self.rejections.start(now.monotonic, self.was_accepted());
            }
        }
        decision
    }

    fn decide(&self, now: Moment) -> Decision {
        let may_start = self.in_flight.is_none() && self.retry_at.is_none_or(|at| now.monotonic >= at);
        let Some(held) = self.valid(now) else {
            let reason = if self.held.is_some() {
                FetchReason::Expiring
            } else {
                FetchReason::First
            };
            return match (&self.in_flight, may_start) {
                (Some(_), _) => Decision::Wait(WaitMode::UntilItEnds),
                (None, true) => Decision::FetchAndWait(reason, WaitMode::UntilItEnds),
                (None, false) => Decision::ReturnLastError,
            };
        };
        let is_stale = held.stale.is_reached(now);
        if let Some(in_flight) = &self.in_flight {
            let is_recent = now.monotonic < in_flight.started.saturating_add(REVALIDATION_WAIT);
            return if held.is_rejected {
                Decision::Wait(WaitMode::UntilItEnds)
            } else if is_stale && is_recent && !self.last_fetch_was_slow {
                Decision::Wait(WaitMode::Briefly)
            } else {
                Decision::Serve
            };
        }
        if !may_start {
            return Decision::Serve;
        }
        if held.is_rejected && now.monotonic >= self.rejections.next(held.was_accepted) {
            Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds)
        } else if is_stale && !self.last_fetch_was_slow {
            Decision::FetchAndWait(FetchReason::Expiring, WaitMode::Briefly)
        } else if is_stale || held.refresh.is_reached(now) {
            Decision::ServeAndFetch(FetchReason::Expiring)
        } else {
            Decision::Serve
        }
    }

    /// The fetch returned a value. `random` determines the jitter.
    pub(super) fn fetched(&mut self, fetched: Fetched, now: Moment, random: u64) -> FetchOutcome {
        let in_flight = self.in_flight.take();
        let is_due_again = std::mem::take(&mut self.is_due_again);
        self.last_fetch_was_slow = false;
        let until = |at: SystemTime| at.duration_since(now.wall).unwrap_or_default();
        let lifetime = fetched.expires_at.map(until);
        let renewal = fetched.renew_by.map(until);
        let expired_on_arrival = lifetime == Some(Duration::ZERO);
        if expired_on_arrival {
            self.back_off(now, random);
            if self.valid(now).is_some_and(|held| !held.is_rejected) {
                return FetchOutcome::KeepPrevious;
            }
        }
        // If callers have received a newer value once (`UseOnce`), the same old value is new to them.
        let generation = match self.held {
            Some(held) if !fetched.is_new && held.generation == self.latest => held.generation,
            _ => self.latest.next(),
        };
        self.latest = generation;
        if expired_on_arrival {
            return FetchOutcome::UseOnce(generation);
        }
        self.failures = 0;
        self.retry_at = None;
        let was_for_rejection = in_flight.is_some_and(|in_flight| in_flight.reason == FetchReason::Rejected);
        self.held = Some(Held {
            generation,
            refresh: Deadline::after_some(now, refresh_after(fetched, lifetime, renewal, random)),
            stale: if is_due_again {
                Deadline::REACHED
            } else {
                Deadline::after_some(now, fetched.revalidate_after)
            },
            expiry: Deadline {
                wall: fetched.expires_at.map_or(u64::MAX, wall_nanos),
                ..Deadline::after_some(now, lifetime)
            },
            // A rejection that arrived while the same value was fetched for another reason still counts.
            is_rejected: !fetched.is_new
                && !was_for_rejection
                && self.held.is_some_and(|held| held.is_rejected),
            was_accepted: !fetched.is_new && self.was_accepted(),
        });
        FetchOutcome::Keep(generation)
    }

    /// The source may have a newer value: callers wait briefly for it, as when the value is due for revalidation.
    pub(super) fn make_due(&mut self) {
        if let Some(held) = &mut self.held {
            held.stale = Deadline::REACHED;
        }
        self.is_due_again = self.in_flight.is_some();
    }

    /// The fetch failed.
    pub(super) fn failed(&mut self, now: Moment, random: u64) {
        self.last_fetch_was_slow = self
            .in_flight
            .take()
            .is_some_and(|in_flight| now.monotonic >= in_flight.started.saturating_add(REVALIDATION_WAIT));
        self.back_off(now, random);
    }

    /// The fetch has reached its limit, and needs this much longer to end what it started. So its runtime runs.
    pub(super) fn extend(&mut self, number: FetchNumber, now: Moment, by: Duration) {
        if let Some(in_flight) = self.in_flight.as_mut().filter(|it| it.number == number) {
            in_flight.lost_at = now.monotonic.saturating_add(by).saturating_add(LOST_AFTER);
            in_flight.extension = by;
        }
    }

    /// Gives up the fetch that is under way if it counts as lost, so that another one can start. Returns it.
    pub(super) fn give_up_lost(&mut self, now: Moment) -> Option<InFlight> {
        let lost = self
            .in_flight()
            .filter(|in_flight| now.monotonic >= in_flight.lost_at)?;
        self.give_up(lost.number);
        // Meanwhile, callers get the held value without waiting for the next attempt.
        self.last_fetch_was_slow = true;
        Some(lost)
    }

    /// The fetch was given up without a result. That is not a failure of the source: another fetch may start at once.
    /// Returns whether this fetch was under way.
    pub(super) fn give_up(&mut self, number: FetchNumber) -> bool {
        let Some(given_up) = self.in_flight.take_if(|in_flight| in_flight.number == number) else {
            return false;
        };
        if given_up.reason == FetchReason::Rejected {
            self.rejections.give_back(self.was_accepted());
        }
        true
    }

    /// The server rejected the value of this generation, which it had accepted before or not. Returns whether it is the
    /// held value and was not rejected before.
    pub(super) fn rejected(&mut self, generation: Generation, was_accepted: bool) -> bool {
        let Some(held) = self.held.as_mut().filter(|held| held.generation == generation) else {
            return false;
        };
        held.was_accepted |= was_accepted;
        !std::mem::replace(&mut held.is_rejected, true)
    }

    /// Whether the server had accepted the held value before it was rejected.
    fn was_accepted(&self) -> bool {
        self.held.is_some_and(|held| held.was_accepted)
    }

    /// Whether there is a value that may be served now.
    pub(super) fn has_valid(&self, now: Moment) -> bool {
        self.valid(now).is_some()
    }

    /// Whether the held value has this generation and the server rejected it.
    pub(super) fn is_rejected(&self, generation: Generation) -> bool {
        self.held
            .is_some_and(|held| held.is_rejected && held.generation == generation)
    }

    fn valid(&self, now: Moment) -> Option<Held> {
        self.held.filter(|held| !held.expiry.is_reached(now))
    }

    /// The fetch that is under way.
    pub(super) fn in_flight(&self) -> Option<InFlight> {
        self.in_flight.as_deref().copied()
    }

    /// The number of fetches that have failed since the last success.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Until when [`request`](Self::request) would only return [`Decision::Serve`].
    pub(super) fn fresh_until(&self) -> FreshUntil {
        let Some(held) = self.held else {
            return FreshUntil::NEVER;
        };
        let fresh_until = FreshUntil::FOREVER.or_earlier(held.expiry);
        if let Some(in_flight) = &self.in_flight {
            // Callers that need a newer value wait for the fetch; for the others nothing changes until it ends, or
            // has to be given up.
            if held.is_rejected {
                return FreshUntil::NEVER;
            }
            let fresh_until = fresh_until.or_earlier_monotonic(in_flight.lost_at);
            fresh_until.or_earlier(held.stale)
        } else if let Some(at) = self.retry_at {
            fresh_until.or_earlier_monotonic(at)
        } else {
            let fresh_until = fresh_until.or_earlier(held.refresh).or_earlier(held.stale);
            if held.is_rejected {
                fresh_until.or_earlier_monotonic(self.rejections.next(held.was_accepted))
            } else {
                fresh_until
            }
        }
    }

    fn back_off(&mut self, now: Moment, random: u64) {
        let doublings = self.failures.min(6);
        let span = (MIN_BACK_OFF * 2_u32.pow(doublings)).min(MAX_BACK_OFF);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(
            now.monotonic
                .saturating_add(span.saturating_sub(jitter(span, random))),
        );
    }
}

/// How long after its arrival a value is refreshed in the background. `lifetime` and `renewal` are the time until it
/// expires and until it should be renewed.
fn refresh_after(
    fetched: Fetched,
    lifetime: Option<Duration>,
    renewal: Option<Duration>,
    random: u64,
) -> Option<Duration> {
    let early = |span: Duration| span.saturating_sub(early_window(span, random));
    // Without a minimum, a source that returns the same value until it expires would be asked more and more often.
    let early_or = |minimum: Duration, span: Duration| {
        if fetched.is_new && !span.is_zero() {
            early(span)
        } else {
            early(span).max(minimum)
        }
    };
    let by_expiry = lifetime.map(|lifetime| early_or(MIN_REFRESH_INTERVAL, lifetime));
    let by_renewal = renewal.map(|renewal| {
        // An overdue value is still sent, so the source is asked less often.
        let minimum = if renewal.is_zero() {
            MAX_BACK_OFF
        } else {
            MIN_REFRESH_INTERVAL
        };
        early_or(minimum, renewal)
    });
    by_expiry
        .into_iter()
        .chain(by_renewal)
        .chain(fetched.revalidate_after.map(early))
        .min()
}

/// How long before the end of its lifetime a value is refreshed.
fn early_window(lifetime: Duration, random: u64) -> Duration {
    let window = (lifetime / 5)
        .clamp(MIN_EARLY_WINDOW, MAX_EARLY_WINDOW)
        .min(lifetime / 2);
    window.saturating_sub(jitter(window, random))
}

/// Up to 10 % of the span.
fn jitter(span: Duration, random: u64) -> Duration {
    let thousandth = u32::try_from(random % 1001).unwrap_or_default();
    span / 10 * thousandth / 1000
}

#[cfg(test)]
mod tests;
