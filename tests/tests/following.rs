//! Followed configurations: what is rewritten in a kubeconfig while the program runs.

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

async fn follow_by(world: &SimulatedHost, rules: FollowRules) -> ClientConfiguration {
    kubex::configure_from_kubeconfig()
        .path(PATH)
        .host(world.host())
        .follow_rules(rules)
        .await
        .unwrap()
}

#[tokio::test]
async fn another_server_that_was_allowed_beforehand_is_a_successor_with_its_own_credential() {
    let (one, two) = ("https://10.0.0.1:6443", "https://10.0.0.2:6443");
    let world = world(&kubeconfig(one, "", "token: first-token"));
    let (log, guard) = Log::capture();
    let configuration = follow_by(&world, FollowRules::new().allow_other_server(true)).await;
    assert_eq!(token(&configuration).await, "first-token");
    assert!(configuration.successor().is_none());
    world.write(PATH, &kubeconfig(two, "", "token: second-token"));
    for _ in 0..3 {
        world.advance(MINUTE);
        assert_eq!(
            token(&configuration).await,
            "first-token",
            "the old server gets no new token"
        );
        assert_eq!(configuration.cluster().server.as_str(), one);
    }
    let successor = configuration.successor().unwrap();
    assert_eq!(successor.cluster().server.as_str(), two);
    assert_eq!(token(&successor).await, "second-token");
    // The successor follows too, and the newest one is found from each.
    world.write(PATH, &kubeconfig(two, "", "token: third-token"));
    world.advance(MINUTE);
    assert_eq!(token(&successor).await, "third-token");
    assert!(successor.successor().is_none());
    world.write(PATH, &kubeconfig(one, "", "token: fourth-token"));
    world.advance(MINUTE);
    token(&successor).await;
    assert_eq!(token(&configuration.successor().unwrap()).await, "fourth-token");
    assert_eq!(token(&configuration).await, "first-token");
    drop(guard);
    let replaced = log.lines("replaced");
    assert_eq!(replaced.len(), 2, "{replaced:?}");
    let report = configuration.successor().unwrap().current_report().to_string();
    let line = "since then: replaced: server https://10.0.0.1:6443 to https://10.0.0.2:6443";
    assert!(report.contains(line), "{report}");
    assert!(
        !log.text().contains("-token") && !report.contains("-token"),
        "{report}"
    );
}

#[tokio::test]
async fn the_program_is_asked_about_each_change_and_only_a_yes_is_taken() {
    let server = "https://10.0.0.1:6443";
    let changes = [
        kubeconfig("https://10.0.0.2:6443", "", "token: second-token"),
        kubeconfig(server, ", insecure-skip-tls-verify: true", "token: second-token"),
        kubeconfig(server, "", "tokenFile: /run/token"),
    ];
    for (index, content) in changes.iter().enumerate() {
        for answer in [false, true] {
            let world = world(&with_token("first-token"));
            world.write("/run/token", "second-token");
            let rules = FollowRules::new().allow_if(move |change| {
                let kinds = [
                    change.is_other_server(),
                    change.becomes_insecure(),
                    change.is_other_identity(),
                ];
                assert_eq!(kinds.iter().position(|is_it| *is_it), Some(index));
                answer
            });
            let configuration = follow_by(&world, rules).await;
            token(&configuration).await;
            world.write(PATH, content);
            world.advance(MINUTE);
            assert_eq!(token(&configuration).await, "first-token");
            let successor = configuration.successor();
            assert_eq!(successor.is_some(), answer, "{content}");
            if let Some(successor) = successor {
                assert_eq!(token(&successor).await, "second-token", "{content}");
            }
        }
    }
}

#[tokio::test]
async fn no_flag_allows_trust_that_becomes_insecure() {
    let world = world(&with_token("first-token"));
    let rules = FollowRules::new()
        .allow_other_server(true)
        .allow_other_source(true)
        .allow_other_identity(true);
    let configuration = follow_by(&world, rules).await;
    token(&configuration).await;
    let insecure = kubeconfig(
        "https://10.0.0.2:6443",
        ", insecure-skip-tls-verify: true",
        "token: other-token",
    );
    world.write(PATH, &insecure);
    world.advance(MINUTE);
    token(&configuration).await;
    assert!(configuration.successor().is_none());
    let report = configuration.current_report();
    assert_eq!(report.changes()[0].outcome, "kept");
    let details = &report.changes()[0].details;
    assert!(details.contains("trust system to insecure"), "{details}");
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

#[tokio::test]
async fn a_kubeconfig_that_is_handed_in_anew_is_used_from_the_next_request_on() {
    let world = SimulatedHost::new();
    let handed = ReplaceableKubeconfig::new(with_token("first-token").into_bytes());
    let configuration = kubex::configure_from_kubeconfig()
        .replaceable(&handed)
        .host(world.host())
        .following()
        .await
        .unwrap();
    assert_eq!(token(&configuration).await, "first-token");
    handed.replace(with_token("second-token").into_bytes());
    assert_eq!(token(&configuration).await, "first-token");
    configuration.look_again();
    assert_eq!(token(&configuration).await, "second-token");
    handed.replace_from(with_token("third-token").as_bytes()).unwrap();
    world.advance(MINUTE);
    assert_eq!(token(&configuration).await, "third-token");
    // It is as untrusted as before, and what is not valid changes nothing.
    handed.replace(kubeconfig("https://10.0.0.1:6443", "", "tokenFile: /run/token").into_bytes());
    configuration.look_again();
    assert_eq!(token(&configuration).await, "third-token");
    let report = configuration.current_report().to_string();
    assert!(report.contains("since then: failed: "), "{report}");
    assert!(!format!("{handed:?} {configuration:?} {report}").contains("-token"));
}

#[tokio::test]
async fn looking_again_looks_even_right_after_a_look_and_costs_nothing_if_nothing_changed() {
    let world = world(&with_token("first-token"));
    let configuration = follow(&world).await;
    token(&configuration).await;
    for number in 0..5 {
        world.write(PATH, &with_token(&format!("token-{number}")));
        configuration.look_again();
        assert_eq!(token(&configuration).await, format!("token-{number}"));
    }
    let generation = configuration.credentials().current().await.unwrap().generation();
    configuration.look_again();
    let same = configuration.credentials().current().await.unwrap().generation();
    assert_eq!(generation, same);
}

fn with_plugin() -> String {
    let user =
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/plugin, interactiveMode: Never}";
    kubeconfig("https://10.0.0.1:6443", "", user)
}

#[tokio::test]
async fn a_policy_that_now_refuses_the_plugin_holds_from_the_next_run_on() {
    let world = world(&with_plugin());
    world.set_variable("HOME", "/home/jane");
    world.set_variable("KUBEX_CONFIG", "/etc/kubex.yaml");
    world.write("/etc/kubex.yaml", "exec: {policy: allow-all}\n");
    world.install_program("/bin/plugin");
    let lives = |minutes: u32| {
        let expires = rfc3339(world.host().now().wall + MINUTE * minutes);
        plugin::prints(
            json!({
                "apiVersion": "client.authentication.k8s.io/v1",
                "kind": "ExecCredential",
                "status": {"token": "plugin-token", "expirationTimestamp": expires.to_string()},
            })
            .to_string(),
        )
    };
    world.run_processes(lives(10));
    let (log, guard) = Log::capture();
    let configuration = kubex::follow().host(world.host()).await.unwrap();
    assert_eq!(token(&configuration).await, "plugin-token");
    world.write("/etc/kubex.yaml", "exec: {policy: deny-all}\n");
    world.advance(MINUTE);
    assert_eq!(
        token(&configuration).await,
        "plugin-token",
        "the credential in hand is used up"
    );
    assert_eq!(world.runs(), 1);
    world.advance(MINUTE * 10);
    let outcome = configuration.credentials().current().await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(world.runs(), 1);
    drop(guard);
    let followed: Vec<_> = log
        .lines("followed")
        .into_iter()
        .filter(|line| line.contains("policy"))
        .collect();
    assert_eq!(followed.len(), 1, "{}", log.text());
    // A policy that allows it again is followed too.
    world.write("/etc/kubex.yaml", "exec: {policy: allow-all}\n");
    world.run_processes(lives(20));
    world.advance(MINUTE * 2);
    assert_eq!(token(&configuration).await, "plugin-token");
    assert_eq!(world.runs(), 2);
}

#[tokio::test]
async fn a_policy_holds_also_while_another_change_is_kept_out_or_the_kubeconfig_is_broken() {
    for kubeconfig in [
        with_plugin().replace("https://10.0.0.1:6443", "https://10.0.0.2:6443"),
        "clusters: [".to_owned(),
    ] {
        let world = world(&with_plugin());
        world.set_variable("HOME", "/home/jane");
        world.set_variable("KUBEX_CONFIG", "/etc/kubex.yaml");
        world.write("/etc/kubex.yaml", "exec: {policy: allow-all}\n");
        world.install_program("/bin/plugin");
        let expires = rfc3339(world.host().now().wall + MINUTE * 10);
        world.run_processes(plugin::prints(
            json!({
                "apiVersion": "client.authentication.k8s.io/v1",
                "kind": "ExecCredential",
                "status": {"token": "plugin-token", "expirationTimestamp": expires.to_string()},
            })
            .to_string(),
        ));
        let configuration = kubex::follow().host(world.host()).await.unwrap();
        assert_eq!(token(&configuration).await, "plugin-token");
        world.write("/home/jane/.kube/config", &kubeconfig);
        world.write("/etc/kubex.yaml", "exec: {policy: deny-all}\n");
        world.advance(MINUTE * 11);
        let outcome = configuration.credentials().current().await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Refused, "{kubeconfig}");
        assert_eq!(world.runs(), 1, "{kubeconfig}");
    }
}

#[tokio::test]
async fn another_source_is_kept_out_and_taken_where_it_was_allowed() {
    for is_allowed in [false, true] {
        let world = world(&with_token("first-token"));
        world.set_variable("HOME", "/home/jane");
        world.set_variable("KUBEX_CONFIG", "/etc/kubex.yaml");
        world.write("/etc/kubex.yaml", "chain: [kubeconfig]\n");
        let rules = FollowRules::new().allow_other_source(is_allowed);
        let configuration = kubex::resolve()
            .host(world.host())
            .follow_rules(rules)
            .await
            .unwrap();
        token(&configuration).await;
        world.write(
            "/etc/kubex.yaml",
            "chain: [vault]\nsources: {vault: {provider: token-file, server: 'https://10.0.0.9', token-file: /run/token}}\n",
        );
        world.write("/run/token", "second-token");
        world.advance(MINUTE);
        assert_eq!(token(&configuration).await, "first-token");
        let report = configuration.current_report();
        assert!(!report.changes().is_empty(), "{configuration:?}");
        let change = report.changes()[0].clone();
        if let Some(successor) = configuration.successor() {
            assert!(is_allowed);
            assert_eq!(token(&successor).await, "second-token");
            assert_eq!(successor.report().chosen().unwrap().source, "vault");
        } else {
            assert!(!is_allowed);
            assert_eq!(change.outcome, "kept");
            assert!(
                change.details.contains("source kubeconfig to vault"),
                "{change:?}"
            );
        }
    }
}

/// How many pairs are read. `KUBEX_FULL_ROTATION` asks for a long run.
fn reads() -> usize {
    if std::env::var_os("KUBEX_FULL_ROTATION").is_some() {
        500_000
    } else {
        20_000
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_sees_the_token_of_one_writing_and_the_server_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let content = |number: usize| {
        let server = format!("https://10.0.0.{}:6443", number % 2);
        kubeconfig(&server, "", &format!("token: token-of-{}-{number}", number % 2))
    };
    std::fs::write(&path, content(0)).unwrap();
    let configuration = kubex::configure_from_kubeconfig()
        .path(&path)
        .follow_rules(FollowRules::new().allow_other_server(true))
        .await
        .unwrap();
    // However fast this machine reads, several writings take place meanwhile.
    let was_rewritten = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let mut configuration = configuration.clone();
            let was_rewritten = Arc::clone(&was_rewritten);
            tokio::spawn(async move {
                let mut servers = std::collections::BTreeSet::new();
                let mut left = reads() / 4;
                let begun = Instant::now();
                while left > 0 || servers.len() < 2 || !was_rewritten.load(Ordering::Relaxed) {
                    assert!(begun.elapsed() < Duration::from_secs(600), "{servers:?}");
                    left = left.saturating_sub(1);
                    if let Some(successor) = configuration.successor() {
                        configuration = successor;
                    }
                    let server = configuration.cluster().server.as_str().to_owned();
                    let token = token(&configuration).await;
                    let of = &server["https://10.0.0.".len()..][..1];
                    assert!(
                        token.starts_with(&format!("token-of-{of}-")),
                        "{token} for {server}"
                    );
                    servers.insert(server);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut number = 0;
    while readers.iter().any(|reader| !reader.is_finished()) {
        number += 1;
        was_rewritten.store(number > 20, Ordering::Relaxed);
        let new = path.with_extension("new");
        std::fs::write(&new, content(number)).unwrap();
        std::fs::rename(&new, &path).unwrap();
        configuration.look_again();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("at least {} reads, {number} writings, 0 mixed pairs", reads());
    for reader in readers {
        reader.await.unwrap();
    }
}

/// A source that counts how often it is resolved.
#[derive(Debug, Default)]
struct Counted(AtomicUsize);

#[async_trait::async_trait]
impl CredentialProvider for Counted {
    async fn resolve(&self, _: ResolveRequest<'_>) -> kubex::Result<ResolvedSource> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let token = Options::new().set("token", "a-token");
        Ok(ResolvedSource::for_server("https://10.0.0.1").identity(Identity::named("static", token)))
    }
}

#[tokio::test]
async fn an_idle_program_looks_for_nothing_and_a_busy_one_about_once_a_minute() {
    let world = SimulatedHost::new();
    let counted = Arc::new(Counted::default());
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(Source::from_provider(
            "counted",
            Arc::clone(&counted) as Arc<dyn CredentialProvider>,
        ))
        .build()
        .unwrap();
    let configuration = chain.follow().await.unwrap();
    token(&configuration).await;
    for _ in 0..60 {
        world.advance(MINUTE);
        tokio::task::yield_now().await;
    }
    let looks = || counted.0.load(Ordering::Relaxed);
    assert_eq!(looks(), 1, "nothing asks, so nothing is resolved");
    for _ in 0..600 {
        world.advance(Duration::from_secs(1));
        token(&configuration).await;
        // The fetch in the background runs on this thread.
        tokio::time::sleep(Duration::from_micros(1)).await;
    }
    let busy = looks() - 1;
    assert!((9..=14).contains(&busy), "{busy} looks in ten minutes");
}
