//! Plugins that fail, and policies that forbid them.

use crate::world::{Ended, World, run};

#[test]
fn a_failure_is_shared_with_those_that_wait_and_not_with_the_next_one() {
    let world = World::new();
    world.write("status", "3");
    world.write("delay", "1");
    let mut first = world.exec_for_client().spawn().unwrap();
    world.wait_for_runs(1);
    let waiting: Vec<_> = (0..8).map(|_| world.exec_for_client().spawn().unwrap()).collect();
    for child in waiting {
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.status, Some(5), "{ended:?}");
        assert!(ended.stderr.contains("the session has expired"), "{ended:?}");
    }
    first.wait().unwrap();
    // A process that came after the failure has run the plugin itself, so that there may be a second run on a busy machine.
    let runs = world.runs();
    assert!(runs <= 3, "{runs} runs");
    world.write("status", "0");
    world.write("delay", "0");
    assert_eq!(run(&mut world.exec_for_client()).status, Some(0));
    assert_eq!(world.runs(), runs + 1);
}

#[test]
fn a_policy_that_forbids_the_plugin_lets_none_run() {
    let world = World::new();
    let denied = run(world.exec_for_client().env("KUBEX_EXEC__POLICY", "deny-all"));
    assert_eq!((denied.status, world.runs()), (Some(7), 0), "{denied:?}");
    // An allowlist that names `kubex` does not allow what it wraps.
    let denied = run(world
        .exec_for_client()
        .env("KUBEX_EXEC__POLICY", "allowlist")
        .env("KUBEX_EXEC__ALLOWLIST", "kubex"));
    assert_ne!(denied.status, Some(0), "{denied:?}");
    assert_eq!(world.runs(), 0);
}

#[test]
fn a_program_that_is_not_there_and_a_command_that_is_missing_are_errors() {
    let world = World::new();
    assert_eq!(
        run(&mut world.kubex(&["exec", "--", "no-such-plugin"])).status,
        Some(5)
    );
    assert_eq!(run(&mut world.kubex(&["exec"])).status, Some(2));
    let info = run(world.exec().env("KUBERNETES_EXEC_INFO", "s3cret"));
    assert_eq!(info.status, Some(4), "{info:?}");
    assert!(!info.stderr.contains("s3cret"), "{info:?}");
}
