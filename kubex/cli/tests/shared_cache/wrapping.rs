//! `kubex wrap` and `kubex unwrap` on real files: modes, links, locks, and what kubectl makes of the result.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::world::{Ended, World, run};

const SECRET: &str = "s3cret-of-another-user";

/// A kubeconfig with an exec user, and a token that nothing may show.
fn kubeconfig(world: &World) -> PathBuf {
    let plugin = world.path("plugin");
    world.write(
        "kubeconfig",
        &format!(
            "# of the team\ncurrent-context: prod\nclusters:\n- {{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}\n\
             contexts:\n- {{name: prod, context: {{cluster: c, user: prod}}}}\n\
             - {{name: dev, context: {{cluster: c, user: dev}}}}\n\
             users:\n- name: dev\n  user: {{token: {SECRET}}}\n- name: prod\n  user:\n    exec:\n      \
             apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: {}  # runs\n      args:\n      \
             # the flags\n      - --token\n      - s3cret-argument-1\n",
            plugin.display()
        ),
    );
    let path = world.path("kubeconfig");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    path
}

fn kubex(world: &World, words: &[&str]) -> Ended {
    let path = world.path("kubeconfig");
    run(world.kubex(words).env("KUBECONFIG", path))
}

#[test]
fn wrapping_and_unwrapping_restores_the_file_and_keeps_its_mode() {
    let world = World::new();
    let path = kubeconfig(&world);
    let before = fs::read(&path).unwrap();
    let wrapped = kubex(&world, &["wrap"]);
    assert_eq!(wrapped.status, Some(0), "{wrapped:?}");
    assert_ne!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    // The plugin runs once for all programs.
    for _ in 0..2 {
        let token = kubex(&world, &["token"]);
        assert_eq!(
            (token.status, token.stdout.trim()),
            (Some(0), "s3cret-token-1"),
            "{token:?}"
        );
    }
    let again = kubex(&world, &["wrap"]);
    assert_eq!(
        again.stdout,
        "nothing to change: every user with an exec plugin is already wrapped\n"
    );
    let unwrapped = kubex(&world, &["unwrap"]);
    assert_eq!(unwrapped.status, Some(0), "{unwrapped:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let left: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left.iter().any(
            |name| name.to_string_lossy().contains(".lock") || name.to_string_lossy().contains(".kubex-")
        ),
        "{left:?}"
    );
}

#[test]
fn a_dry_run_writes_nothing_and_shows_no_secret() {
    let world = World::new();
    let path = kubeconfig(&world);
    let before = fs::read(&path).unwrap();
    let shown = kubex(&world, &["wrap", "--dry-run"]);
    assert_eq!(shown.status, Some(0), "{shown:?}");
    assert!(
        shown.stdout.contains("\n-") && shown.stdout.contains("\n+"),
        "{shown:?}"
    );
    for secret in [SECRET, "s3cret-argument-1"] {
        assert!(
            !shown.stdout.contains(secret) && !shown.stderr.contains(secret),
            "{shown:?}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_lifetime_keeps_a_credential_without_an_end_and_is_unwrapped_to_the_byte() {
    let world = World::new();
    let path = kubeconfig(&world);
    let before = fs::read(&path).unwrap();
    let plugin = "#!/bin/sh\ncd \"${0%/*}\"; echo $$ >> runs\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\
                  \"kind\":\"ExecCredential\",\"status\":{\"token\":\"s3cret-token-1\"}}'\n";
    world.write("plugin", plugin);
    kubex(&world, &["wrap"]);
    let token = || assert_eq!(kubex(&world, &["token"]).stdout.trim(), "s3cret-token-1");
    token();
    token();
    assert_eq!(world.runs(), 2, "without a lifetime it is not kept");
    let changed = kubex(&world, &["wrap", "--lifetime", "10m"]);
    assert!(
        changed.stdout.contains('+') && changed.stdout.contains("--lifetime=10m"),
        "{changed:?}"
    );
    token();
    token();
    assert_eq!(world.runs(), 3);
    assert_eq!(
        kubex(&world, &["wrap", "--lifetime", "600"]).stdout,
        "nothing to change: every user with an exec plugin is already wrapped\n"
    );
    assert_eq!(
        kubex(&world, &["wrap"]).stdout,
        "nothing to change: every user with an exec plugin is already wrapped\n"
    );
    for wrong in ["0", "-1", "soon", "48h"] {
        let lifetime = format!("--lifetime={wrong}");
        assert_eq!(kubex(&world, &["wrap", &lifetime]).status, Some(2), "{wrong}");
    }
    assert_eq!(kubex(&world, &["unwrap", "--lifetime=10m"]).status, Some(2));
    assert_eq!(kubex(&world, &["unwrap"]).status, Some(0));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_symbolic_link_stays_one() {
    let world = World::new();
    let path = kubeconfig(&world);
    let link = world.path("link");
    symlink(&path, &link).unwrap();
    let wrapped = run(&mut world.kubex(&["wrap", "--kubeconfig", link.to_str().unwrap()]));
    assert_eq!(wrapped.status, Some(0), "{wrapped:?}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&path).unwrap().contains("\"exec\""));
}

#[test]
fn the_lock_of_client_go_is_respected() {
    let world = World::new();
    let path = kubeconfig(&world);
    let before = fs::read(&path).unwrap();
    world.write("kubeconfig.lock", "");
    let locked = kubex(&world, &["wrap"]);
    assert_eq!(locked.status, Some(4), "{locked:?}");
    assert!(locked.stderr.contains("another program edits"), "{locked:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    // A lock of another program is not removed.
    assert!(world.path("kubeconfig.lock").exists());
    assert!(Path::new(&path).exists());
}

#[test]
fn only_the_user_of_the_context_is_wrapped() {
    let world = World::new();
    let path = kubeconfig(&world);
    let before = fs::read(&path).unwrap();
    assert_eq!(
        kubex(&world, &["wrap", "--context", "dev"]).stdout,
        "nothing to change: the user \"dev\" has no exec plugin\n"
    );
    assert_eq!(
        kubex(&world, &["unwrap", "--context", "prod"]).stdout,
        "nothing to change: the user \"prod\" is not wrapped\n"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(kubex(&world, &["wrap", "--context", "nowhere"]).status, Some(4));
    assert_eq!(kubex(&world, &["wrap", "--context", "prod"]).status, Some(0));
    assert_ne!(fs::read(&path).unwrap(), before);
}

#[test]
fn flags_that_do_not_choose_what_is_wrapped_are_refused() {
    let world = World::new();
    let path = kubeconfig(&world);
    let before = fs::read(&path).unwrap();
    for (flag, value) in [
        ("--user", "prod"),
        ("--cluster", "c"),
        ("--namespace", "a"),
        ("--server", "https://127.0.0.1:2"),
        ("--token", "s3cret-of-a-flag"),
        ("--as", "jane"),
        ("--source", "kubeconfig"),
    ] {
        for subcommand in ["wrap", "unwrap"] {
            let refused = kubex(&world, &[subcommand, flag, value]);
            assert_eq!(refused.status, Some(2), "{refused:?}");
            let help = format!("leave out the flag {flag}");
            assert!(refused.stderr.contains(&help), "{refused:?}");
            assert!(!refused.stderr.contains("s3cret-of-a-flag"), "{refused:?}");
        }
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    let both = kubex(
        &world,
        &["wrap", "--context", "prod", "--user", "prod", "-n", "a"],
    );
    assert!(
        both.stderr
            .contains("leave out the flag --user, the flag --namespace\n"),
        "{both:?}"
    );
}
