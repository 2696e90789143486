//! When to fetch, when to wait and when to refuse: the rules of a live handle, without any effect.
//!
//! The machine is told what happened (somebody asked, a fetch ended, the server rejected a credential) and
//! what the clocks say, and answers what to do. It holds no credential, no lock and no timer; the
//! [board](super::shared) keeps it under a lock, and the [driver](super) does what it says.
//!
//! | rule | number |
//! |---|---|
//! | refresh early | when less than 20 % of the lifetime is left: at least 10 s, at most 5 min, never more than half of the lifetime, less a jitter of up to 10 % of that window |
//! | the same credential came back | the next refresh is at least 10 s later, or when it expires |
//! | back off after a failure | 1 s, 2 s, 4 s ... 60 s, each less a jitter of up to 10 % |
//! | refresh after rejections | at most once in 10 s |
//! | look again at what is still valid | callers wait for it for 1 s at most, and not at all after a look that took longer |

use std::time::Duration;

use jiff::Timestamp;

use crate::credential::Generation;
use crate::host::Moment;
use crate::refresh::FetchReason;

const EARLIEST_WINDOW: Duration = Duration::from_secs(10);
const LATEST_WINDOW: Duration = Duration::from_secs(5 * 60);
const BETWEEN_REFRESHES: Duration = Duration::from_secs(10);
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
const BETWEEN_REJECTIONS: Duration = Duration::from_secs(10);

/// How long callers wait for a look at what is still valid.
pub(super) const REVALIDATION_WAIT: Duration = Duration::from_secs(1);

/// What somebody who asks for a credential is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Take the credential there is.
    Serve,
    /// Start a fetch and do not wait for it; take the credential there is.
    ServeAndFetch(FetchReason),
    /// Wait for the fetch that is under way.
    Wait(WaitMode),
    /// Start a fetch and wait for it.
    FetchAndWait(FetchReason, WaitMode),
    /// Take the last error: there is nothing to serve, and it is too early to try again.
    Refuse,
}

/// How long to wait for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitMode {
    /// Until it has ended: there is nothing else to serve.
    UntilItEnds,
    /// For [`REVALIDATION_WAIT`], and then take the credential there is.
    Briefly,
}

/// How a fetched credential is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchOutcome {
    /// Keep it, under this generation.
    Keep(Generation),
    /// It had expired when it came: give it to those who wait and forget it.
    UseOnce(Generation),
    /// It had expired when it came, and the one that is held is good: go on with that one.
    KeepTheOld,
}

/// What the machine needs to know of a credential that was fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetched {
    /// When it stops to be valid.
    pub(super) expires_at: Option<Timestamp>,
    /// How old it may get before it is looked at again.
    pub(super) revalidate_after: Option<Duration>,
    /// Whether it is another identity than the one there was.
    pub(super) is_new: bool,
}

/// Until when asking again would change nothing, by each clock. The handle keeps it beside its snapshot, so
/// that callers need no lock before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FreshUntil {
    pub(super) monotonic: Duration,
    pub(super) wall: Timestamp,
}

impl FreshUntil {
    pub(super) const NEVER: Self = Self {
        monotonic: Duration::ZERO,
        wall: Timestamp::MIN,
    };
    const FOREVER: Self = Self {
        monotonic: Duration::MAX,
        wall: Timestamp::MAX,
    };

    /// Whether this moment is before the end, by both clocks.
    pub(super) fn holds_at(&self, now: Moment) -> bool {
        now.monotonic < self.monotonic && now.wall < self.wall
    }
}

/// A point of time by both clocks; reached as soon as one of them says so.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    monotonic: Duration,
    wall: Timestamp,
}

impl Deadline {
    fn after(now: Moment, span: Duration) -> Self {
        Self {
            monotonic: now.monotonic.saturating_add(span),
            wall: now.wall.checked_add(span).unwrap_or(Timestamp::MAX),
        }
    }

    fn is_reached(self, now: Moment) -> bool {
        now.monotonic >= self.monotonic || now.wall >= self.wall
    }
}

/// The credential that is being served.
#[derive(Clone, Copy, Debug)]
struct Held {
    generation: Generation,
    /// From when on a newer one is fetched in the background.
    refresh: Option<Deadline>,
    /// From when on callers wait for a newer one, if there is one.
    stale: Option<Deadline>,
    /// From when on it is not served any more.
    expiry: Option<Deadline>,
    is_rejected: bool,
}

/// The fetch that is under way.
#[derive(Clone, Copy, Debug)]
struct InFlight {
    why: FetchReason,
    since: Duration,
}

/// The state of one live handle.
#[derive(Debug, Default)]
pub(super) struct RefreshPolicy {
    held: Option<Held>,
    /// The newest generation that was ever given to somebody.
    latest: Generation,
    in_flight: Option<InFlight>,
    failures: u32,
    /// Whether the last fetch failed and took longer than callers wait for a look.
    is_slow: bool,
    /// After a failure, no fetch is started before this time.
    retry_at: Option<Duration>,
    /// After a rejection was answered by a fetch, no other rejection starts one before this time.
    next_answer_at: Option<Duration>,
}

impl RefreshPolicy {
    /// Somebody wants a credential. A decision to fetch marks the flight as started.
    pub(super) fn ask(&mut self, now: Moment) -> Decision {
        let decision = self.decide(now);
        if let Decision::ServeAndFetch(why) | Decision::FetchAndWait(why, _) = decision {
            self.in_flight = Some(InFlight {
                why,
                since: now.monotonic,
            });
            if why == FetchReason::Rejected {
                self.next_answer_at = Some(now.monotonic.saturating_add(BETWEEN_REJECTIONS));
            }
        }
        decision
    }

    fn decide(&self, now: Moment) -> Decision {
        let may_start = self.in_flight.is_none() && self.retry_at.is_none_or(|at| now.monotonic >= at);
        let Some(held) = self.valid(now) else {
            let why = if self.held.is_some() {
                FetchReason::Expiring
            } else {
                FetchReason::First
            };
            return match (self.in_flight, may_start) {
                (Some(_), _) => Decision::Wait(WaitMode::UntilItEnds),
                (None, true) => Decision::FetchAndWait(why, WaitMode::UntilItEnds),
                (None, false) => Decision::Refuse,
            };
        };
        let is_stale = is_reached(held.stale, now);
        if let Some(in_flight) = self.in_flight {
            let is_recent = now.monotonic < in_flight.since.saturating_add(REVALIDATION_WAIT);
            return if held.is_rejected {
                Decision::Wait(WaitMode::UntilItEnds)
            } else if is_stale && is_recent && !self.is_slow {
                Decision::Wait(WaitMode::Briefly)
            } else {
                Decision::Serve
            };
        }
        if !may_start {
            return Decision::Serve;
        }
        if held.is_rejected && self.next_answer_at.is_none_or(|at| now.monotonic >= at) {
            Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds)
        } else if is_stale && !self.is_slow {
            Decision::FetchAndWait(FetchReason::Expiring, WaitMode::Briefly)
        } else if is_stale || is_reached(held.refresh, now) {
            Decision::ServeAndFetch(FetchReason::Expiring)
        } else {
            Decision::Serve
        }
    }

    /// The flight brought a credential. `random` is the jitter's.
    pub(super) fn fetched(&mut self, fetched: Fetched, now: Moment, random: u64) -> FetchOutcome {
        let in_flight = self.in_flight.take();
        self.is_slow = false;
        let lifetime = fetched
            .expires_at
            .map(|at| Duration::try_from(at.duration_since(now.wall)).unwrap_or_default());
        let expired_on_arrival = lifetime == Some(Duration::ZERO);
        if expired_on_arrival {
            self.back_off(now, random);
            if self.valid(now).is_some_and(|held| !held.is_rejected) {
                return FetchOutcome::KeepTheOld;
            }
        }
        // A credential that was held before the latest one was given away is news to whoever got that one.
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
        let asked_anew = in_flight.is_some_and(|in_flight| in_flight.why == FetchReason::Rejected);
        self.held = Some(Held {
            generation,
            refresh: refresh_after(fetched, lifetime, random).map(|span| Deadline::after(now, span)),
            stale: fetched.revalidate_after.map(|span| Deadline::after(now, span)),
            expiry: fetched.expires_at.zip(lifetime).map(|(at, span)| Deadline {
                wall: at,
                ..Deadline::after(now, span)
            }),
            // Rejected while it was fetched for another reason, it is rejected still.
            is_rejected: !fetched.is_new && !asked_anew && self.held.is_some_and(|held| held.is_rejected),
        });
        FetchOutcome::Keep(generation)
    }

    /// The flight failed.
    pub(super) fn failed(&mut self, now: Moment, random: u64) {
        self.is_slow = self
            .in_flight
            .take()
            .is_some_and(|in_flight| now.monotonic >= in_flight.since.saturating_add(REVALIDATION_WAIT));
        self.back_off(now, random);
    }

    /// The server rejected a credential of this generation. Says whether it is the one that is served.
    pub(super) fn rejected(&mut self, generation: Generation) -> bool {
        let Some(held) = self
            .held
            .as_mut()
            .filter(|held| held.generation == generation && !held.is_rejected)
        else {
            return false;
        };
        held.is_rejected = true;
        true
    }

    /// Whether there is a credential that may be served at this moment.
    pub(super) fn has_valid(&self, now: Moment) -> bool {
        self.valid(now).is_some()
    }

    /// Whether this generation is the one that is held, and the server rejected it.
    pub(super) fn is_rejected(&self, generation: Generation) -> bool {
        self.held
            .is_some_and(|held| held.is_rejected && held.generation == generation)
    }

    fn valid(&self, now: Moment) -> Option<Held> {
        self.held.filter(|held| !is_reached(held.expiry, now))
    }

    /// Why the fetch that is under way was started.
    pub(super) fn in_flight_reason(&self) -> Option<FetchReason> {
        self.in_flight.map(|in_flight| in_flight.why)
    }

    /// How many fetches have failed since the last that did not.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Until when asking would do nothing but serve what is held.
    pub(super) fn fresh_until(&self) -> FreshUntil {
        let Some(held) = self.held else {
            return FreshUntil::NEVER;
        };
        let mut fresh_until = FreshUntil::FOREVER;
        let mut ends_at = |deadline: Deadline| {
            fresh_until.monotonic = fresh_until.monotonic.min(deadline.monotonic);
            fresh_until.wall = fresh_until.wall.min(deadline.wall);
        };
        held.expiry.into_iter().for_each(&mut ends_at);
        if self.in_flight.is_some() {
            // Those who want a newer one wait for it; the others have nothing to do until it comes.
            if held.is_rejected {
                return FreshUntil::NEVER;
            }
            held.stale.into_iter().for_each(&mut ends_at);
        } else if let Some(at) = self.retry_at {
            fresh_until.monotonic = fresh_until.monotonic.min(at);
        } else {
            held.refresh.into_iter().chain(held.stale).for_each(&mut ends_at);
            if held.is_rejected {
                fresh_until.monotonic = fresh_until.monotonic.min(self.next_answer_at.unwrap_or_default());
            }
        }
        fresh_until
    }

    fn back_off(&mut self, now: Moment, random: u64) {
        let doublings = self.failures.min(6);
        let span = (FIRST_BACK_OFF * 2_u32.pow(doublings)).min(LONGEST_BACK_OFF);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(
            now.monotonic
                .saturating_add(span.saturating_sub(jitter(span, random))),
        );
    }
}

fn is_reached(deadline: Option<Deadline>, now: Moment) -> bool {
    deadline.is_some_and(|deadline| deadline.is_reached(now))
}

/// How long after it was fetched a newer one is fetched in the background.
fn refresh_after(fetched: Fetched, lifetime: Option<Duration>, random: u64) -> Option<Duration> {
    let early = |span: Duration| span.saturating_sub(early_window(span, random));
    let by_expiry = lifetime.map(|lifetime| {
        if fetched.is_new {
            early(lifetime)
        } else {
            // A source that gives what it has until the very end would be asked ever more often.
            early(lifetime).max(BETWEEN_REFRESHES)
        }
    });
    by_expiry
        .into_iter()
        .chain(fetched.revalidate_after.map(early))
        .min()
}

/// How long before the end of its lifetime a credential is renewed.
fn early_window(lifetime: Duration, random: u64) -> Duration {
    let window = (lifetime / 5)
        .clamp(EARLIEST_WINDOW, LATEST_WINDOW)
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
