//! The tasks are on two runtimes, of which one stops.

use super::*;

#[test]
fn a_runtime_that_stops_holds_up_no_caller_on_another_one() {
    many_schedules(|| {
        let world = World::with_stopping_runtime([Fetch::New(Some(1_000_000))]);
        let served = Arc::new(AtomicUsize::new(0));
        let first = {
            let world = Arc::clone(&world);
            task(async move { drop(world.current_on(Runtime::Stopping).await) })
        };
        let others = (0..2).map(|_| {
            let (world, served) = (Arc::clone(&world), Arc::clone(&served));
            task(async move {
                let token = world.current_on(Runtime::Running).await.unwrap();
                assert!(
                    token.expires_at.unwrap() > world.now().wall,
                    "an expired token was served"
                );
                let again = world.current_on(Runtime::Running).await.unwrap();
                assert!(again.generation >= token.generation, "an older token came back");
                served.fetch_add(1, Ordering::SeqCst);
            })
        });
        let mut tasks: Vec<_> = others.collect();
        let clock = {
            let (world, served) = (Arc::clone(&world), Arc::clone(&served));
            task(async move {
                world.stands_still.store(true, Ordering::SeqCst);
                // Both are served, however long the first runtime stands still.
                while served.load(Ordering::SeqCst) < 2 {
                    world.seconds.fetch_add(10, Ordering::SeqCst);
                    shuttle::future::yield_now().await;
                }
            })
        };
        tasks.push(clock);
        run(tasks);
        assert_eq!(served.load(Ordering::SeqCst), 2);
        let held = world.shared.held().unwrap().generation;

        // When the runtime goes on, its late result displaces nothing.
        world.stands_still.store(false, Ordering::SeqCst);
        run(vec![first]);
        world.assert_settled();
        assert_eq!(
            world.shared.held().unwrap().generation,
            held,
            "a late result was used"
        );
    });
}

#[test]
fn a_caller_with_an_expired_token_takes_over_from_a_runtime_that_stopped() {
    many_schedules(|| {
        let world = World::with_stopping_runtime([Fetch::New(Some(5)), Fetch::New(None)]);
        shuttle::future::block_on(world.current()).unwrap();
        world.seconds.store(6, Ordering::SeqCst);
        world.stands_still.store(true, Ordering::SeqCst);
        // It asks and stops before its fetch begins.
        let Access::Wait(_) = world.request(Runtime::Stopping) else {
            panic!("there is nothing valid to serve");
        };
        let others = (0..2).map(|_| {
            let world = Arc::clone(&world);
            task(async move {
                assert!(
                    world
                        .current_on(Runtime::Running)
                        .await
                        .unwrap()
                        .expires_at
                        .is_none()
                );
            })
        });
        let mut tasks: Vec<_> = others.collect();
        let clock = Arc::clone(&world);
        tasks.push(task(async move {
            for _ in 0..11 {
                clock.seconds.fetch_add(10, Ordering::SeqCst);
                shuttle::future::yield_now().await;
            }
        }));
        run(tasks);
        assert_eq!(world.fetches(), 2, "one of them took over");
        world.stands_still.store(false, Ordering::SeqCst);
        world.assert_settled();
    });
}
