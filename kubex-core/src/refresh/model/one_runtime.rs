//! All tasks are on one runtime.

use super::*;
use crate::faults::give_up_after;
use shuttle::check_dfs;

#[test]
fn a_cold_start_is_one_fetch() {
    check_dfs(
        || {
            let world = World::with_script([Fetch::New(None)]);
            let tasks = (0..2)
                .map(|_| task(Arc::clone(&world).use_token(1, false)))
                .collect();
            run(tasks);
            assert_eq!(world.fetches(), 1);
            world.assert_settled();
        },
        Some(SCHEDULES),
    );
    many_schedules(|| {
        let world = World::with_script([Fetch::New(None)]);
        let tasks = (0..3)
            .map(|_| task(Arc::clone(&world).use_token(2, false)))
            .collect();
        run(tasks);
        assert_eq!(world.fetches(), 1);
        world.assert_settled();
    });
}

#[test]
fn any_number_of_rejections_is_one_fetch_in_ten_seconds() {
    many_schedules(|| {
        let world = World::with_script([Fetch::New(None)]);
        let tasks = (0..3)
            .map(|_| task(Arc::clone(&world).use_token(3, true)))
            .collect();
        run(tasks);
        assert_eq!(world.fetches_because(FetchReason::First), 1);
        assert!(
            world.fetches_because(FetchReason::Rejected) <= 1,
            "more than one fetch for rejections"
        );
        assert_eq!(world.fetches(), 2);
        world.assert_settled();
    });
}

#[test]
fn a_rejection_is_never_forgotten() {
    many_schedules(|| {
        let world = World::with_script([Fetch::New(Some(100)), Fetch::First, Fetch::New(None)]);
        let first = shuttle::future::block_on(world.current()).unwrap().generation;
        world.seconds.store(90, Ordering::SeqCst);
        let rejector = {
            let world = Arc::clone(&world);
            task(async move {
                world.shared.reject(first);
            })
        };
        run(vec![
            task(Arc::clone(&world).use_token(1, false)),
            rejector,
            task(Arc::clone(&world).use_token(1, false)),
        ]);
        let last = shuttle::future::block_on(world.current()).unwrap();
        // Whether the rejection came before, during or after the refresh: either it caused a fetch, or the refresh
        // returned a different token.
        assert!(
            world.fetches_because(FetchReason::Rejected) == 1 || last.generation > first,
            "the rejected token is still served"
        );
        world.assert_settled();
    });
}

#[test]
fn expiry_failures_and_late_tokens_leave_no_caller_waiting() {
    many_schedules(|| {
        let world = World::with_script([
            Fetch::New(Some(20)),
            Fetch::Fails,
            Fetch::New(Some(0)),
            Fetch::New(Some(20)),
        ]);
        let clock = {
            let world = Arc::clone(&world);
            task(async move {
                for _ in 0..8 {
                    world.seconds.fetch_add(4, Ordering::SeqCst);
                    shuttle::future::yield_now().await;
                }
            })
        };
        run(vec![
            task(Arc::clone(&world).use_token(4, false)),
            task(Arc::clone(&world).use_token(4, true)),
            clock,
        ]);
        world.assert_settled();
    });
}

#[test]
fn a_caller_that_gives_up_does_not_cancel_the_fetch() {
    many_schedules(|| {
        let world = World::with_script([Fetch::New(None)]);
        let mut tasks = Vec::new();
        for polls in 0..2 {
            let world = Arc::clone(&world);
            tasks.push(task(async move { give_up_after(polls, world.current()).await }));
        }
        tasks.push(task(Arc::clone(&world).use_token(1, false)));
        run(tasks);
        assert_eq!(world.fetches(), 1);
        world.assert_settled();
    });
}

#[test]
fn subscribers_are_notified_of_the_newest_generation_and_never_of_an_older_one() {
    many_schedules(|| {
        let world = Arc::new(World {
            completes_late: true,
            ..World::new([Fetch::New(Some(2))])
        });
        let tasks = (0..3).map(|_| {
            let world = Arc::clone(&world);
            task(async move {
                for _ in 0..3 {
                    world.seconds.fetch_add(2, Ordering::SeqCst);
                    Arc::clone(&world).use_token(1, false).await;
                }
            })
        });
        run(tasks.collect());
        world.assert_settled();
    });
}
