//! No secret in the files of the store, in their names, in the arguments of processes, and in what is printed besides the
//! answer.

use std::fs;

use crate::world::{World, run};

const SECRETS: &[&str] = &["s3cret-argument-1", "s3cret-variable-1", "s3cret-token-1"];

#[test]
fn no_secret_is_in_a_file_a_name_or_an_argument_of_another_process() {
    let world = World::new();
    world.write("delay", "1");
    let plugin = world.path("plugin");
    let words = [
        "exec",
        "--identity-variable",
        "TOKEN",
        "--",
        plugin.to_str().unwrap(),
        "--token",
        SECRETS[0],
    ];
    let mut command = world.kubex(&words);
    let child = command.env("TOKEN", SECRETS[1]).spawn().unwrap();
    world.wait_for_runs(1);
    // The plugin gets its arguments, and the command was given them. No other process has any of them.
    let mut seen = 0;
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = fs::read(process.path().join("cmdline")) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(
            !line.contains(SECRETS[1]) && !line.contains(SECRETS[2]),
            "{} has a secret among its arguments",
            process.path().display()
        );
        seen += usize::from(line.contains(SECRETS[0]));
    }
    assert!(seen >= 1, "the plugin is not there");
    let ended = child.wait_with_output().unwrap();
    assert!(ended.stderr.is_empty(), "{ended:?}");
    let list = run(&mut world.kubex(&["cache", "list", "-o", "yaml"]));
    for secret in SECRETS {
        assert!(
            !list.stdout.contains(secret) && !list.stderr.contains(secret),
            "{list:?}"
        );
        for file in fs::read_dir(world.store()).unwrap() {
            let path = file.unwrap().path();
            let content = fs::read(&path).unwrap();
            assert!(!path.to_string_lossy().contains(secret), "{}", path.display());
            let is_there = content
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!is_there, "{} contains a secret", path.display());
        }
    }
    // Also what the plugin is called is not readable.
    for file in fs::read_dir(world.store()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let stem = name.split('.').next().unwrap();
        assert!(
            stem == "key" || stem.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{name}"
        );
    }
}

#[test]
fn an_error_of_the_plugin_shows_no_secret() {
    let world = World::new();
    world.write("status", "3");
    let plugin = world.path("plugin");
    let ended = run(&mut world.kubex(&["exec", "--", plugin.to_str().unwrap(), "--token", SECRETS[0]]));
    assert_eq!(ended.status, Some(5), "{ended:?}");
    assert!(
        !ended.stderr.contains(SECRETS[0]) && ended.stdout.is_empty(),
        "{ended:?}"
    );
}
