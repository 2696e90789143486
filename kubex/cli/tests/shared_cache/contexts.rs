//! `kubex cache list` and `clear` of one context: what its user has stored, and nothing of another one.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::kubectl::Kubectl;
use serde_json::Value;

use crate::world::{EXEC_INFO, Ended, KUBEX, World, run};

/// A kubeconfig whose users `a` and `b` have the same plugin with other variables, through `kubex exec`; `direct` has the
/// plugin itself, `static` a token, and `source` a source of Kubex's configuration.
fn write_kubeconfig(world: &World, cluster: &str, provides_cluster: bool) {
    let plugin = world.path("plugin");
    let plugin = plugin.to_str().unwrap();
    let exec = |command: &str, arguments: &str, role: &str| {
        format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, args: {arguments}, \
             interactiveMode: Never, provideClusterInfo: {provides_cluster}, env: [{{name: ROLE, value: {role}}}]}}}}"
        )
    };
    let wrapped = format!("[exec, --identity-variable=ROLE, --, {plugin}]");
    let users = [
        ("a", exec(KUBEX, &wrapped, "s3cret-role-a")),
        ("b", exec(KUBEX, &wrapped, "s3cret-role-b")),
        ("direct", exec(plugin, "[]", "s3cret-role-c")),
        ("static", "{token: s3cret-static}".to_owned()),
        ("source", exec(KUBEX, "[exec, --source, vault]", "s3cret-role-d")),
    ];
    let contexts = users
        .iter()
        .map(|(name, _)| format!("- {{name: {name}, context: {{cluster: c, user: {name}}}}}\n"));
    let contexts: String = contexts.collect();
    let users = users
        .iter()
        .map(|(name, user)| format!("- {{name: {name}, user: {user}}}\n"));
    let users: String = users.collect();
    let text = format!(
        "current-context: static\nclusters: [{{name: c, cluster: {cluster}}}]\ncontexts:\n{contexts}users:\n{users}"
    );
    world.write("kubeconfig", &text);
    world.write(
        "kubex.yaml",
        &format!("chain: [kubeconfig]\nsources:\n  vault: {{provider: exec, server: 'https://127.0.0.1:1', command: {plugin}}}\n"),
    );
}

fn world() -> World {
    let world = World::new();
    write_kubeconfig(&world, "{server: 'https://127.0.0.1:1'}", false);
    world
}

fn with_configuration(world: &World, mut command: Command) -> Ended {
    command
        .env("KUBECONFIG", world.path("kubeconfig"))
        .env("KUBEX_CONFIG", world.path("kubex.yaml"));
    run(&mut command)
}

fn kubex(world: &World, words: &[&str]) -> Ended {
    let ended = with_configuration(world, world.kubex(words));
    for text in [&ended.stdout, &ended.stderr] {
        assert!(
            !text.contains("s3cret-role") && !text.contains("s3cret-static"),
            "{words:?}: {ended:?}"
        );
    }
    ended
}

fn token(world: &World, context: &str) -> String {
    let ended = kubex(world, &["token", "--context", context]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    ended.stdout
}

fn clear(world: &World, context: &str) -> String {
    let runs = world.runs();
    let ended = kubex(world, &["cache", "clear", "--context", context]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(world.runs(), runs, "no plugin runs");
    ended.stdout
}

/// The contexts of each credential.
fn listed(world: &World, flags: &[&str]) -> Vec<Vec<String>> {
    let words = [&["cache", "list", "-ojson"], flags].concat();
    let ended = kubex(world, &words);
    let list: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let mut contexts: Vec<Vec<String>> = list["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| serde_json::from_value(entry["contexts"].clone()).unwrap())
        .collect();
    contexts.sort();
    contexts
}

#[test]
fn clearing_a_context_removes_what_its_user_has_stored_and_nothing_else() {
    let world = world();
    let (a, b) = (token(&world, "a"), token(&world, "b"));
    assert_ne!(a, b);
    assert_eq!(listed(&world, &[]), [["a"], ["b"]]);
    assert_eq!(listed(&world, &["--context", "b"]), [["b"]]);
    assert!(listed(&world, &["--context", "direct"]).is_empty());

    let cleared = clear(&world, "a");
    assert!(
        cleared.starts_with("removed the credential: plugin (ROLE)\n"),
        "{cleared}"
    );
    assert_eq!(listed(&world, &[]), [["b"]]);
    assert_eq!((token(&world, "b"), world.runs()), (b, 2));
    assert!(clear(&world, "direct").contains("\"direct\" is not stored"));
    assert!(clear(&world, "a").contains("\"a\" is not stored"));
    assert!(clear(&world, "static").contains("\"static\" is never stored"));
    assert_ne!(token(&world, "a"), a);
    assert_eq!(world.runs(), 3);
}

#[test]
fn the_table_tells_two_users_of_one_plugin_apart() {
    let world = world();
    token(&world, "a");
    token(&world, "b");
    let table = kubex(&world, &["cache", "list"]).stdout;
    let rows: Vec<&str> = table
        .lines()
        .skip(1)
        .map(|row| row.split("   ").nth(1).unwrap_or_default())
        .collect();
    assert!(rows.contains(&"a") && rows.contains(&"b"), "{table}");
    // Without a kubeconfig the list is there, and a plugin of a known name is told apart by its profile.
    let aws = world.path("aws");
    fs::copy(world.path("plugin"), &aws).unwrap();
    for profile in ["prod", "dev"] {
        let mut command = world.kubex(&["exec", "--", aws.to_str().unwrap()]);
        run(command
            .env("AWS_PROFILE", profile)
            .env("AWS_SECRET_ACCESS_KEY", "s3cret-key"))
        .token();
    }
    let table = run(&mut world.kubex(&["cache", "list"])).stdout;
    for row in ["aws (AWS_PROFILE=dev)", "aws (AWS_PROFILE=prod)"] {
        assert_eq!(table.matches(row).count(), 1, "{table}");
    }
    assert!(!table.contains("s3cret"), "{table}");
}

#[test]
fn a_source_behind_kubex_exec_and_a_source_with_a_shared_cache_are_found() {
    let world = world();
    token(&world, "source");
    assert_eq!(listed(&world, &[]), [["source"]]);
    assert!(clear(&world, "source").starts_with("removed the credential: plugin"));
    assert!(listed(&world, &[]).is_empty());

    world.write("kubex.yaml", "sources: {kubeconfig: {cache: shared}}\n");
    token(&world, "direct");
    assert_eq!(listed(&world, &[]), [["direct"]]);
    token(&world, "direct");
    assert_eq!(world.runs(), 2);
    assert!(clear(&world, "a").contains("is not stored"));
    assert!(clear(&world, "direct").starts_with("removed the credential"));
    token(&world, "direct");
    assert_eq!(world.runs(), 3);
}

#[test]
fn what_kubex_lets_a_plugin_inherit_is_another_identity_of_the_same_context() {
    let world = world();
    world.write("kubex.yaml", "exec: {drop-variables: [TEAM]}\n");
    let for_team = |words: &[&str]| {
        let mut command = world.kubex(words);
        command.env("TEAM", "blue");
        let ended = with_configuration(&world, command);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        ended.stdout
    };
    // kubectl's plugin inherits everything.
    let plugin = world.path("plugin");
    let mut of_kubectl = world.kubex(&["exec", "--identity-variable=ROLE", "--", plugin.to_str().unwrap()]);
    of_kubectl.env("TEAM", "blue").env("ROLE", "s3cret-role-a");
    with_configuration(&world, of_kubectl).token();
    for_team(&["token", "--context", "a"]);
    assert_eq!(world.runs(), 2);
    let cleared = for_team(&["cache", "clear", "--context", "a"]);
    assert_eq!(cleared.matches("removed the credential").count(), 2, "{cleared}");
}

#[test]
fn a_wait_before_the_next_login_ends_for_its_context_only() {
    let world = world();
    world.write("delay", "50");
    let plugin = world.path("plugin");
    for role in ["s3cret-role-a", "s3cret-role-b"] {
        // As kubectl runs it.
        let words = ["exec", "--identity-variable=ROLE", "--", plugin.to_str().unwrap()];
        let mut command = world.kubex(&words);
        command
            .env("ROLE", role)
            .env("KUBERNETES_EXEC_INFO", EXEC_INFO)
            .env("KUBEX_EXEC__DEADLINE", "500ms");
        let ended = with_configuration(&world, command);
        assert_eq!(ended.status, Some(6), "{ended:?}");
    }
    world.write("delay", "0");
    let waiting = |context: &str| {
        let list = kubex(&world, &["cache", "list", "-ojson", "--context", context]).stdout;
        let list: Value = serde_json::from_str(&list).unwrap();
        list["backOffs"].as_array().unwrap().len()
    };
    assert_eq!((waiting("a"), waiting("b"), waiting("direct")), (1, 1, 0));
    assert!(clear(&world, "a").starts_with("removed the wait before the next login: plugin"));
    assert_eq!((waiting("a"), waiting("b")), (0, 1));
    token(&world, "a");
    assert_ne!(kubex(&world, &["token", "--context", "b"]).status, Some(0));
}

#[test]
fn a_flag_that_selects_something_else_or_nothing_removes_nothing() {
    let world = world();
    token(&world, "a");
    let path = world.path("kubeconfig");
    for words in [
        &["cache", "clear", "--context", ""][..],
        &["cache", "clear", "--user", ""],
        &["cache", "clear", "--source="],
        &["cache", "clear", "--user", "a"],
        &["cache", "clear", "--context", "a", "--user", "b"],
        &["cache", "clear", "--source", "vault"],
        &["cache", "clear", "--kubeconfig", path.to_str().unwrap()],
        &["cache", "list", "--user", "a"],
        &["wrap", "--context", ""],
    ] {
        let refused = kubex(&world, words);
        assert_eq!(refused.status, Some(2), "{words:?}: {refused:?}");
        assert!(
            refused.stderr.contains("leave out the flag"),
            "{words:?}: {refused:?}"
        );
    }
    assert_eq!(
        kubex(&world, &["cache", "clear", "--context", "nowhere"]).status,
        Some(4)
    );
    assert_eq!(listed(&world, &[]), [["a"]]);
    // Another kubeconfig has other contexts.
    let ended = run(&mut world.kubex(&[
        "cache",
        "clear",
        "--context",
        "a",
        "--kubeconfig",
        path.to_str().unwrap(),
    ]));
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_has_stored_with_the_cluster_is_found() {
    let kubectl = match Kubectl::find() {
        Ok(kubectl) => kubectl.program,
        Err(why) => {
            println!("NOT TESTED: clearing what kubectl has stored: {why}");
            return;
        }
    };
    let world = World::new();
    let server = ApiServer::builder().start().await.unwrap();
    for run in 1..=4 {
        server.accept_token(format!("s3cret-token-{run}"), User::new("jane"));
    }
    let authority = BASE64_STANDARD.encode(server.ca_pem());
    let cluster = format!(
        "{{server: '{}', certificate-authority-data: {authority}}}",
        server.url()
    );
    write_kubeconfig(&world, &cluster, true);
    let get = |context: &str| {
        let command = world.program(&kubectl, &["--context", context, "get", "--raw", "/version"]);
        let ended = with_configuration(&world, command);
        assert_eq!(ended.status, Some(0), "{ended:?}");
    };
    get("a");
    get("b");
    assert_eq!(
        (listed(&world, &[]), world.runs()),
        (vec![vec!["a".to_owned()], vec!["b".to_owned()]], 2)
    );
    assert!(clear(&world, "b").starts_with("removed the credential: plugin (ROLE, https://127.0.0.1"));
    get("a");
    assert_eq!(world.runs(), 2);
    get("b");
    assert_eq!(world.runs(), 3);
    server.shutdown().await;
}
