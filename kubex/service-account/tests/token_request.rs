//! Tokens of service accounts, from the embedded API server.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "../../../tests/tests/readme/mod.rs"]
mod readme;
#[path = "../../../tests/tests/shown/mod.rs"]
mod shown_output;

use std::time::{Duration, SystemTime};

use kubex::{Chain, ErrorKind, ExposeSecret as _, Host, Options, Result, Source};
use kubex_core::faults::SettableClock;
use kubex_core::host::SimulatedHost;
use kubex_service_account as _;
use kubex_tests::api_server::{AUDIENCE, ApiServer, RecordedRequest, User};
use serde_json::{Value, json};
use shown_output::{Shown, disguises};

const ADMIN: &str = "Ad4token-canary-of-the-admin";
const ANSWER: &str = "An5swers-canary-of-the-server";
const PATH: &str = "/api/v1/namespaces/team-a/serviceaccounts/deployer/token";

async fn server() -> ApiServer {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token(ADMIN, User::new("admin"));
    server.know_service_account("team-a/deployer");
    server
}

fn admin(server: &ApiServer) -> Options {
    Options::new()
        .set("server", server.url())
        .set("certificate-authority-data", server.ca_pem())
        .set("token", ADMIN)
}

fn deployer() -> Options {
    Options::new()
        .set("through", "admin")
        .set("service-account", "team-a/deployer")
}

fn through(admin: Options, deployer: Options, host: Host) -> Result<Chain> {
    Chain::builder(kubex::registry()?)
        .host(host)
        .source(
            Source::new("deployer")
                .provider("service-account")
                .options(deployer),
        )
        .reference(Source::new("admin").provider("static").options(admin))
        .build()
}

fn token_requests(server: &ApiServer) -> Vec<RecordedRequest> {
    let mut requests = server.requests();
    requests.retain(|request| request.path == PATH);
    requests
}

fn body(request: &RecordedRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// The seconds that a credential is valid from now on.
fn seconds_left(credential: &kubex::Credential) -> u64 {
    let left = credential.expires_at().unwrap().duration_since(SystemTime::now());
    left.unwrap().as_secs()
}

#[tokio::test]
async fn a_token_is_requested_as_the_other_source_and_sent_as_the_service_account() {
    let server = server().await;
    let mut options = deployer()
        .set("audiences", vec![AUDIENCE, "vault"])
        .set("lifetime", "2h");
    // An object as a value of an option.
    let bound: kubex_core::options::Value =
        serde_json::from_value(json!({"kind": "Pod", "name": "web-0", "uid": "u-1"})).unwrap();
    options.insert("bound-object", bound);
    let chain = through(admin(&server), options, Host::real()).unwrap();
    let configuration = chain.resolve().await.unwrap();
    // Resolving requests nothing.
    assert!(server.requests().is_empty());
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    client
        .get("/version")
        .unwrap()
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();

    let requests = token_requests(&server);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].user.as_deref(), Some("admin"));
    let spec = &body(&requests[0])["spec"];
    assert_eq!(spec["audiences"], json!([AUDIENCE, "vault"]));
    assert_eq!(spec["expirationSeconds"], 7200);
    assert_eq!(
        spec["boundObjectRef"],
        json!({"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": "u-1"})
    );
    let last = server.requests().pop().unwrap();
    assert_eq!(
        last.user.as_deref(),
        Some("system:serviceaccount:team-a:deployer")
    );
    let credential = configuration.credentials().current().await.unwrap();
    assert!((7100..=7200).contains(&seconds_left(&credential)));
    let described = configuration.credentials().describe();
    assert_eq!(
        described,
        "token of the service account team-a/deployer, through admin"
    );
}

#[tokio::test]
async fn the_server_may_shorten_the_lifetime_and_a_token_is_renewed_before_it_ends() {
    let server = server().await;
    server.limit_token_lifetime(Duration::from_mins(15));
    let (host, clock) = SettableClock::on(Host::real());
    let options = deployer().set("lifetime", "24h");
    let configuration = through(admin(&server), options, host)
        .unwrap()
        .resolve()
        .await
        .unwrap();
    let credentials = configuration.credentials();
    let first = credentials.current().await.unwrap();
    assert!((800..=900).contains(&seconds_left(&first)));
    assert_eq!(
        body(&token_requests(&server)[0])["spec"]["expirationSeconds"],
        86_400
    );
    credentials.current().await.unwrap();
    assert_eq!(token_requests(&server).len(), 1);

    clock.set(SystemTime::now() + Duration::from_mins(16));
    let second = credentials.current().await.unwrap();
    assert_ne!(
        first.token().unwrap().expose_secret(),
        second.token().unwrap().expose_secret()
    );
}

#[tokio::test]
async fn a_rejected_token_is_replaced_and_the_request_sent_again() {
    let server = server().await;
    let chain = through(admin(&server), deployer(), Host::real()).unwrap();
    let configuration = chain.resolve().await.unwrap();
    let first = configuration.credentials().current().await.unwrap();
    server.revoke_token(first.token().unwrap().expose_secret());
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    let response = client.get("/version").unwrap().send().await.unwrap();
    assert!(response.status().is_success());
    assert_eq!(token_requests(&server).len(), 2);
}

#[tokio::test]
async fn a_refusal_is_a_typed_error_with_one_thing_to_do_and_without_the_answer() {
    let server = server().await;
    let status = |code: u16| http_status(code);
    for (code, answer, kind, help) in [
        (
            401,
            json!({"message": ANSWER}),
            ErrorKind::Unavailable,
            "check the identity",
        ),
        (
            403,
            json!({"message": ANSWER}),
            ErrorKind::Unavailable,
            "serviceaccounts/token",
        ),
        (
            404,
            json!({"message": ANSWER}),
            ErrorKind::Unavailable,
            "name of the service account",
        ),
        (
            422,
            json!({"message": ANSWER}),
            ErrorKind::Unavailable,
            "\"audiences\"",
        ),
        (
            201,
            json!({"status": {"token": 5, "x": ANSWER}}),
            ErrorKind::MalformedDocument,
            "",
        ),
        (
            201,
            json!({"status": ANSWER.repeat(100_000)}),
            ErrorKind::MalformedDocument,
            "",
        ),
        (
            201,
            json!({"status": {"token": ANSWER}}),
            ErrorKind::MalformedDocument,
            "",
        ),
        (
            201,
            json!({"status": {"token": format!("{ANSWER}\n"), "expirationTimestamp": "2099-01-01T00:00:00Z"}}),
            ErrorKind::InvalidToken,
            "",
        ),
    ] {
        server.answer(PATH, status(code), answer);
        let shown = Shown::default();
        let guard = shown.listen();
        let chain = through(admin(&server), deployer(), Host::real()).unwrap();
        shown.debug(&chain);
        let configuration = chain.resolve().await.unwrap();
        shown.debug(&configuration);
        let error = configuration.credentials().current().await.unwrap_err();
        shown.error(&error);
        drop(guard);
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert!(error.help().unwrap_or_default().contains(help), "{code}: {error}");
        for secret in [ADMIN, ANSWER] {
            shown.assert_hides(&format!("{code}: {secret}"), &disguises(secret));
        }
    }
}

fn http_status(code: u16) -> kubex::reqwest::StatusCode {
    kubex::reqwest::StatusCode::from_u16(code).unwrap()
}

#[tokio::test]
async fn a_minted_token_is_shown_nowhere() {
    let server = server().await;
    let token = format!("{ANSWER}-minted");
    let answer = json!({"status": {"token": token, "expirationTimestamp": "2099-01-01T00:00:00Z"}});
    server.answer(PATH, http_status(201), answer);
    let shown = Shown::default();
    let guard = shown.listen();
    let chain = through(admin(&server), deployer(), Host::real()).unwrap();
    let configuration = chain.resolve().await.unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), token);
    shown.debug(&chain);
    shown.debug(&configuration);
    shown.debug(&credential);
    shown.add(format!("{}\n", configuration.report()));
    drop(guard);
    for secret in [ADMIN, ANSWER] {
        shown.assert_hides(secret, &disguises(secret));
    }
}

#[tokio::test]
async fn the_impersonation_of_the_other_source_requests_the_token_and_is_not_kept() {
    let server = server().await;
    let admin = admin(&server).set("as", "operator");
    let configuration = through(admin, deployer(), Host::real())
        .unwrap()
        .resolve()
        .await
        .unwrap();
    assert!(configuration.impersonation().is_none());
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    client.get("/version").unwrap().send().await.unwrap();
    assert_eq!(token_requests(&server)[0].user.as_deref(), Some("operator"));
    let last = server.requests().pop().unwrap();
    assert_eq!(
        last.user.as_deref(),
        Some("system:serviceaccount:team-a:deployer")
    );
}

#[tokio::test]
async fn an_overridden_server_gets_no_token_of_the_other_one() {
    let server = server().await;
    let chain = Chain::builder(kubex::registry().unwrap())
        .source(
            Source::new("deployer")
                .provider("service-account")
                .options(deployer()),
        )
        .reference(Source::new("admin").provider("static").options(admin(&server)))
        .overrides(Options::new().set("server", "https://127.0.0.1:1"))
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_chain_continues_only_if_the_other_source_is_not_configured() {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    let resolve = async || {
        Chain::builder(kubex::registry().unwrap())
            .host(world.host())
            .source(
                Source::new("deployer")
                    .provider("service-account")
                    .options(deployer()),
            )
            .source(
                Source::new("next")
                    .provider("static")
                    .options(Options::new().set("server", "https://10.0.0.2")),
            )
            .reference(Source::new("admin").provider("kubeconfig"))
            .build()
            .unwrap()
            .resolve()
            .await
    };
    let configuration = resolve().await.unwrap();
    assert_eq!(configuration.report().chosen().unwrap().source, "next");
    world.write(
        "/home/jane/.kube/config",
        "current-context: gone\nclusters: [{name: c, cluster: {server: 'https://h'}}]\n",
    );
    let error = resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingContext, "{error}");
}

#[tokio::test]
async fn a_source_that_is_unknown_or_refers_back_is_an_error() {
    for (through_a, through_b) in [("a", "a"), ("b", "a"), ("gone", "a")] {
        let account = |through: &str| deployer().set("through", through);
        let chain = Chain::builder(kubex::registry().unwrap())
            .source(
                Source::new("a")
                    .provider("service-account")
                    .options(account(through_a)),
            )
            .reference(
                Source::new("b")
                    .provider("service-account")
                    .options(account(through_b)),
            )
            .build()
            .unwrap();
        let error = chain.resolve().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownSource, "{through_a}: {error}");
        assert!(error.help().is_some());
    }
}

#[test]
fn options_that_the_server_would_refuse_are_refused_at_once() {
    let server = Options::new().set("server", "https://10.0.0.1");
    for (options, message) in [
        (
            deployer().set("service-account", "deployer"),
            "not a valid service account",
        ),
        (
            deployer().set("service-account", "a/b/c"),
            "not a valid service account",
        ),
        (
            deployer().set("service-account", "../x/y"),
            "not a valid service account",
        ),
        (
            deployer().set("service-account", "team-a/"),
            "not a valid service account",
        ),
        (
            deployer().set("lifetime", "5m"),
            "shorter than the API server accepts",
        ),
        (deployer().set("lifetme", "1h"), "unknown key"),
    ] {
        let error = through(server.clone(), options, Host::real()).unwrap_err();
        assert!(error.to_string().contains(message), "{message}: {error}");
    }
}

/// A configuration in a file, for the embedded server.
async fn configured(server: &ApiServer, yaml: &str) -> Result<Chain> {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.set_variable("ADMIN_TOKEN", ADMIN);
    world.write("/etc/ca.pem", &server.ca_pem());
    world.write("/etc/kubex/config.yaml", &yaml.replace("SERVER", server.url()));
    let file = "/etc/kubex/config.yaml";
    let registry = kubex::registry()?;
    kubex::config::Configuration::check_file(file, &world.host(), &registry).await?;
    let configuration = kubex::config::Configuration::from_file(file, &world.host()).await?;
    configuration.chain(registry)?.build()
}

const ADMIN_SOURCE: &str = "  admin: {provider: static, enabled: false, server: SERVER, certificate-authority: /etc/ca.pem, token-env: ADMIN_TOKEN}\n";

#[tokio::test]
async fn a_configuration_names_the_other_source_which_the_chain_does_not_try() {
    let server = server().await;
    let yaml = format!(
        "chain: [deployer]\nsources:\n{ADMIN_SOURCE}  deployer: {{provider: service-account, through: admin, \
         service-account: team-a/deployer, audiences: [vault], lifetime: 1h}}\n"
    );
    let configuration = configured(&server, &yaml).await.unwrap().resolve().await.unwrap();
    assert_eq!(configuration.cluster().server.to_string(), server.url());
    let report = configuration.report().to_string();
    assert!(!report.contains("admin:"), "{report}");

    let unknown = yaml.replace("through: admin", "through: admins");
    let error = configured(&server, &unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSource, "{error}");
    assert!(error.to_string().contains("/etc/kubex/config.yaml:"), "{error}");
    assert!(
        error.help().unwrap().contains("did you mean \"admin\"?"),
        "{error}"
    );
}

#[tokio::test]
async fn the_configuration_of_the_readme_is_valid() {
    readme::check_configuration(include_str!("../README.md")).await;
}
