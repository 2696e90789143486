//! Each metric counts what it says, on the simulated host.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

use kubex::credentials::StoreIdentity;
use kubex::host::{Exit, PluginPolicy, PluginRules, ProcessError, ProcessOutput};
use kubex::{
    Chain, ClientConfiguration, Cluster, Credential, CredentialSource, Credentials, FetchRequest, Host,
    ServerUrl, Source,
};
use kubex_core::host::{Process, SimulatedHost};
use kubex_store::{KeyPlace, Location, StoredSource};
use kubex_tests::api_server::ApiServer;
use serde_json::json;

use crate::recorded::Recorded;
use crate::shown::disguises;

type Output = Result<ProcessOutput, ProcessError>;

const TOKEN: &str = "Qz7metric-canary-in-a-token";

fn exits(status: i32, output: String) -> impl Fn(&Process) -> Output {
    move |_| {
        Ok(ProcessOutput {
            exit: Exit::Status(status),
            output: output.clone().into_bytes().into(),
            error: Vec::new().into(),
        })
    }
}

fn answer(status: &serde_json::Value) -> String {
    json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": status,
    })
    .to_string()
}

/// A plugin whose token expires after this number of seconds of the real clock.
pub(crate) fn prints_token(token: &str, seconds: u64) -> impl Fn(&Process) -> Output {
    let expires = jiff::Timestamp::try_from(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
    exits(
        0,
        answer(&json!({ "token": token, "expirationTimestamp": expires.to_string() })),
    )
}

pub(crate) async fn configuration_with_plugin(world: &SimulatedHost) -> ClientConfiguration {
    world.install_program("/bin/plugin");
    world.set_wall_clock(SystemTime::now());
    let source = Source::new("lab")
        .provider("exec")
        .option("server", "https://10.0.0.1:6443")
        .option("command", "/bin/plugin");
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(source);
    chain.build().unwrap().resolve().await.unwrap()
}

fn fetches(outcome: &str, reason: &str) -> String {
    format!(
        "kubex_fetches_total{{subject=\"credentials\",source=\"lab\",outcome=\"{outcome}\",reason=\"{reason}\"}}"
    )
}

#[tokio::test]
async fn a_fetch_is_counted_by_its_outcome_and_a_plugin_by_its_exit_status() {
    let recorded = Recorded::start();
    let world = SimulatedHost::new();
    let configuration = configuration_with_plugin(&world).await;
    let credentials = configuration.credentials();
    world.run_processes(exits(7, String::new()));
    credentials.current().await.unwrap_err();
    assert_eq!(recorded.value(&fetches("failed", "first")), 1.0);
    assert_eq!(
        recorded
            .value("rest_client_exec_plugin_call_total{code=\"7\",call_status=\"plugin_execution_error\"}"),
        1.0
    );
    world.run_processes(prints_token(TOKEN, 600));
    world.advance(Duration::from_secs(10));
    credentials.current().await.unwrap();
    assert_eq!(recorded.value(&fetches("fetched", "first")), 1.0);
    assert_eq!(
        recorded.value("rest_client_exec_plugin_call_total{code=\"0\",call_status=\"no_error\"}"),
        1.0
    );
    let left = recorded.value("kubex_credentials_seconds_to_expiry{source=\"lab\"}");
    assert!((1.0..=600.0).contains(&left), "{left}");
    let generation = credentials.current().await.unwrap().generation();
    credentials.invalidate(generation);
    credentials.invalidate(generation);
    assert_eq!(
        recorded.value("kubex_rejections_total{subject=\"credentials\",source=\"lab\"}"),
        1.0,
        "a generation is rejected once"
    );
    assert_eq!(
        recorded.value("kubex_fetch_duration_seconds_count{subject=\"credentials\",source=\"lab\"}"),
        2.0
    );
    let scrape = recorded.scrape();
    for disguise in disguises(TOKEN) {
        assert!(!scrape.contains(&disguise), "{scrape}");
    }
}

#[tokio::test]
async fn a_missing_plugin_and_a_denied_one_are_counted_and_only_the_first_is_a_call() {
    let recorded = Recorded::start();
    let world = SimulatedHost::new();
    let source = Source::new("lab")
        .provider("exec")
        .option("server", "https://10.0.0.1:6443")
        .option("command", "/bin/missing");
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(source.clone());
    let missing = chain.build().unwrap().resolve().await.unwrap();
    missing.credentials().current().await.unwrap_err();
    let not_found = "rest_client_exec_plugin_call_total{code=\"1\",call_status=\"plugin_not_found_error\"}";
    assert_eq!(recorded.value(not_found), 1.0);

    world.install_program("/bin/missing");
    let rules = PluginRules::new().policy(PluginPolicy::deny_all());
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .plugin_rules(rules)
        .source(source);
    let denied = chain.build().unwrap().resolve().await.unwrap();
    denied.credentials().current().await.unwrap_err();
    let policy = "rest_client_exec_plugin_policy_call_total{allowed=\"false\",denied=\"true\"}";
    assert_eq!(recorded.value(policy), 1.0);
    assert_eq!(recorded.value(not_found), 1.0);
}

#[tokio::test]
async fn the_certificates_of_plugins_have_a_time_to_live_and_an_age_at_which_they_are_replaced() {
    let recorded = Recorded::start();
    let ttl = "rest_client_exec_plugin_ttl_seconds";
    assert_eq!(recorded.value(ttl), f64::INFINITY);
    let server = ApiServer::builder().start().await.unwrap();
    let prints = |name: &str| {
        let pem = server.issue_client_certificate(name, &[]);
        exits(
            0,
            answer(&json!({ "clientCertificateData": pem.certificate, "clientKeyData": pem.key })),
        )
    };
    let world = SimulatedHost::new();
    let configuration = configuration_with_plugin(&world).await;
    let credentials = configuration.credentials();
    world.run_processes(prints("jane"));
    let generation = credentials.current().await.unwrap().generation();
    let left = recorded.value(ttl);
    assert!(left.is_finite() && left > 0.0, "{left}");
    let replaced = "rest_client_exec_plugin_certificate_rotation_age_count";
    assert_eq!(recorded.value(replaced), 0.0);
    world.run_processes(prints("john"));
    credentials.accept(generation);
    credentials.invalidate(generation);
    credentials.current().await.unwrap();
    assert_eq!(recorded.value(replaced), 1.0);
    drop(configuration);
    assert_eq!(recorded.value(ttl), f64::INFINITY);
    server.shutdown().await;
}

#[tokio::test]
async fn handles_are_counted_while_they_live_and_callers_while_they_wait() {
    let recorded = Recorded::start();
    let (handles, waiters) = (
        "kubex_handles{subject=\"credentials\"}",
        "kubex_waiters{subject=\"credentials\"}",
    );
    let before = (recorded.value(handles), recorded.value(waiters));
    let world = SimulatedHost::new();
    let configuration = configuration_with_plugin(&world).await;
    assert_eq!(recorded.value(handles), before.0 + 1.0);
    world.run_processes(prints_token(TOKEN, 600));
    let credentials = configuration.credentials();
    let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(credentials.current())).collect();
    for caller in &mut waiting {
        assert!(
            caller
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    assert_eq!(recorded.value(waiters), before.1 + 5.0);
    drop(waiting);
    assert_eq!(recorded.value(waiters), before.1);
    credentials.current().await.unwrap();
    drop(configuration);
    // The fetch holds the handle until its task has ended.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(recorded.value(handles), before.0);
}

fn kubeconfig(server: &str, token: &str) -> String {
    json!({
        "current-context": "a",
        "contexts": [{ "name": "a", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{ "name": "c", "cluster": { "server": server } }],
        "users": [{ "name": "u", "user": { "token": token } }],
    })
    .to_string()
}

#[tokio::test]
async fn what_happens_to_a_followed_source_is_counted_once() {
    let recorded = Recorded::start();
    let world = SimulatedHost::new();
    let path = "/home/jane/.kube/config";
    world.write(path, &kubeconfig("https://10.0.0.1:6443", "first-token"));
    let following = kubex::configure_from_kubeconfig().path(path).host(world.host());
    let configuration = following.following().await.unwrap();
    let write_and_ask = async |content: &str| {
        world.write(path, content);
        for _ in 0..2 {
            world.advance(Duration::from_secs(61));
            configuration.credentials().current().await.unwrap();
        }
    };
    write_and_ask(&kubeconfig("https://10.0.0.1:6443", "second-token")).await;
    write_and_ask(&kubeconfig("https://10.0.0.2:6443", "second-token")).await;
    write_and_ask("clusters: [").await;
    write_and_ask(&kubeconfig("https://10.0.0.1:6443", "third-token")).await;
    for (outcome, times) in [
        ("followed", 2.0),
        ("kept", 1.0),
        ("failed", 1.0),
        ("recovered", 1.0),
    ] {
        let series = format!("kubex_follow_events_total{{source=\"kubeconfig\",outcome=\"{outcome}\"}}");
        assert_eq!(recorded.value(&series), times, "{outcome}");
    }
    assert!(!recorded.scrape().contains("-token"));
}

#[derive(Debug)]
struct Vault;

#[async_trait::async_trait]
impl CredentialSource for Vault {
    async fn fetch(&self, _: FetchRequest<'_>) -> kubex::Result<Credential> {
        let expires_at = SystemTime::now() + Duration::from_secs(600);
        Ok(Credential::bearer(TOKEN.into())?.with_expiry(Some(expires_at)))
    }

    fn describe(&self) -> String {
        "vault".to_owned()
    }

    async fn store_identity(&self, _: &Host, _: &Cluster) -> Option<StoreIdentity> {
        Some(StoreIdentity::new("vault", "vault"))
    }
}

#[tokio::test]
async fn a_credential_that_another_handle_has_stored_is_a_hit() {
    let recorded = Recorded::start();
    let parent = tempfile::tempdir().unwrap();
    let location = Location::new(parent.path().join("store"), KeyPlace::File);
    let cluster = Arc::new(Cluster::new(ServerUrl::parse("https://10.0.0.1:6443").unwrap()));
    for _ in 0..3 {
        let source = StoredSource::new(Arc::new(Vault)).in_location(location.clone());
        let credentials = Credentials::live(Arc::new(source), Arc::clone(&cluster), Host::real());
        credentials.current().await.unwrap();
    }
    assert_eq!(
        recorded.value("kubex_store_lookups_total{outcome=\"fetched\"}"),
        1.0
    );
    assert_eq!(recorded.value("kubex_store_lookups_total{outcome=\"hit\"}"), 2.0);
}
