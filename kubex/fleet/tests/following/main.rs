//! What a fleet does when its inputs change.

#![allow(clippy::unwrap_used, reason = "a test that panics fails")]

mod inputs;
#[path = "../registry/mod.rs"]
mod registry;
mod work;

use std::time::Duration;

use kubex_core::host::SimulatedHost;
use kubex_core::{ClientConfiguration, ErrorKind, ExposeSecret};
use kubex_fleet::{Change, Changes, Fleet, FleetBuilder, Input, ObjectKind, Objects};
use registry::registry;

const PATH: &str = "/home/jane/.kube/config";
const MINUTE: Duration = Duration::from_secs(61);

fn builder(world: &SimulatedHost) -> FleetBuilder {
    Fleet::builder(registry()).host(world.host())
}

/// A fleet of the contexts of the kubeconfig.
async fn started(world: &SimulatedHost) -> Fleet {
    let mine = Input::kubeconfig("mine", PATH);
    builder(world).input(mine).start().await.unwrap()
}

/// A kubeconfig with a context for each name, server and token.
fn kubeconfig(contexts: &[(&str, &str, &str)]) -> String {
    let list = |item: &dyn Fn(&str, &str, &str) -> String| {
        let items: Vec<_> = contexts
            .iter()
            .map(|(name, server, token)| item(name, server, token))
            .collect();
        items.join(", ")
    };
    format!(
        "contexts: [{}]\nclusters: [{}]\nusers: [{}]\n",
        list(&|name, _, _| format!("{{name: {name}, context: {{cluster: {name}, user: {name}}}}}")),
        list(&|name, server, _| format!("{{name: {name}, cluster: {{server: \"{server}\"}}}}")),
        list(&|name, _, token| format!("{{name: {name}, user: {{token: {token}}}}}")),
    )
}

/// A Secret of Argo CD.
fn secret(name: &str, token: &str) -> Vec<u8> {
    format!(
        r#"{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "{name}", "namespace": "argocd",
            "labels": {{"argocd.argoproj.io/secret-type": "cluster"}}}},
            "stringData": {{"server": "https://{name}", "config": "{{\"bearerToken\": \"{token}\"}}"}}}}"#
    )
    .into_bytes()
}

async fn token(configuration: &ClientConfiguration) -> String {
    let credential = configuration.credentials().current().await.unwrap();
    credential.token().unwrap().expose_secret().to_owned()
}

/// Lets everything happen that is due, without the passing of time.
async fn settle(fleet: &Fleet) {
    pause().await;
    fleet.settled().await;
    // Broken members are tried again after the others are settled.
    pause().await;
}

/// Lets all tasks go on, and threads that parse for them.
#[expect(clippy::disallowed_methods, reason = "threads run in real time")]
async fn pause() {
    for _ in 0..10 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Starts a fleet while time passes.
async fn start_slowly(world: &SimulatedHost, fleet: FleetBuilder) -> Fleet {
    let starting = tokio::spawn(fleet.start());
    for _ in 0..30 {
        if starting.is_finished() {
            break;
        }
        pause().await;
        world.advance(Duration::from_secs(1));
    }
    starting.await.unwrap().unwrap()
}

async fn after_a_minute(world: &SimulatedHost, fleet: &Fleet) {
    world.advance(MINUTE);
    settle(fleet).await;
}

/// The changes so far, each with its name.
fn pending(changes: &mut Changes) -> Vec<String> {
    let mut pending = Vec::new();
    while let Some(change) = changes.try_next() {
        let kind = match change {
            Change::Added(_) => "added",
            Change::Changed(_) => "changed",
            _ => "removed",
        };
        pending.push(format!("{kind} {}", change.name()));
    }
    pending.sort();
    pending
}

#[tokio::test]
async fn contexts_come_and_go() {
    let world = SimulatedHost::new();
    world.write(
        PATH,
        &kubeconfig(&[("a", "https://a", "token-a"), ("b", "https://b", "token-b")]),
    );
    let fleet = started(&world).await;
    let mut changes = fleet.changes();
    assert_eq!(pending(&mut changes), ["added mine/a", "added mine/b"]);
    world.write(
        PATH,
        &kubeconfig(&[("b", "https://b", "token-b"), ("c", "https://c", "token-c")]),
    );
    after_a_minute(&world, &fleet).await;
    assert_eq!(pending(&mut changes), ["added mine/c", "removed mine/a"]);
    assert_eq!(fleet.members().len(), 2);
    assert!(fleet.get("mine/a").is_none());
}

#[tokio::test]
async fn a_rotated_token_is_followed_by_the_same_member_and_is_not_a_change() {
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-1")]));
    let fleet = started(&world).await;
    let mut changes = fleet.changes();
    pending(&mut changes);
    let member = fleet.get("mine/a").unwrap();
    let configuration = member.configuration().unwrap();
    assert_eq!(token(configuration).await, "token-1");
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-2")]));
    after_a_minute(&world, &fleet).await;
    assert_eq!(token(configuration).await, "token-2");
    assert!(pending(&mut changes).is_empty());
}

#[tokio::test]
async fn a_rotated_token_is_used_at_once_after_a_401() {
    let world = SimulatedHost::new();
    world.write(
        PATH,
        &kubeconfig(&[("a", "https://a", "token-0"), ("b", "https://b", "token-b")]),
    );
    let fleet = started(&world).await;
    let member = fleet.get("mine/a").unwrap();
    let credentials = member.configuration().unwrap().credentials();
    for round in 0..4 {
        let held = credentials.current().await.unwrap();
        assert_eq!(held.token().unwrap().expose_secret(), format!("token-{round}"));
        world.write(
            PATH,
            &kubeconfig(&[("a", "https://a", &format!("token-{}", round + 1))]),
        );
        world.advance(Duration::from_secs(2));
        credentials.accept(held.generation());
        credentials.invalidate(held.generation());
    }
    assert_eq!(token(member.configuration().unwrap()).await, "token-4");
    // What else has changed is noticed with it, without waiting for the timer.
    settle(&fleet).await;
    assert!(fleet.get("mine/b").is_none());
}

#[tokio::test]
async fn another_server_is_a_change_with_a_new_configuration_and_the_old_one_is_kept_as_it_was() {
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let fleet = started(&world).await;
    let mut changes = fleet.changes();
    pending(&mut changes);
    let old = fleet.get("mine/a").unwrap();
    assert_eq!(token(old.configuration().unwrap()).await, "token-a");
    world.write(PATH, &kubeconfig(&[("a", "https://stolen", "token-b")]));
    after_a_minute(&world, &fleet).await;
    assert_eq!(pending(&mut changes), ["changed mine/a"]);
    let new = fleet.get("mine/a").unwrap();
    assert_eq!(
        new.configuration().unwrap().cluster().server.as_str(),
        "https://stolen"
    );
    assert_eq!(token(new.configuration().unwrap()).await, "token-b");
    for _ in 0..3 {
        after_a_minute(&world, &fleet).await;
        assert_eq!(
            old.configuration().unwrap().current_cluster().server.as_str(),
            "https://a"
        );
        assert_eq!(token(old.configuration().unwrap()).await, "token-a");
    }
    assert!(pending(&mut changes).is_empty());
}

#[tokio::test]
async fn a_broken_member_is_reported_and_becomes_whole() {
    let world = SimulatedHost::new();
    let broken =
        kubeconfig(&[("a", "https://a", "token-a")]).replace("token: token-a", "tokenFile: /run/token");
    world.write(PATH, &broken);
    let fleet = started(&world).await;
    let mut changes = fleet.changes();
    assert_eq!(pending(&mut changes), ["added mine/a"]);
    let error = fleet.get("mine/a").unwrap().configuration().unwrap_err().clone();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile);
    assert!(
        fleet
            .report()
            .to_string()
            .contains("mine/a: failed: mine/a: cannot read"),
        "{}",
        fleet.report()
    );
    after_a_minute(&world, &fleet).await;
    assert!(pending(&mut changes).is_empty());
    // The file that is missing belongs to no input, and is looked for every minute nevertheless.
    world.write("/run/token", "token-a");
    after_a_minute(&world, &fleet).await;
    assert_eq!(pending(&mut changes), ["changed mine/a"]);
    assert_eq!(
        token(fleet.get("mine/a").unwrap().configuration().unwrap()).await,
        "token-a"
    );
}

#[tokio::test]
async fn what_the_policy_decides_about_the_plugin_of_a_member_can_be_asked() {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    world.install_program("/usr/bin/login");
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login}";
    world.write(
        PATH,
        &kubeconfig(&[("a", "https://a", "x")]).replace("token: x", exec),
    );
    let fleet = started(&world).await;
    let member = fleet.get("mine/a").unwrap();
    let credentials = member.configuration().unwrap().credentials();
    assert!(credentials.plugin_verdict().await.is_some());
}
