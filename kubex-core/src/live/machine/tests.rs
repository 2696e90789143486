//! The rules, one after the other, and by chance.

use super::*;

const WAIT_FOR_FIRST: Decision = Decision::FetchAndWait(FetchReason::First, Patience::UntilItEnds);
const WAIT_FOR_NEXT: Decision = Decision::FetchAndWait(FetchReason::Expiring, Patience::UntilItEnds);
const WAIT_BRIEFLY: Decision = Decision::FetchAndWait(FetchReason::Expiring, Patience::Briefly);

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
    assert_eq!(machine.ask(at(0)), WAIT_FOR_FIRST);
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
    assert_eq!(machine.ask(at(1000)), Decision::Wait(Patience::UntilItEnds));
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
        assert_eq!(machine.ask(at(now)), WAIT_FOR_FIRST);
        machine.failed(at(now), 0);
        assert_eq!(machine.ask(at(now)), Decision::Refuse);
        now += span;
    }
    assert_eq!(machine.ask(at(now)), WAIT_FOR_FIRST);
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
    assert_eq!(machine.ask(at(101)), WAIT_FOR_NEXT);
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
    assert_eq!(
        machine.ask(at(5)),
        Decision::FetchAndWait(FetchReason::Rejected, Patience::UntilItEnds)
    );
    assert_eq!(machine.ask(at(5)), Decision::Wait(Patience::UntilItEnds));
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
    assert_eq!(
        machine.ask(at(15)),
        Decision::FetchAndWait(FetchReason::Rejected, Patience::UntilItEnds)
    );
}

#[test]
fn whichever_clock_says_expired_wins() {
    let mut suspended = with_first(expiring(1000));
    let woken = Moment {
        wall: at(50_000).wall,
        monotonic: Duration::from_secs(10),
    };
    assert_eq!(suspended.ask(woken), WAIT_FOR_NEXT);

    let mut set_back = with_first(expiring(1000));
    let later = Moment {
        wall: Timestamp::UNIX_EPOCH,
        monotonic: Duration::from_secs(1000),
    };
    assert_eq!(set_back.ask(later), WAIT_FOR_NEXT);
}

#[test]
fn expired_on_arrival_is_used_once_and_does_not_loop() {
    let mut machine = Machine::default();
    machine.ask(at(100));
    assert_eq!(
        machine.fetched(expiring(50), at(100), 0),
        Reception::UseOnce(Generation::default().next())
    );
    assert_eq!(machine.ask(at(100)), Decision::Refuse);
    assert_eq!(machine.ask(at(101)), WAIT_FOR_FIRST);
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
    assert_eq!(
        machine.ask(at(60)),
        Decision::Serve,
        "the look has been under way for too long to wait for it"
    );
    machine.failed(at(60), 0);
    assert_eq!(machine.ask(at(60)), Decision::Serve);
    assert_eq!(
        machine.ask(at(61)),
        Decision::ServeAndFetch(FetchReason::Expiring),
        "nor is the next one waited for"
    );
    machine.failed(at(61), 0);
    assert_eq!(machine.ask(at(62)), Decision::Serve);
    assert_eq!(
        machine.ask(at(63)),
        WAIT_BRIEFLY,
        "a quick failure is no reason not to"
    );
    assert_eq!(machine.ask(at(63)), Decision::Wait(Patience::Briefly));
    machine.fetched(
        Fetched {
            is_new: false,
            ..minute
        },
        at(63),
        0,
    );
    assert_eq!(machine.ask(at(64)), Decision::Serve);
}

#[test]
fn a_generation_is_new_after_one_that_was_used_once() {
    let mut machine = with_first(expiring(100));
    let (first, second) = (Generation::default().next(), Generation::default().next().next());
    machine.ask(at(100));
    assert_eq!(
        machine.fetched(expiring(99), at(100), 0),
        Reception::UseOnce(second)
    );
    machine.ask(at(101));
    let again = Fetched {
        is_new: false,
        ..expiring(500)
    };
    assert_eq!(machine.fetched(again, at(101), 0), Reception::Keep(second.next()));
    assert!(!machine.rejected(first));
    machine.ask(at(400));
    assert_eq!(machine.fetched(again, at(400), 0), Reception::Keep(second.next()));
}

#[test]
fn what_came_expired_leaves_a_good_one_in_place_and_not_a_rejected_one() {
    for is_rejected in [false, true] {
        let mut machine = with_first(expiring(1000));
        let first = Generation::default().next();
        assert!(machine.rejected(first));
        machine.ask(at(500));
        machine.fetched(expiring(2000), at(500), 0);
        if is_rejected {
            machine.rejected(first.next());
        }
        machine.ask(at(1900));
        let expected = if is_rejected {
            Reception::UseOnce(first.next().next())
        } else {
            Reception::KeepTheOld
        };
        assert_eq!(machine.fetched(expiring(50), at(1900), 0), expected);
        assert!(machine.has_valid(at(1900)));
    }
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
                1 if machine.flying.is_some() => {
                    let expires_at = (next() & 1 == 0).then(|| at(now + next() % 300).wall);
                    let look_again_after = (next() & 1 == 0).then(|| Duration::from_secs(next() % 60 + 1));
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
                2 if machine.flying.is_some() => machine.failed(at(now), next()),
                _ => drop(machine.rejected(machine.latest)),
            }
        }
    }
}
