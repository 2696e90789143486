//! No fault makes a run hang: it takes at most 100 ms longer than the same run without the fault.
//!
//! A busy machine runs everything more slowly, so both are measured in turn, and what a run without a fault takes on this
//! machine is also allowed as noise.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{Ended, KUBEX, World, run};

const ROUNDS: usize = 5;

/// How long the rounds took: the median, so that a hang in most of them is seen and a pause of the machine is not.
fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort_unstable();
    spans[spans.len() / 2]
}

/// Compares a run with the fault to one without, each in a world of its own.
fn assert_no_hang(fault: &str, run_with_fault: impl Fn() -> Duration) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let world = World::new();
        // The key and the directory are there, as in the runs with a fault.
        run(&mut world.kubex(&["cache", "list"]));
        let began = Instant::now();
        run(&mut world.exec_for_client()).token();
        without.push(began.elapsed());
        with.push(run_with_fault());
    }
    let (with, without) = (median(with), median(without));
    let allowed = without + without.max(Duration::from_millis(100));
    println!("{fault}: {with:?}, without the fault {without:?}");
    assert!(
        with <= allowed,
        "{fault}: {with:?} instead of at most {allowed:?}"
    );
}

/// The time of one run that gets a token.
fn timed(command: &mut std::process::Command) -> Duration {
    let began = Instant::now();
    run(command).token();
    began.elapsed()
}

#[test]
fn a_holder_that_is_killed_delays_others_by_a_moment_at_most() {
    assert_no_hang("kill -9 of the process that fetches", || {
        let world = World::new();
        world.write("delay", "50");
        let mut holder = world.exec_for_client().spawn().unwrap();
        world.wait_for_runs(1);
        world.write("delay", "0");
        let waiter = world.exec_for_client().spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let killed = Instant::now();
        kill(Pid::from_raw(holder.id().cast_signed()), Signal::SIGKILL).unwrap();
        assert_eq!(
            Ended::from(waiter.wait_with_output().unwrap()).token(),
            "s3cret-token-2"
        );
        let span = killed.elapsed();
        holder.wait().unwrap();
        for process in fs::read_to_string(world.path("runs")).unwrap().lines() {
            let _ = kill(Pid::from_raw(process.parse().unwrap()), Signal::SIGKILL);
        }
        span
    });
}

#[test]
fn a_store_that_cannot_be_used_delays_nothing() {
    assert_no_hang("no home directory", || {
        let world = World::new();
        timed(
            world
                .exec_for_client()
                .env_remove("HOME")
                .env_remove("KUBEX_CACHE_DIR"),
        )
    });
    assert_no_hang("a file where the directory should be", || {
        let world = World::new();
        world.write("file", "");
        timed(
            world
                .exec_for_client()
                .env("KUBEX_CACHE_DIR", world.path("file/cache")),
        )
    });
    assert_no_hang("a full disk", || {
        let world = World::new();
        run(&mut world.kubex(&["cache", "list"]));
        // The plugin of the world writes a file, so this one is another.
        world.write("quiet", "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"abc\",\"expirationTimestamp\":\"2099-01-01T00:00:00Z\"}}'\n");
        let quiet = world.path("quiet");
        fs::set_permissions(&quiet, fs::metadata(world.path("plugin")).unwrap().permissions()).unwrap();
        let script = format!(
            "trap '' XFSZ; ulimit -f 0; exec {KUBEX} exec -- {}",
            quiet.display()
        );
        timed(&mut world.program(Path::new("/bin/sh"), &["-c", &script]))
    });
}

#[test]
fn what_is_left_behind_or_damaged_delays_nothing() {
    assert_no_hang("a lock file that was left behind", || {
        let world = World::new();
        run(&mut world.exec());
        run(&mut world.kubex(&["cache", "clear"]));
        assert!(!world.files("lock").is_empty());
        timed(&mut world.exec_for_client())
    });
    for damage in [&b""[..], b"{\"token\":\"evil\"}", &[0; 4096]] {
        assert_no_hang("a damaged credential", || {
            let world = World::new();
            run(&mut world.exec());
            fs::write(world.files("credential").remove(0), damage).unwrap();
            timed(&mut world.exec_for_client())
        });
    }
    assert_no_hang("a key that is gone", || {
        let world = World::new();
        run(&mut world.exec());
        fs::remove_file(world.store().join("key")).unwrap();
        timed(&mut world.exec_for_client())
    });
}
