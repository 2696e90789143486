//! Disks and directories that cannot be used, damaged files, and keys that are gone: a miss, and never another identity.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::world::{Ended, KUBEX, World, run};

#[test]
fn without_a_directory_the_plugin_runs_each_time_and_a_warning_says_so() {
    let world = World::new();
    world.write("file", "");
    for run_number in 1..=2 {
        let ended = run(world.exec().env("KUBEX_CACHE_DIR", world.path("file/cache")));
        assert_eq!(ended.token(), format!("s3cret-token-{run_number}"));
        assert!(ended.stderr.contains("not shared"), "{ended:?}");
    }
    let ended = run(world.exec().env_remove("HOME").env_remove("KUBEX_CACHE_DIR"));
    assert_eq!(ended.token(), "s3cret-token-3");
    assert!(ended.stderr.contains("there is no home directory"), "{ended:?}");
}

#[test]
fn a_directory_that_others_can_read_is_refused() {
    let world = World::new();
    run(&mut world.exec());
    fs::set_permissions(world.store(), fs::Permissions::from_mode(0o755)).unwrap();
    let ended = run(&mut world.exec());
    assert_eq!(ended.token(), "s3cret-token-2");
    assert!(
        ended.stderr.contains("can be accessed by other users"),
        "{ended:?}"
    );
}

#[test]
fn a_full_disk_costs_a_warning() {
    let world = World::new();
    // The store is there, and no file can get longer than 0 bytes.
    run(&mut world.kubex(&["cache", "list"]));
    let plugin = world.path("plugin");
    let quiet = world.path("quiet");
    world.write(
        "quiet",
        "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"abc\",\"expirationTimestamp\":\"2099-01-01T00:00:00Z\"}}'\n",
    );
    fs::set_permissions(&quiet, fs::metadata(plugin).unwrap().permissions()).unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 0; exec {KUBEX} exec -- {}",
        quiet.display()
    );
    let ended = run(&mut world.program(Path::new("/bin/sh"), &["-c", &script]));
    assert_eq!(ended.token(), "abc");
    assert!(ended.stderr.contains("not shared"), "{ended:?}");
    assert!(world.files("credential").is_empty());
}

#[test]
fn damaged_files_and_another_key_are_a_miss() {
    let world = World::new();
    run(&mut world.exec());
    let credential = world.files("credential").remove(0);
    let whole = fs::read(&credential).unwrap();
    for (damaged, runs) in [
        (&whole[..whole.len() / 2], 2),
        (&[][..], 3),
        (b"{\"token\":\"evil\"}", 4),
    ] {
        fs::write(&credential, damaged).unwrap();
        assert_eq!(run(&mut world.exec()).token(), format!("s3cret-token-{runs}"));
    }
    fs::remove_file(world.store().join("key")).unwrap();
    assert_eq!(run(&mut world.exec()).token(), "s3cret-token-5");
    assert_eq!(run(&mut world.exec()).token(), "s3cret-token-5");
}

#[test]
fn a_lock_file_that_was_left_behind_locks_nothing() {
    let world = World::new();
    run(&mut world.exec());
    assert_eq!(run(&mut world.kubex(&["cache", "clear"])).status, Some(0));
    assert!(!world.files("lock").is_empty());
    assert_eq!(run(&mut world.exec()).token(), "s3cret-token-2");
}

#[test]
fn the_kernels_keyring_holds_the_key_where_there_is_one() {
    let world = World::new();
    let ended = run(world.exec().env_remove("KUBEX_CACHE_KEY"));
    if ended.stderr.contains("beside them") {
        println!("NOT TESTED: the kernel's keyring: this machine has none");
        return;
    }
    assert!(!world.store().join("key").exists());
    let again = run(world.exec().env_remove("KUBEX_CACHE_KEY"));
    assert_eq!((again.token(), world.runs()), (ended.token(), 1));
}

#[test]
fn processes_that_create_the_key_in_the_keyring_at_once_share_one_login() {
    let world = World::new();
    world.write("delay", "1");
    let processes: Vec<_> = (0..8)
        .map(|_| world.exec().env_remove("KUBEX_CACHE_KEY").spawn().unwrap())
        .collect();
    let ended: Vec<Ended> = processes
        .into_iter()
        .map(|process| process.wait_with_output().unwrap().into())
        .collect();
    assert_eq!(world.runs(), 1);
    let tokens: Vec<String> = ended.iter().map(Ended::token).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    let warned = ended.iter().filter(|ended| ended.stderr.contains("beside them"));
    if world.store().join("key").exists() {
        assert_eq!(warned.count(), 1, "{ended:?}");
        println!("NOT TESTED: the kernel's keyring: this machine has none");
    } else {
        assert_eq!(warned.count(), 0, "{ended:?}");
    }
}

#[test]
fn a_key_file_that_is_there_is_used_by_programs_with_a_keyring_too() {
    let world = World::new();
    let first = run(&mut world.exec()).token();
    let with_keyring = run(world.exec().env_remove("KUBEX_CACHE_KEY"));
    assert_eq!((with_keyring.token(), world.runs()), (first, 1));
    assert_eq!(with_keyring.stderr, "");
}
