//! Each rule by an example, and all of them by random sequences.

use super::*;

const WAIT_FOR_FIRST: Decision = Decision::FetchAndWait(FetchReason::First, WaitMode::UntilItEnds);
const WAIT_FOR_NEXT: Decision = Decision::FetchAndWait(FetchReason::Expiring, WaitMode::UntilItEnds);
const WAIT_BRIEFLY: Decision = Decision::FetchAndWait(FetchReason::Expiring, WaitMode::Briefly);

const LIMIT: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Moment {
    let span = Duration::from_secs(seconds);
    Moment {
        wall: SystemTime::UNIX_EPOCH + span,
        monotonic: span,
    }
}

fn expiring(seconds: u64) -> Fetched {
    Fetched {
        expires_at: Some(at(seconds).wall),
        renew_by: None,
        revalidate_after: None,
        is_new: true,
    }
}

fn with_first(fetched: Fetched) -> RefreshPolicy {
    let mut policy = RefreshPolicy::default();
    assert_eq!(policy.request(at(0), LIMIT), WAIT_FOR_FIRST);
    assert_eq!(
        policy.fetched(fetched, at(0), 0),
        FetchOutcome::Keep(Generation::default().next())
    );
    policy
}

#[test]
fn a_refresh_starts_in_the_last_fifth_and_only_once() {
    let mut policy = with_first(expiring(1000));
    assert_eq!(policy.request(at(799), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(800), LIMIT),
        Decision::ServeAndFetch(FetchReason::Expiring)
    );
    assert_eq!(policy.request(at(999), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(1000), LIMIT),
        Decision::Wait(WaitMode::UntilItEnds)
    );
}

#[test]
fn the_early_window_has_a_minimum_and_a_maximum() {
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
fn a_fetch_that_does_not_end_is_lost_and_the_next_one_starts_at_once() {
    let mut policy = RefreshPolicy::default();
    policy.request(at(0), LIMIT);
    let lost = policy.in_flight().unwrap();
    assert!(
        policy.give_up_lost(at(30)).is_none(),
        "it may still be about to end"
    );
    assert_eq!(
        policy.request(at(30), LIMIT),
        Decision::Wait(WaitMode::UntilItEnds)
    );
    assert_eq!(policy.give_up_lost(at(31)).unwrap().number, lost.number);
    assert_eq!(policy.request(at(31), LIMIT), WAIT_FOR_FIRST);
    assert_ne!(policy.in_flight().unwrap().number, lost.number);
    assert!(
        !policy.give_up(lost.number),
        "the lost one cannot end the new one"
    );
    assert_eq!(policy.failures(), 0, "it says nothing about the source");
}

#[test]
fn a_fetch_that_is_ending_what_it_started_is_not_lost() {
    let mut policy = RefreshPolicy::default();
    policy.request(at(0), LIMIT);
    let number = policy.in_flight().unwrap().number;
    policy.extend(number, at(30), Duration::from_secs(5));
    assert!(policy.give_up_lost(at(35)).is_none());
    assert_eq!(
        policy.request(at(35), LIMIT),
        Decision::Wait(WaitMode::UntilItEnds)
    );
    assert!(policy.give_up_lost(at(36)).is_some());
    policy.extend(number, at(36), Duration::from_secs(5));
    assert!(policy.in_flight().is_none());
}

#[test]
fn a_background_refresh_that_is_lost_is_noticed_while_the_old_value_is_served() {
    let mut policy = with_first(expiring(1000));
    policy.request(at(800), LIMIT);
    assert!(policy.fresh_until().holds_at(at(830).into()));
    assert!(!policy.fresh_until().holds_at(at(831).into()));
    policy.give_up_lost(at(831)).unwrap();
    assert_eq!(
        policy.request(at(831), LIMIT),
        Decision::ServeAndFetch(FetchReason::Expiring)
    );
}

#[test]
fn a_lost_fetch_for_a_rejection_does_not_use_up_the_next_one() {
    let mut policy = with_first(expiring(1000));
    assert!(policy.rejected(Generation::default().next(), false));
    let rejected = Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds);
    assert_eq!(policy.request(at(1), LIMIT), rejected);
    assert!(policy.give_up(policy.in_flight().unwrap().number));
    assert_eq!(policy.request(at(2), LIMIT), rejected);
}

#[test]
fn repeated_failures_back_off_up_to_a_minute() {
    let mut policy = RefreshPolicy::default();
    let mut now = 0;
    for span in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(policy.request(at(now), LIMIT), WAIT_FOR_FIRST);
        policy.failed(at(now), 0);
        assert_eq!(policy.request(at(now), LIMIT), Decision::ReturnLastError);
        now += span;
    }
    assert_eq!(policy.request(at(now), LIMIT), WAIT_FOR_FIRST);
    policy.fetched(expiring(now + 1000), at(now), 0);
    assert_eq!(policy.failures(), 0);
}

#[test]
fn a_failed_refresh_keeps_serving_a_valid_credential() {
    let mut policy = with_first(expiring(100));
    assert_eq!(
        policy.request(at(80), LIMIT),
        Decision::ServeAndFetch(FetchReason::Expiring)
    );
    policy.failed(at(81), 0);
    assert_eq!(policy.request(at(81), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(82), LIMIT),
        Decision::ServeAndFetch(FetchReason::Expiring)
    );
    policy.failed(at(99), 0);
    assert_eq!(policy.request(at(100), LIMIT), Decision::ReturnLastError);
    assert_eq!(policy.request(at(101), LIMIT), WAIT_FOR_NEXT);
}

#[test]
fn a_rejection_counts_once_and_for_its_generation_only() {
    let mut policy = with_first(Fetched {
        expires_at: None,
        renew_by: None,
        revalidate_after: None,
        is_new: true,
    });
    let first = Generation::default().next();
    assert!(!policy.rejected(first.next(), false));
    assert!(policy.rejected(first, false));
    assert!(!policy.rejected(first, false));
    assert_eq!(
        policy.request(at(5), LIMIT),
        Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds)
    );
    assert_eq!(
        policy.request(at(5), LIMIT),
        Decision::Wait(WaitMode::UntilItEnds)
    );
    policy.fetched(
        Fetched {
            expires_at: None,
            renew_by: None,
            revalidate_after: None,
            is_new: true,
        },
        at(5),
        0,
    );
    assert!(!policy.rejected(first, false), "the old generation is stale");
    assert!(policy.rejected(first.next(), false));
    assert_eq!(
        policy.request(at(6), LIMIT),
        Decision::Serve,
        "one fetch in 10 s while rejections continue"
    );
    assert_eq!(
        policy.request(at(15), LIMIT),
        Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds)
    );
}

#[test]
fn a_credential_expires_as_soon_as_one_clock_reaches_its_end() {
    let mut suspended = with_first(expiring(1000));
    let woken = Moment {
        wall: at(50_000).wall,
        monotonic: Duration::from_secs(10),
    };
    assert_eq!(suspended.request(woken, LIMIT), WAIT_FOR_NEXT);

    let mut set_back = with_first(expiring(1000));
    let later = Moment {
        wall: SystemTime::UNIX_EPOCH,
        monotonic: Duration::from_secs(1000),
    };
    assert_eq!(set_back.request(later, LIMIT), WAIT_FOR_NEXT);
}

#[test]
fn expired_on_arrival_is_used_once_and_does_not_loop() {
    let mut policy = RefreshPolicy::default();
    policy.request(at(100), LIMIT);
    assert_eq!(
        policy.fetched(expiring(50), at(100), 0),
        FetchOutcome::UseOnce(Generation::default().next())
    );
    assert_eq!(policy.request(at(100), LIMIT), Decision::ReturnLastError);
    assert_eq!(policy.request(at(101), LIMIT), WAIT_FOR_FIRST);
}

#[test]
fn a_value_whose_revalidation_fails_is_still_served() {
    let minute = Fetched {
        expires_at: None,
        renew_by: None,
        revalidate_after: Some(Duration::from_secs(60)),
        is_new: true,
    };
    let mut policy = with_first(minute);
    assert_eq!(policy.request(at(47), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(48), LIMIT),
        Decision::ServeAndFetch(FetchReason::Expiring)
    );
    assert_eq!(policy.request(at(59), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(60), LIMIT),
        Decision::Serve,
        "the revalidation has been under way for too long to wait for it"
    );
    policy.failed(at(60), 0);
    assert_eq!(policy.request(at(60), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(61), LIMIT),
        Decision::ServeAndFetch(FetchReason::Expiring),
        "callers do not wait for the next one either"
    );
    policy.failed(at(61), 0);
    assert_eq!(policy.request(at(62), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(63), LIMIT),
        WAIT_BRIEFLY,
        "callers wait again after a quick failure"
    );
    assert_eq!(policy.request(at(63), LIMIT), Decision::Wait(WaitMode::Briefly));
    policy.fetched(
        Fetched {
            is_new: false,
            ..minute
        },
        at(63),
        0,
    );
    assert_eq!(policy.request(at(64), LIMIT), Decision::Serve);
}

#[test]
fn a_value_gets_a_new_generation_after_one_that_was_used_once() {
    let mut policy = with_first(expiring(100));
    let (first, second) = (Generation::default().next(), Generation::default().next().next());
    policy.request(at(100), LIMIT);
    assert_eq!(
        policy.fetched(expiring(99), at(100), 0),
        FetchOutcome::UseOnce(second)
    );
    policy.request(at(101), LIMIT);
    let again = Fetched {
        is_new: false,
        ..expiring(500)
    };
    assert_eq!(
        policy.fetched(again, at(101), 0),
        FetchOutcome::Keep(second.next())
    );
    assert!(!policy.rejected(first, false));
    policy.request(at(400), LIMIT);
    assert_eq!(
        policy.fetched(again, at(400), 0),
        FetchOutcome::Keep(second.next())
    );
}

#[test]
fn a_value_expired_on_arrival_replaces_only_a_rejected_one() {
    for is_rejected in [false, true] {
        let mut policy = with_first(expiring(1000));
        let first = Generation::default().next();
        assert!(policy.rejected(first, false));
        policy.request(at(500), LIMIT);
        policy.fetched(expiring(2000), at(500), 0);
        if is_rejected {
            policy.rejected(first.next(), false);
        }
        policy.request(at(1900), LIMIT);
        let expected = if is_rejected {
            FetchOutcome::UseOnce(first.next().next())
        } else {
            FetchOutcome::KeepPrevious
        };
        assert_eq!(policy.fetched(expiring(50), at(1900), 0), expected);
        assert!(policy.has_valid(at(1900)));
    }
}

#[test]
fn freshness_never_hides_a_decision() {
    // While `fresh_until` holds, a request is always answered with the held value.
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
            if policy.fresh_until().holds_at(at(now).into()) {
                assert_eq!(policy.decide(at(now)), Decision::Serve);
            }
            match next() % 4 {
                0 => drop(policy.request(at(now), LIMIT)),
                1 if policy.in_flight.is_some() => {
                    let expires_at = (next() & 1 == 0).then(|| at(now + next() % 300).wall);
                    let revalidate_after = (next() & 1 == 0).then(|| Duration::from_secs(next() % 60 + 1));
                    let is_new = next() & 1 == 0;
                    policy.fetched(
                        Fetched {
                            expires_at,
                            renew_by: None,
                            revalidate_after,
                            is_new,
                        },
                        at(now),
                        next(),
                    );
                }
                2 if policy.in_flight.is_some() => policy.failed(at(now), next()),
                _ => drop(policy.rejected(policy.latest, false)),
            }
        }
    }
}

#[test]
fn a_rejected_value_that_was_accepted_is_replaced_at_once() {
    let rejected = Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds);
    let mut policy = with_first(expiring(100_000));
    let mut generation = Generation::default().next();
    for second in 1..=10 {
        assert!(policy.rejected(generation, true));
        assert_eq!(policy.request(at(second), LIMIT), rejected, "rejection {second}");
        assert_eq!(
            policy.fetched(expiring(100_000), at(second), 0),
            FetchOutcome::Keep(generation.next())
        );
        generation = generation.next();
    }
    assert!(policy.rejected(generation, false));
    assert_eq!(policy.request(at(11), LIMIT), Decision::Serve, "it never worked");
    assert_eq!(policy.request(at(20), LIMIT), rejected);
}

#[test]
fn an_acceptance_counts_although_the_rejection_came_first() {
    let mut policy = with_first(expiring(100_000));
    let first = Generation::default().next();
    policy.rejected(first, false);
    policy.request(at(1), LIMIT);
    policy.fetched(expiring(100_000), at(1), 0);
    assert!(policy.rejected(first.next(), false));
    assert_eq!(policy.request(at(2), LIMIT), Decision::Serve);
    assert!(!policy.rejected(first.next(), true));
    assert_eq!(
        policy.request(at(2), LIMIT),
        Decision::FetchAndWait(FetchReason::Rejected, WaitMode::UntilItEnds)
    );
}

#[test]
fn a_certificate_is_renewed_before_it_expires_and_offered_afterwards() {
    let certificate = |seconds: u64, is_new: bool| Fetched {
        expires_at: None,
        renew_by: Some(at(seconds).wall),
        revalidate_after: None,
        is_new,
    };
    let refresh = Decision::ServeAndFetch(FetchReason::Expiring);
    let mut policy = with_first(certificate(1000, true));
    assert_eq!(policy.request(at(799), LIMIT), Decision::Serve);
    assert_eq!(policy.request(at(800), LIMIT), refresh);
    policy.fetched(certificate(1000, false), at(800), 0);
    assert_eq!(policy.request(at(959), LIMIT), Decision::Serve);
    assert_eq!(
        policy.request(at(960), LIMIT),
        refresh,
        "the fifth of what is left"
    );
    policy.fetched(certificate(1000, false), at(1000), 0);
    assert_eq!(policy.request(at(1059), LIMIT), Decision::Serve, "overdue");
    assert_eq!(policy.request(at(1060), LIMIT), refresh);
    assert!(policy.has_valid(at(1_000_000)));
}
