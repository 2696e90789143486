//! Many processes, one run of the plugin.

use std::collections::BTreeSet;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::world::{Ended, World, run};

#[test]
fn a_hundred_processes_that_start_at_once_run_the_plugin_once() {
    let world = World::new();
    world.write("delay", "1");
    let began = Instant::now();
    let children: Vec<Child> = (0..100)
        .map(|_| world.exec_for_client().spawn().unwrap())
        .collect();
    let tokens: BTreeSet<String> = children
        .into_iter()
        .map(|child| Ended::from(child.wait_with_output().unwrap()).token())
        .collect();
    println!(
        "100 processes with a plugin of 1 s ended after {:?}",
        began.elapsed()
    );
    assert_eq!((world.runs(), tokens.len()), (1, 1));
    // A machine that is busy starts 100 processes slowly.
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_person_who_asks_again_gets_what_is_kept() {
    let world = World::new();
    let tokens: BTreeSet<String> = (0..5).map(|_| run(&mut world.exec()).token()).collect();
    assert_eq!((world.runs(), tokens.len()), (1, 1));
}

#[test]
fn the_answer_has_the_version_that_was_asked_for_whatever_the_plugin_speaks() {
    for spoken in ["v1", "v1beta1"] {
        let world = World::new();
        world.write("version", spoken);
        for asked in ["v1beta1", "v1", "v1beta1"] {
            let version = format!("client.authentication.k8s.io/{asked}");
            let info = format!(
                r#"{{"kind":"ExecCredential","apiVersion":"{version}","spec":{{"interactive":false}}}}"#
            );
            let ended = run(world.exec().env("KUBERNETES_EXEC_INFO", info));
            assert_eq!(ended.status, Some(0), "{ended:?}");
            let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(
                (answer["apiVersion"].as_str(), answer["kind"].as_str()),
                (Some(version.as_str()), Some("ExecCredential"))
            );
            assert!(answer["status"]["expirationTimestamp"].is_string());
        }
    }
}

#[test]
fn without_an_expiry_nothing_is_kept_unless_a_lifetime_is_set() {
    let world = World::new();
    world.write(
        "forever",
        "#!/bin/sh\necho >> \"${0%/*}/runs\"\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"abc\"}}'\n",
    );
    let plugin = world.path("forever");
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let plugin = plugin.to_str().unwrap();
    for _ in 0..2 {
        assert_eq!(run(&mut world.kubex(&["exec", "--", plugin])).token(), "abc");
    }
    assert_eq!(world.runs(), 2);
    for _ in 0..3 {
        assert_eq!(
            run(&mut world.kubex(&["exec", "--lifetime", "5m", "--", plugin])).token(),
            "abc"
        );
    }
    assert_eq!(world.runs(), 3);
}

#[test]
fn a_credential_is_renewed_when_it_expires() {
    let world = World::new();
    world.write("lifetime", "4");
    let first = run(&mut world.exec()).token();
    assert_eq!(run(&mut world.exec()).token(), first);
    std::thread::sleep(Duration::from_millis(4100));
    assert_ne!(run(&mut world.exec()).token(), first);
    assert_eq!(world.runs(), 2);
}

#[test]
fn a_source_of_the_configuration_is_shared_too() {
    let world = World::new();
    let plugin = world.path("plugin");
    world.write(
        "kubex.yaml",
        &format!(
            "chain: []\nsources:\n  vault:\n    provider: exec\n    server: https://127.0.0.1\n    command: {}\n",
            plugin.display()
        ),
    );
    let config = world.path("kubex.yaml");
    let words = ["exec", "--source", "vault", "--config", config.to_str().unwrap()];
    let first = run(&mut world.kubex(&words)).token();
    assert_eq!(run(&mut world.kubex(&words)).token(), first);
    // The same plugin after `--` has the same identity.
    assert_eq!(run(&mut world.exec()).token(), first);
    assert_eq!(world.runs(), 1);
    let unknown =
        run(&mut world.kubex(&["exec", "--source", "vaults", "--config", config.to_str().unwrap()]));
    assert_eq!(unknown.status, Some(4), "{unknown:?}");
}

#[test]
fn a_credential_is_not_printed_for_a_configuration_that_impersonates() {
    let world = World::new();
    let plugin = world.path("plugin");
    world.write(
        "kubex.yaml",
        &format!(
            "chain: []\nsources:\n  vault:\n    provider: exec\n    server: https://127.0.0.1\n    command: {}\n    as: jane\n",
            plugin.display()
        ),
    );
    let config = world.path("kubex.yaml");
    let words = ["exec", "--source", "vault", "--config", config.to_str().unwrap()];
    let refused = run(&mut world.kubex(&words));
    assert_ne!(refused.status, Some(0), "{refused:?}");
    assert!(refused.stderr.contains("impersonate \"jane\""), "{refused:?}");
    assert_eq!(world.runs(), 0);
}

#[test]
fn the_plugin_of_a_kubeconfigs_user_is_shared_where_the_configuration_says_so() {
    for (cache, runs) in [("shared", 1), ("memory", 2), ("none", 2)] {
        let world = World::new();
        let plugin = world.path("plugin");
        world.write(
            "kubeconfig",
            &format!(
                "current-context: c\nclusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
                 contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
                 users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}, interactiveMode: Never}}}}}}]\n",
                plugin.display()
            ),
        );
        world.write(
            "kubex.yaml",
            &format!("sources: {{kubeconfig: {{cache: {cache}}}}}\n"),
        );
        let config = world.path("kubex.yaml");
        let token = |words: &[&str]| {
            let words = [words, &["--config", config.to_str().unwrap()]].concat();
            run(world.kubex(&words).env("KUBECONFIG", world.path("kubeconfig")))
        };
        let (first, second) = (token(&["token"]), token(&["token"]));
        assert_eq!(
            (first.status, second.status),
            (Some(0), Some(0)),
            "{first:?} {second:?}"
        );
        assert_eq!(world.runs(), runs, "{cache}");
        if cache == "shared" {
            // The same login as that of `kubex exec`, in both ways of asking for it.
            let mut exec = world.exec();
            exec.env("KUBECONFIG", world.path("kubeconfig"));
            assert_eq!(run(&mut exec).token(), first.stdout.trim());
            assert_eq!(
                token(&["exec", "--source", "kubeconfig"]).token(),
                first.stdout.trim()
            );
            assert_eq!(world.runs(), 1);
        }
        world.write("kubex.yaml", "sources: {kubeconfig: {cache: disk}}\n");
        assert_eq!(token(&["token"]).status, Some(4));
    }
}

#[test]
fn the_list_shows_what_is_kept_and_clearing_removes_it() {
    let world = World::new();
    run(&mut world.exec());
    let list = run(&mut world.kubex(&["cache", "list", "-o", "json"]));
    let json: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    let entry = &json["credentials"][0];
    assert_eq!(
        (entry["description"].as_str(), entry["credential"].as_str()),
        (Some("plugin"), Some("bearer token"))
    );
    assert!(!list.stdout.contains("s3cret"), "{list:?}");
    assert_eq!(run(&mut world.kubex(&["cache", "clear"])).status, Some(0));
    assert!(
        !run(&mut world.kubex(&["cache", "list"]))
            .stdout
            .contains("bearer token")
    );
    run(&mut world.exec());
    assert_eq!(world.runs(), 2);
}
