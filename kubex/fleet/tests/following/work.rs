//! The timer of a fleet and its tasks: on runtimes that end or stand still, and with members that hang.

use super::*;

#[test]
fn the_timer_moves_on_when_its_runtime_is_shut_down() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let first = runtime();
    let fleet = first
        .block_on(builder(&world).input(Input::kubeconfig("mine", PATH)).start())
        .unwrap();
    drop(first);
    world.write(PATH, &kubeconfig(&[("b", "https://b", "token-b")]));
    runtime().block_on(async {
        assert!(fleet.get("mine/a").is_some());
        after_a_minute(&world, &fleet).await;
        assert!(fleet.get("mine/a").is_none());
        assert!(fleet.get("mine/b").is_some());
    });
}

#[tokio::test]
async fn a_fleet_that_is_dropped_leaves_no_task_behind() {
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let fleet = started(&world).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 1, "one timer");
    let member = fleet.get("mine/a").unwrap();
    drop(fleet);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks(), 0);
    assert_eq!(token(member.configuration().unwrap()).await, "token-a");
}

/// A kubeconfig with these contexts, and some whose token file hangs.
fn with_hanging(whole: &[(&str, &str, &str)], hanging: usize) -> String {
    let names: Vec<_> = (0..hanging).map(|number| format!("hangs{number}")).collect();
    let mut contexts = whole.to_vec();
    contexts.extend(names.iter().map(|name| (&**name, "https://hangs", "hangs")));
    kubeconfig(&contexts).replace("token: hangs", "tokenFile: /nfs/token")
}

#[tokio::test]
async fn members_that_hang_delay_no_other_of_their_input() {
    let world = SimulatedHost::new();
    world.hang("/nfs/token");
    world.write(PATH, &with_hanging(&[("a", "https://a", "token-1")], 1));
    let fleet = start_slowly(&world, builder(&world).input(Input::kubeconfig("mine", PATH))).await;
    let a = fleet.get("mine/a").unwrap();
    let credentials = a.configuration().unwrap().credentials();
    let held = credentials.current().await.unwrap();
    assert!(fleet.get("mine/hangs0").unwrap().configuration().is_err());

    // From here on, the broken member is being tried again.
    world.advance(MINUTE);
    pause().await;
    world.advance(Duration::from_secs(2));
    let contexts = [("a", "https://a", "token-2"), ("b", "https://b", "token-b")];
    world.write(PATH, &with_hanging(&contexts, 1));
    credentials.accept(held.generation());
    credentials.invalidate(held.generation());
    assert_eq!(token(a.configuration().unwrap()).await, "token-2");
    pause().await;
    assert!(fleet.get("mine/b").unwrap().configuration().is_ok());
}

#[tokio::test]
async fn a_fleet_that_is_dropped_while_its_members_are_resolved_stops() {
    let world = SimulatedHost::new();
    world.hang("/nfs/token");
    world.write(PATH, &with_hanging(&[], 100));
    let fleet = start_slowly(&world, builder(&world).input(Input::kubeconfig("mine", PATH))).await;
    let number = fleet.members().len();
    assert!((32..100).contains(&number), "{number}");
    drop(fleet);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // Those that are being resolved end within 5 s, and no others follow.
    for _ in 0..6 {
        world.advance(Duration::from_secs(1));
        pause().await;
    }
    assert_eq!(tasks(), 0);
}

#[test]
fn the_timer_moves_on_when_its_runtime_stands_still() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let objects = Objects::new();
    let first = runtime();
    let fleet = first.block_on(async {
        let fleet = builder(&world)
            .input(Input::kubeconfig("mine", PATH))
            .input(Input::objects("hub", &objects))
            .start();
        let fleet = fleet.await.unwrap();
        // The work at this object has begun when the runtime is left.
        objects.apply(secret("a", "token-a")).unwrap();
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        fleet
    });
    world.write(PATH, &kubeconfig(&[("b", "https://b", "token-b")]));
    runtime().block_on(async {
        // Two minutes without a tick, and the time in which work that has begun is left alone.
        for _ in 0..5 {
            after_minutes(&world, &fleet).await;
        }
        assert!(fleet.get("mine/a").is_none());
        assert!(fleet.get("mine/b").is_some());
        let member = fleet.get("hub/secrets/argocd/a").unwrap();
        assert_eq!(token(member.configuration().unwrap()).await, "token-a");
    });
    // The first timer, if it is driven again, goes on beside none.
    first.block_on(pause());
    drop(first);
}

async fn after_minutes(world: &SimulatedHost, fleet: &Fleet) {
    world.advance(MINUTE);
    fleet.members();
    pause().await;
}
