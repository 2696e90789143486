//! The rules, one after the other, and by chance.

use super::*;

const WAIT_FOR_FIRST: Decision = Decision::FetchAndWait(FetchReason::First, WaitMode::UntilItEnds);
const WAIT_FOR_NEXT: Decision = Decision::FetchAndWait(FetchReason::Expiring, WaitMode::UntilItEnds);
const WAIT_BRIEFLY: Decision = Decision::FetchAndWait(FetchReason::Expiring, WaitMode::Briefly);

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
        revalidate_after: None,
        is_new: true,
    }
}

fn with_first(fetched: Fetched) -> RefreshPolicy {
    let mut policy = RefreshPolicy::default();
    assert_eq!(policy.ask(at(0)), WAIT_FOR_FIRST);
    assert_eq!(
        policy.fetched(fetched, at(0), 0),
        FetchOutcome::Keep(Generation::default().next())
    );
    policy
}

#[test]
fn a_refresh_starts_in_the_last_fifth_and_only_once() {
    let mut policy = with_first(expiring(1000));
    assert_eq!(policy.ask(at(799)), Decision::Serve);
    assert_eq!(
        policy.ask(at(800)),
        Decision::ServeAndFetch(FetchReason::Expiring)
    );
    assert_eq!(policy.ask(at(999)), Decision::Serve);
    assert_eq!(policy.ask(at(1000)), Decision::Wait(WaitMode::UntilItEnds));
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
    let mut policy = RefreshPolicy::default();
    let mut now = 0;
    for span in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(policy.ask(at(now)), WAIT_FOR_FIRST);
        policy.failed(at(now), 0);
        assert_eq!(policy.ask(at(now)), Decision::Refuse);
        now += span;
    }
    assert_eq!(policy.ask(at(now)), WAIT_FOR_FIRST);
    policy.fetched(expiring(now + 1000), at(now), 0);
    assert_eq!(policy.failures(), 0);
}

#[test]
fn a_failed_refresh_keeps_serving_what_is_valid() {
    let mut policy = with_first(expiring(100));
    assert_eq!(policy.ask(at(80)), Decision::ServeAndFetch(FetchReason::Expiring));
    policy.failed(at(81), 0);
    assert_eq!(policy.ask(at(81)), Decision::Serve);
    assert_eq!(policy.ask(at(82)), Decision::ServeAndFetch(FetchReason::Expiring));
    policy.failed(at(99), 0);
    assert_eq!(policy.ask(at(100)), Decision::Refuse);
    assert_eq!(policy.ask(at(101)), WAIT_FOR_NEXT);
}

#[test]
fn a_rejection_counts_once_and_for_its_generation_only() {
    let mut policy = with_first(Fetched {
        expires_at: None,
        revalidate_after: None,
        is_new: true,
    });
    let first = Generation::default().next();
    assert!(!policy.rejected(first.next()));
    assert!(policy.rejected(first));
    assert!(!policy.rejected(first));
    assert_eq!(
        policy.ask(at(5)),
        Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds)
    );
    assert_eq!(policy.ask(at(5)), Decision::Wait(WaitMode::UntilItEnds));
    policy.fetched(
        Fetched {
            expires_at: None,
            revalidate_after: None,
            is_new: true,
        },
        at(5),
        0,
    );
    assert!(!policy.rejected(first), "the old generation is stale");
    assert!(policy.rejected(first.next()));
    assert_eq!(
        policy.ask(at(6)),
        Decision::Serve,
        "one run in 10 s while rejections go on"
    );
    assert_eq!(
        policy.ask(at(15)),
        Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds)
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
    let mut policy = RefreshPolicy::default();
    policy.ask(at(100));
    assert_eq!(
        policy.fetched(expiring(50), at(100), 0),
        FetchOutcome::UseOnce(Generation::default().next())
    );
    assert_eq!(policy.ask(at(100)), Decision::Refuse);
    assert_eq!(policy.ask(at(101)), WAIT_FOR_FIRST);
}

#[test]
fn what_is_to_be_looked_at_again_is_served_if_looking_fails() {
    let minute = Fetched {
        expires_at: None,
        revalidate_after: Some(Duration::from_secs(60)),
        is_new: true,
    };
    let mut policy = with_first(minute);
    assert_eq!(policy.ask(at(47)), Decision::Serve);
    assert_eq!(policy.ask(at(48)), Decision::ServeAndFetch(FetchReason::Expiring));
    assert_eq!(policy.ask(at(59)), Decision::Serve);
    assert_eq!(
        policy.ask(at(60)),
        Decision::Serve,
        "the look has been under way for too long to wait for it"
    );
    policy.failed(at(60), 0);
    assert_eq!(policy.ask(at(60)), Decision::Serve);
    assert_eq!(
        policy.ask(at(61)),
        Decision::ServeAndFetch(FetchReason::Expiring),
        "nor is the next one waited for"
    );
    policy.failed(at(61), 0);
    assert_eq!(policy.ask(at(62)), Decision::Serve);
    assert_eq!(
        policy.ask(at(63)),
        WAIT_BRIEFLY,
        "a quick failure is no reason not to"
    );
    assert_eq!(policy.ask(at(63)), Decision::Wait(WaitMode::Briefly));
    policy.fetched(
        Fetched {
            is_new: false,
            ..minute
        },
        at(63),
        0,
    );
    assert_eq!(policy.ask(at(64)), Decision::Serve);
}

#[test]
fn a_generation_is_new_after_one_that_was_used_once() {
    let mut policy = with_first(expiring(100));
    let (first, second) = (Generation::default().next(), Generation::default().next().next());
    policy.ask(at(100));
    assert_eq!(
        policy.fetched(expiring(99), at(100), 0),
        FetchOutcome::UseOnce(second)
    );
    policy.ask(at(101));
    let again = Fetched {
        is_new: false,
        ..expiring(500)
    };
    assert_eq!(
        policy.fetched(again, at(101), 0),
        FetchOutcome::Keep(second.next())
    );
    assert!(!policy.rejected(first));
    policy.ask(at(400));
    assert_eq!(
        policy.fetched(again, at(400), 0),
        FetchOutcome::Keep(second.next())
    );
}

#[test]
fn what_came_expired_leaves_a_good_one_in_place_and_not_a_rejected_one() {
    for is_rejected in [false, true] {
        let mut policy = with_first(expiring(1000));
        let first = Generation::default().next();
        assert!(policy.rejected(first));
        policy.ask(at(500));
        policy.fetched(expiring(2000), at(500), 0);
        if is_rejected {
            policy.rejected(first.next());
        }
        policy.ask(at(1900));
        let expected = if is_rejected {
            FetchOutcome::UseOnce(first.next().next())
        } else {
            FetchOutcome::KeepTheOld
        };
        assert_eq!(policy.fetched(expiring(50), at(1900), 0), expected);
        assert!(policy.has_valid(at(1900)));
    }
}

#[test]
fn quiet_never_hides_a_decision() {
    // Whatever happens, a moment that is fresh_until is one at which asking serves.
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..2000 {
        let mut policy = RefreshPolicy::default();
        let mut now = 0;
        for _ in 0..60 {
            now += next() % 40;
            if policy.fresh_until().holds_at(at(now)) {
                assert_eq!(policy.decide(at(now)), Decision::Serve);
            }
            match next() % 4 {
                0 => drop(policy.ask(at(now))),
                1 if policy.in_flight.is_some() => {
                    let expires_at = (next() & 1 == 0).then(|| at(now + next() % 300).wall);
                    let revalidate_after = (next() & 1 == 0).then(|| Duration::from_secs(next() % 60 + 1));
                    let is_new = next() & 1 == 0;
                    policy.fetched(
                        Fetched {
                            expires_at,
                            revalidate_after,
                            is_new,
                        },
                        at(now),
                        next(),
                    );
                }
                2 if policy.in_flight.is_some() => policy.failed(at(now), next()),
                _ => drop(policy.rejected(policy.latest)),
            }
        }
    }
}
