//! Disks and directories that cannot be used, damaged files, and keys that are gone: a miss, and never another identity.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::world::{KUBEX, World, run};

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
    if ended.stderr.contains("there is no keyring") {
        println!("NOT TESTED: the kernel's keyring: this machine has none");
        return;
    }
    assert!(!world.store().join("key").exists());
    let again = run(world.exec().env_remove("KUBEX_CACHE_KEY"));
    assert_eq!((again.token(), world.runs()), (ended.token(), 1));
}
