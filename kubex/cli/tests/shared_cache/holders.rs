//! What happens to those that wait when the process that fetches is killed, stopped, or its login is not completed.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{Ended, World, run};

fn send(child: &std::process::Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

/// Ends what is left of the plugin.
fn end_plugins(world: &World) {
    for process in std::fs::read_to_string(world.path("runs"))
        .unwrap_or_default()
        .lines()
    {
        if let Ok(process) = process.parse() {
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
    }
}

#[test]
fn a_holder_that_is_killed_delays_nothing() {
    let world = World::new();
    world.write("delay", "50");
    let mut holder = world.exec_for_client().spawn().unwrap();
    world.wait_for_runs(1);
    let waiter = world.exec_for_client().spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    world.write("delay", "0");
    let killed = Instant::now();
    send(&holder, Signal::SIGKILL);
    let ended = Ended::from(waiter.wait_with_output().unwrap());
    assert_eq!(ended.token(), "s3cret-token-2");
    println!(
        "after kill -9 of the holder, the next plugin ended after {:?}",
        killed.elapsed()
    );
    assert!(killed.elapsed() < Duration::from_secs(20));
    holder.wait().unwrap();
    end_plugins(&world);
}

#[test]
fn who_waits_for_a_holder_that_is_stopped_has_a_limit_of_its_own() {
    let world = World::new();
    world.write("delay", "50");
    let mut holder = world.exec_for_client().spawn().unwrap();
    world.wait_for_runs(1);
    send(&holder, Signal::SIGSTOP);
    let mut waiter = world.exec_for_client();
    let began = Instant::now();
    let ended = run(waiter.env("KUBEX_EXEC__DEADLINE", "1s"));
    assert_eq!(ended.status, Some(6), "{ended:?}");
    assert!(
        ended.stderr.contains("another process fetches the credential"),
        "{ended:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    send(&holder, Signal::SIGKILL);
    holder.wait().unwrap();
    end_plugins(&world);
}

#[test]
fn a_login_that_is_not_completed_is_not_started_again_until_the_cache_is_cleared() {
    let world = World::new();
    world.write("delay", "50");
    let timed_out = run(world.exec_for_client().env("KUBEX_EXEC__DEADLINE", "500ms"));
    assert_eq!(timed_out.status, Some(6), "{timed_out:?}");
    world.write("delay", "0");
    for _ in 0..3 {
        let ended = run(&mut world.exec_for_client());
        assert_eq!(ended.status, Some(6), "{ended:?}");
        assert!(ended.stderr.contains("kubex cache clear"), "{ended:?}");
    }
    assert_eq!(world.runs(), 1);
    let list = run(&mut world.kubex(&["cache", "list", "-o", "json"]));
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let waiting = &list["backOffs"][0];
    assert_eq!(
        (waiting["description"].as_str(), waiting["reason"].as_str()),
        (Some("plugin"), Some("timed-out")),
        "{list}"
    );
    assert!(waiting["failedAt"].as_str() < waiting["until"].as_str(), "{list}");
    let table = run(&mut world.kubex(&["cache", "list"])).stdout;
    assert!(
        table.contains("NEXT LOGIN NOT BEFORE") && table.contains("timed out"),
        "{table}"
    );
    assert_eq!(run(&mut world.kubex(&["cache", "clear"])).status, Some(0));
    let table = run(&mut world.kubex(&["cache", "list"])).stdout;
    assert!(!table.contains("timed out"), "{table}");
    assert_eq!(run(&mut world.exec_for_client()).token(), "s3cret-token-2");
}
