//! When to fetch, when to wait and when to refuse: the rules of the live handle, without any effect.
//!
//! The machine is told what happened (somebody asked, a fetch ended, the server rejected a credential) and
//! what the clocks say, and answers what to do. It holds no credential, no lock and no timer; the
//! [handle](super) drives it.
//!
//! | rule | number |
//! |---|---|
//! | refresh early | when less than 20 % of the lifetime is left: at least 10 s, at most 5 min, never more than half of the lifetime, less a jitter of up to 10 % of that window |
//! | back off after a failure | 1 s, 2 s, 4 s ... 60 s, each less a jitter of up to 10 % |
//! | refresh after rejections | at most once in 10 s |

use std::time::Duration;

use jiff::Timestamp;

use crate::credential::Generation;
use crate::host::Moment;
use crate::provider::FetchReason;

const EARLIEST_WINDOW: Duration = Duration::from_secs(10);
const LATEST_WINDOW: Duration = Duration::from_secs(5 * 60);
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
const BETWEEN_REJECTIONS: Duration = Duration::from_secs(10);

/// What somebody who asks for a credential is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Take the credential there is.
    Serve,
    /// Start a fetch and do not wait for it; take the credential there is.
    ServeAndFetch(FetchReason),
    /// Wait for the fetch that is under way.
    Wait,
    /// Start a fetch and wait for it.
    FetchAndWait(FetchReason),
    /// Take the last error: there is nothing to serve, and it is too early to try again.
    Refuse,
}

/// How a fetched credential is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reception {
    /// Keep it, under this generation.
    Keep(Generation),
    /// It had expired when it came: give it to those who wait and forget it.
    ExpiredOnArrival(Generation),
}

/// What the machine needs to know of a credential that was fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetched {
    /// When it stops to be valid.
    pub(super) expires_at: Option<Timestamp>,
    /// How old it may get before it is looked at again.
    pub(super) look_again_after: Option<Duration>,
    /// Whether it is another identity than the one there was.
    pub(super) is_new: bool,
}

/// Until when asking again would change nothing, by each clock. The handle keeps it beside its snapshot, so
/// that callers need no lock before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    pub(super) monotonic: Duration,
    pub(super) wall: Timestamp,
}

impl Quiet {
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

/// The state of one live handle.
#[derive(Debug, Default)]
pub(super) struct Machine {
    held: Option<Held>,
    latest: Generation,
    in_flight: bool,
    failures: u32,
    /// After a failure, no fetch is started before this time.
    retry_at: Option<Duration>,
    /// After a rejection was answered by a fetch, no other rejection starts one before this time.
    next_answer_at: Option<Duration>,
}

impl Machine {
    /// Somebody wants a credential. A decision to fetch marks the flight as started.
    pub(super) fn ask(&mut self, now: Moment) -> Decision {
        let decision = self.decide(now);
        if let Decision::ServeAndFetch(why) | Decision::FetchAndWait(why) = decision {
            self.in_flight = true;
            if why == FetchReason::Rejected {
                self.next_answer_at = Some(now.monotonic.saturating_add(BETWEEN_REJECTIONS));
            }
        }
        decision
    }

    fn decide(&self, now: Moment) -> Decision {
        let may_start = !self.in_flight && self.retry_at.is_none_or(|at| now.monotonic >= at);
        let Some(held) = self.held.filter(|held| !is_reached(held.expiry, now)) else {
            let why = if self.held.is_some() {
                FetchReason::Expiring
            } else {
                FetchReason::First
            };
            return match (self.in_flight, may_start) {
                (true, _) => Decision::Wait,
                (false, true) => Decision::FetchAndWait(why),
                (false, false) => Decision::Refuse,
            };
        };
        let is_stale = is_reached(held.stale, now);
        if self.in_flight {
            return if held.is_rejected || is_stale {
                Decision::Wait
            } else {
                Decision::Serve
            };
        }
        if !may_start {
            return Decision::Serve;
        }
        if held.is_rejected && self.next_answer_at.is_none_or(|at| now.monotonic >= at) {
            Decision::FetchAndWait(FetchReason::Rejected)
        } else if is_stale {
            Decision::FetchAndWait(FetchReason::Expiring)
        } else if is_reached(held.refresh, now) {
            Decision::ServeAndFetch(FetchReason::Expiring)
        } else {
            Decision::Serve
        }
    }

    /// The flight brought a credential. `random` is the jitter's.
    pub(super) fn fetched(&mut self, fetched: Fetched, now: Moment, random: u64) -> Reception {
        self.in_flight = false;
        let generation = match self.held {
            Some(held) if !fetched.is_new => held.generation,
            _ => self.latest.next(),
        };
        let lifetime = fetched
            .expires_at
            .map(|at| Duration::try_from(at.duration_since(now.wall)).unwrap_or_default());
        if lifetime == Some(Duration::ZERO) {
            self.latest = generation;
            self.back_off(now, random);
            return Reception::ExpiredOnArrival(generation);
        }
        self.latest = generation;
        self.failures = 0;
        self.retry_at = None;
        let used_for = [lifetime, fetched.look_again_after].into_iter().flatten().min();
        self.held = Some(Held {
            generation,
            refresh: used_for
                .map(|span| Deadline::after(now, span.saturating_sub(early_window(span, random)))),
            stale: fetched.look_again_after.map(|span| Deadline::after(now, span)),
            expiry: fetched.expires_at.zip(lifetime).map(|(at, span)| Deadline {
                wall: at,
                ..Deadline::after(now, span)
            }),
            is_rejected: false,
        });
        Reception::Keep(generation)
    }

    /// The flight failed.
    pub(super) fn failed(&mut self, now: Moment, random: u64) {
        self.in_flight = false;
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
        self.held.is_some_and(|held| !is_reached(held.expiry, now))
    }

    /// How many fetches have failed since the last that did not.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Until when asking would do nothing but serve what is held.
    pub(super) fn quiet(&self) -> Quiet {
        let Some(held) = self.held else {
            return Quiet::NEVER;
        };
        let mut quiet = Quiet::FOREVER;
        let mut ends_at = |deadline: Deadline| {
            quiet.monotonic = quiet.monotonic.min(deadline.monotonic);
            quiet.wall = quiet.wall.min(deadline.wall);
        };
        held.expiry.into_iter().for_each(&mut ends_at);
        if self.in_flight {
            // Those who want a newer one wait for it; the others have nothing to do until it comes.
            if held.is_rejected {
                return Quiet::NEVER;
            }
            held.stale.into_iter().for_each(&mut ends_at);
        } else if let Some(at) = self.retry_at {
            quiet.monotonic = quiet.monotonic.min(at);
        } else {
            held.refresh.into_iter().chain(held.stale).for_each(&mut ends_at);
            if held.is_rejected {
                quiet.monotonic = quiet.monotonic.min(self.next_answer_at.unwrap_or_default());
            }
        }
        quiet
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
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        let span = Duration::from_secs(seconds);
        Moment {
            wall: Timestamp::UNIX_EPOCH + span,
            monotonic: span,
        }
    }

    fn expiring(seconds: u64) -> Fetched {
        Fetched {
            expires_at: Some(at(seconds).wall),
            look_again_after: None,
            is_new: true,
        }
    }

    fn with_first(fetched: Fetched) -> Machine {
        let mut machine = Machine::default();
        assert_eq!(machine.ask(at(0)), Decision::FetchAndWait(FetchReason::First));
        assert_eq!(
            machine.fetched(fetched, at(0), 0),
            Reception::Keep(Generation::default().next())
        );
        machine
    }

    #[test]
    fn a_refresh_starts_in_the_last_fifth_and_only_once() {
        let mut machine = with_first(expiring(1000));
        assert_eq!(machine.ask(at(799)), Decision::Serve);
        assert_eq!(
            machine.ask(at(800)),
            Decision::ServeAndFetch(FetchReason::Expiring)
        );
        assert_eq!(machine.ask(at(999)), Decision::Serve);
        assert_eq!(machine.ask(at(1000)), Decision::Wait);
    }

    #[test]
    fn the_window_has_its_bounds() {
        assert_eq!(
            early_window(Duration::from_secs(1), 0),
            Duration::from_millis(500)
        );
        assert_eq!(early_window(Duration::from_secs(30), 0), Duration::from_secs(10));
        assert_eq!(early_window(Duration::from_secs(100), 0), Duration::from_secs(20));
        assert_eq!(
            early_window(Duration::from_secs(86400), 0),
            Duration::from_secs(300)
        );
        assert_eq!(
            early_window(Duration::from_secs(100), 1000),
            Duration::from_secs(18)
        );
    }

    #[test]
    fn failures_back_off_and_nobody_storms() {
        let mut machine = Machine::default();
        let mut now = 0;
        for span in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(machine.ask(at(now)), Decision::FetchAndWait(FetchReason::First));
            machine.failed(at(now), 0);
            assert_eq!(machine.ask(at(now)), Decision::Refuse);
            now += span;
        }
        assert_eq!(machine.ask(at(now)), Decision::FetchAndWait(FetchReason::First));
        machine.fetched(expiring(now + 1000), at(now), 0);
        assert_eq!(machine.failures(), 0);
    }

    #[test]
    fn a_failed_refresh_keeps_serving_what_is_valid() {
        let mut machine = with_first(expiring(100));
        assert_eq!(
            machine.ask(at(80)),
            Decision::ServeAndFetch(FetchReason::Expiring)
        );
        machine.failed(at(81), 0);
        assert_eq!(machine.ask(at(81)), Decision::Serve);
        assert_eq!(
            machine.ask(at(82)),
            Decision::ServeAndFetch(FetchReason::Expiring)
        );
        machine.failed(at(99), 0);
        assert_eq!(machine.ask(at(100)), Decision::Refuse);
        assert_eq!(
            machine.ask(at(101)),
            Decision::FetchAndWait(FetchReason::Expiring)
        );
    }

    #[test]
    fn a_rejection_counts_once_and_for_its_generation_only() {
        let mut machine = with_first(Fetched {
            expires_at: None,
            look_again_after: None,
            is_new: true,
        });
        let first = Generation::default().next();
        assert!(!machine.rejected(first.next()));
        assert!(machine.rejected(first));
        assert!(!machine.rejected(first));
        assert_eq!(machine.ask(at(5)), Decision::FetchAndWait(FetchReason::Rejected));
        assert_eq!(machine.ask(at(5)), Decision::Wait);
        machine.fetched(
            Fetched {
                expires_at: None,
                look_again_after: None,
                is_new: true,
            },
            at(5),
            0,
        );
        assert!(!machine.rejected(first), "the old generation is stale");
        assert!(machine.rejected(first.next()));
        assert_eq!(
            machine.ask(at(6)),
            Decision::Serve,
            "one run in 10 s while rejections go on"
        );
        assert_eq!(machine.ask(at(15)), Decision::FetchAndWait(FetchReason::Rejected));
    }

    #[test]
    fn whichever_clock_says_expired_wins() {
        let mut suspended = with_first(expiring(1000));
        let woken = Moment {
            wall: at(50_000).wall,
            monotonic: Duration::from_secs(10),
        };
        assert_eq!(
            suspended.ask(woken),
            Decision::FetchAndWait(FetchReason::Expiring)
        );

        let mut set_back = with_first(expiring(1000));
        let later = Moment {
            wall: Timestamp::UNIX_EPOCH,
            monotonic: Duration::from_secs(1000),
        };
        assert_eq!(set_back.ask(later), Decision::FetchAndWait(FetchReason::Expiring));
    }

    #[test]
    fn expired_on_arrival_is_used_once_and_does_not_loop() {
        let mut machine = Machine::default();
        machine.ask(at(100));
        assert_eq!(
            machine.fetched(expiring(50), at(100), 0),
            Reception::ExpiredOnArrival(Generation::default().next())
        );
        assert_eq!(machine.ask(at(100)), Decision::Refuse);
        assert_eq!(machine.ask(at(101)), Decision::FetchAndWait(FetchReason::First));
    }

    #[test]
    fn what_is_to_be_looked_at_again_is_served_if_looking_fails() {
        let minute = Fetched {
            expires_at: None,
            look_again_after: Some(Duration::from_secs(60)),
            is_new: true,
        };
        let mut machine = with_first(minute);
        assert_eq!(machine.ask(at(47)), Decision::Serve);
        assert_eq!(
            machine.ask(at(48)),
            Decision::ServeAndFetch(FetchReason::Expiring)
        );
        assert_eq!(machine.ask(at(59)), Decision::Serve);
        assert_eq!(machine.ask(at(60)), Decision::Wait);
        machine.failed(at(60), 0);
        assert_eq!(machine.ask(at(60)), Decision::Serve);
        assert_eq!(machine.ask(at(61)), Decision::FetchAndWait(FetchReason::Expiring));
        machine.fetched(
            Fetched {
                is_new: false,
                ..minute
            },
            at(61),
            0,
        );
        assert_eq!(machine.ask(at(62)), Decision::Serve);
    }

    #[test]
    fn quiet_never_hides_a_decision() {
        // Whatever happens, a moment that is quiet is one at which asking serves.
        let mut random = 88_172_645_463_325_252_u64;
        let mut next = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        for _ in 0..2000 {
            let mut machine = Machine::default();
            let mut now = 0;
            for _ in 0..60 {
                now += next() % 40;
                if machine.quiet().holds_at(at(now)) {
                    assert_eq!(machine.decide(at(now)), Decision::Serve);
                }
                match next() % 4 {
                    0 => drop(machine.ask(at(now))),
                    1 if machine.in_flight => {
                        let expires_at = (next() & 1 == 0).then(|| at(now + next() % 300).wall);
                        let look_again_after =
                            (next() & 1 == 0).then(|| Duration::from_secs(next() % 60 + 1));
                        let is_new = next() & 1 == 0;
                        machine.fetched(
                            Fetched {
                                expires_at,
                                look_again_after,
                                is_new,
                            },
                            at(now),
                            next(),
                        );
                    }
                    2 if machine.in_flight => machine.failed(at(now), next()),
                    _ => drop(machine.rejected(machine.latest)),
                }
            }
        }
    }
}
