//! Followed configurations: what is rewritten in a kubeconfig while the program runs.

mod looks;
mod permissions;
mod policies;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex::follow::FollowRules;
use kubex::{
    Chain, CredentialProvider, Identity, Options, ReplaceableKubeconfig, ResolveRequest, ResolvedSource,
    Source,
};
use kubex_core::faults::plugin;
use kubex_core::host::SimulatedHost;
use kubex_core::time::rfc3339;
use kubex_core::{ClientConfiguration, ErrorKind, ExposeSecret, Trust};
use kubex_tests::api_server::ApiServer;
use kubex_tests::log::Log;
use serde_json::json;

const PATH: &str = "/home/jane/.kube/config";
const MINUTE: Duration = Duration::from_secs(61);

/// A kubeconfig with this server and these lines of the cluster and the user.
fn kubeconfig(server: &str, cluster: &str, user: &str) -> String {
    format!(
        "current-context: a\n\
         contexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: \"{server}\"{cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    )
}

fn with_token(token: &str) -> String {
    kubeconfig("https://10.0.0.1:6443", "", &format!("token: {token}"))
}

async fn follow(world: &SimulatedHost) -> ClientConfiguration {
    kubex::configure_from_kubeconfig()
        .path(PATH)
        .host(world.host())
        .following()
        .await
        .unwrap()
}

fn world(kubeconfig: &str) -> SimulatedHost {
    let world = SimulatedHost::new();
    world.write(PATH, kubeconfig);
    world
}

async fn token(configuration: &ClientConfiguration) -> String {
    let credential = configuration.credentials().current().await.unwrap();
    credential.token().unwrap().expose_secret().to_owned()
}

async fn reject(configuration: &ClientConfiguration) {
    let credentials = configuration.credentials();
    let generation = credentials.current().await.unwrap().generation();
    credentials.accept(generation);
    credentials.invalidate(generation);
}

#[tokio::test]
async fn an_inline_token_that_is_replaced_is_used_after_a_minute() {
    let world = world(&with_token("first-token"));
    let configuration = follow(&world).await;
    assert_eq!(token(&configuration).await, "first-token");
    world.write(PATH, &with_token("second-token"));
    assert_eq!(token(&configuration).await, "first-token");
    world.advance(MINUTE);
    assert_eq!(token(&configuration).await, "second-token");
}

#[tokio::test]
async fn an_inline_token_that_is_replaced_is_used_at_once_after_a_401() {
    let world = world(&with_token("first-token"));
    let configuration = follow(&world).await;
    for round in 0..5 {
        assert_eq!(
            token(&configuration).await,
            if round == 0 {
                "first-token".into()
            } else {
                format!("token-{round}")
            }
        );
        world.write(PATH, &with_token(&format!("token-{}", round + 1)));
        reject(&configuration).await;
    }
    assert_eq!(token(&configuration).await, "token-5");
}

#[tokio::test]
async fn without_following_an_inline_token_is_read_once() {
    let world = world(&with_token("first-token"));
    let configuration = kubex::configure_from_kubeconfig()
        .path(PATH)
        .host(world.host())
        .await
        .unwrap();
    world.write(PATH, &with_token("second-token"));
    world.advance(MINUTE);
    reject(&configuration).await;
    assert_eq!(token(&configuration).await, "first-token");
}

#[tokio::test]
async fn what_needs_a_new_configuration_is_kept_out_with_one_warning() {
    let server = "https://10.0.0.1:6443";
    let changes = [
        (
            "server",
            kubeconfig("https://10.0.0.2:6443", "", "token: stolen-token"),
        ),
        (
            "trust",
            kubeconfig(server, ", insecure-skip-tls-verify: true", "token: other-token"),
        ),
        ("credential", kubeconfig(server, "", "")),
        ("credential", kubeconfig(server, "", "tokenFile: /run/token")),
    ];
    for (changed, content) in changes {
        let world = world(&with_token("first-token"));
        world.write("/run/token", "other-token");
        let (log, guard) = Log::capture();
        let configuration = follow(&world).await;
        assert_eq!(token(&configuration).await, "first-token");
        world.write(PATH, &content);
        for _ in 0..3 {
            world.advance(MINUTE);
            assert_eq!(token(&configuration).await, "first-token", "{content}");
            assert_eq!(configuration.cluster().server.as_str(), server);
        }
        drop(guard);
        let warnings = log.lines("WARN");
        assert_eq!(warnings.len(), 1, "{content}: {warnings:?}");
        assert!(
            warnings[0].contains("kept") && warnings[0].contains(changed),
            "{warnings:?}"
        );
        assert!(!format!("{warnings:?}").contains("-token"), "{warnings:?}");
    }
}

#[tokio::test]
async fn half_written_and_missing_files_change_nothing_and_the_next_whole_one_is_taken() {
    let world = world(&with_token("first-token"));
    let (log, guard) = Log::capture();
    let configuration = follow(&world).await;
    let whole = with_token("second-token");
    for length in (0..whole.len()).step_by(7) {
        world.write(PATH, &whole[..length]);
        world.advance(MINUTE);
        let now = token(&configuration).await;
        assert!(
            now == "first-token" || now.starts_with("second"),
            "{now} after {length} bytes"
        );
    }
    world.remove(PATH);
    world.advance(MINUTE);
    token(&configuration).await;
    world.write(PATH, &whole);
    world.advance(MINUTE);
    assert_eq!(token(&configuration).await, "second-token");
    drop(guard);
    let failed = log
        .lines("WARN")
        .iter()
        .filter(|line| line.contains("failed"))
        .count();
    assert!(!log.text().contains("-token"), "{}", log.text());
    assert!(
        (1..=3).contains(&failed),
        "a failure that goes on is not logged again: {failed}"
    );
}

#[tokio::test]
async fn a_plugin_whose_arguments_change_is_run_with_the_new_ones() {
    let user = |argument: &str| {
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/plugin, args: [{argument}], \
             interactiveMode: Never}}"
        )
    };
    let world = world(&kubeconfig("https://10.0.0.1:6443", "", &user("one")));
    world.install_program("/bin/plugin");
    world.run_processes(|process| {
        let argument = process.arguments.join(" ");
        plugin::prints(
            json!({
                "apiVersion": "client.authentication.k8s.io/v1",
                "kind": "ExecCredential",
                "status": {"token": format!("token-of-{argument}")},
            })
            .to_string(),
        )(process)
    });
    let configuration = follow(&world).await;
    assert_eq!(token(&configuration).await, "token-of-one");
    world.write(PATH, &kubeconfig("https://10.0.0.1:6443", "", &user("two")));
    world.advance(MINUTE);
    assert_eq!(token(&configuration).await, "token-of-two");
}

#[tokio::test]
async fn a_file_of_authorities_that_is_replaced_is_read_at_once_when_the_server_is_not_trusted() {
    let server = ApiServer::builder().start().await.unwrap();
    let before = server.ca_pem();
    server.rotate_certificate_authority();
    let world = world(&kubeconfig(
        "https://10.0.0.1:6443",
        ", certificate-authority: /etc/ca.crt",
        "token: a-good-token",
    ));
    world.write("/etc/ca.crt", &before);
    let configuration = follow(&world).await;
    let first = configuration.trust().current().await;
    world.write("/etc/ca.crt", &server.ca_pem());
    configuration.trust().invalidate(first.generation());
    let second = configuration.trust().current().await;
    assert!(second.generation() > first.generation());
    server.shutdown().await;
}

#[tokio::test]
async fn a_replaced_authority_is_trusted_and_the_connections_are_new() {
    let one = ApiServer::builder().start().await.unwrap();
    let before = one.ca_pem();
    one.rotate_certificate_authority();
    let after = one.ca_pem();
    let with_authority = |pem: &str| {
        let authority = format!(", certificate-authority-data: {}", BASE64_STANDARD.encode(pem));
        kubeconfig("https://10.0.0.1:6443", &authority, "token: a-good-token")
    };
    let world = world(&with_authority(&before));
    let configuration = follow(&world).await;
    let first = configuration.trust().current().await;
    world.write(PATH, &with_authority(&after));
    configuration.trust().invalidate(first.generation());
    let second = configuration.trust().current().await;
    assert!(second.generation() > first.generation());
    let (Trust::CaBundle(old), Trust::CaBundle(new)) = (first.trust(), second.trust()) else {
        panic!("both are CA bundles");
    };
    assert_ne!(old.pem(), new.pem());
    one.shutdown().await;
}

#[tokio::test]
async fn another_current_context_changes_nothing_and_the_first_one_is_followed_by_its_name() {
    let contexts = |current: &str, token: &str| {
        format!(
            "current-context: {current}\n\
             contexts: [{{name: a, context: {{cluster: c, user: u}}}}, {{name: b, context: {{cluster: d, user: v}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"https://10.0.0.1\"}}}}, \
             {{name: d, cluster: {{server: \"https://10.0.0.2\"}}}}]\n\
             users: [{{name: u, user: {{token: {token}}}}}, {{name: v, user: {{token: other-token}}}}]\n"
        )
    };
    let world = world(&contexts("a", "first-token"));
    let configuration = follow(&world).await;
    assert_eq!(token(&configuration).await, "first-token");
    world.write(PATH, &contexts("b", "second-token"));
    world.advance(MINUTE);
    assert_eq!(token(&configuration).await, "second-token");
    let changes = configuration.current_report();
    assert_eq!(changes.changes().len(), 1, "{changes}");
    assert_eq!(changes.changes()[0].outcome, "followed");
}
