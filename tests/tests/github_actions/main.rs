//! The provider `github-actions`, with a stand-in of GitHub on 127.0.0.1.

#[path = "../readme/mod.rs"]
mod readme;
#[path = "../shown/mod.rs"]
mod shown_output;

use std::time::Duration;

use http::StatusCode;
use kubex::{Chain, ErrorKind, ExposeSecret as _, Host, Options, Result, Source};
use kubex_core::host::SimulatedHost;
use kubex_tests::issuer::{ACTIONS_PATH, Issuer, IssuerAnswer, id_token};
// Its registration is submitted when it is linked, as that of any plugin crate.
use kubex_github_actions as _;
use serde_json::json;
use shown_output::{Shown, disguises};

const REQUEST_TOKEN: &str = "Rt5reque-canary-in-a-request-token";
const ANSWER: &str = "Gh6answe-canary-in-an-answer-of-github";

struct Scene {
    github: Issuer,
    world: SimulatedHost,
    address: String,
}

impl Scene {
    async fn new() -> Self {
        let github = Issuer::start().await.unwrap();
        Self {
            address: github.serve_actions(REQUEST_TOKEN),
            world: SimulatedHost::new(),
            github,
        }
    }

    /// A token that expires so many seconds from now.
    fn token(&self, subject: &str, seconds: i64) -> String {
        let now = kubex::time::unix_seconds(self.world.host().now().wall);
        id_token(subject, now + seconds)
    }

    /// The host of a job with the permission.
    fn job(&self) -> Host {
        self.world
            .host()
            .with_variable("GITHUB_ACTIONS", Some("true"))
            .with_variable("ACTIONS_ID_TOKEN_REQUEST_URL", Some(self.address.as_str()))
            .with_variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", Some(REQUEST_TOKEN))
    }

    fn options(&self) -> Options {
        Options::new()
            .set("server", "https://10.0.0.1")
            .set("audience", "production & more")
            .set("issuer-certificate-authority-data", self.github.ca_pem())
    }
}

fn chain(host: Host, options: Options) -> Result<Chain> {
    Chain::builder(kubex::registry()?)
        .host(host)
        .source(Source::new("job").provider("github-actions").options(options))
        .build()
}

#[tokio::test]
async fn a_job_gets_a_token_for_its_audience_and_a_new_one_before_it_expires() {
    let scene = Scene::new().await;
    let (first, second) = (scene.token("first", 300), scene.token("second", 900));
    scene.github.issue([first.clone(), second.clone()]);
    let configuration = chain(scene.job(), scene.options())
        .unwrap()
        .resolve()
        .await
        .unwrap();
    // Resolving requests nothing.
    assert!(scene.github.requests().is_empty());
    let credentials = configuration.credentials();
    let credential = credentials.current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), first);
    let now = scene.world.host().now().wall;
    assert_eq!(credential.expires_at(), Some(now + Duration::from_mins(5)));

    let requests = scene.github.requests_of(ACTIONS_PATH);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].query_field("audience"), Some("production & more"));
    assert_eq!(requests[0].query_field("api-version"), Some("2.0"));

    // Valid for longer: no other request. Expired: the next token.
    credentials.current().await.unwrap();
    assert_eq!(scene.github.requests_of(ACTIONS_PATH).len(), 1);
    scene.world.advance(Duration::from_mins(6));
    let credential = credentials.current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), second);
    assert!(
        credentials
            .describe()
            .contains("GitHub Actions token for the audience production")
    );
}

#[tokio::test]
async fn a_rejected_token_is_replaced_at_once() {
    let scene = Scene::new().await;
    let (first, second) = (scene.token("first", 300), scene.token("second", 300));
    scene.github.issue([first, second.clone()]);
    let configuration = chain(scene.job(), scene.options())
        .unwrap()
        .resolve()
        .await
        .unwrap();
    let credentials = configuration.credentials();
    let rejected = credentials.current().await.unwrap();
    credentials.invalidate(rejected.generation());
    let credential = credentials.current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), second);
}

#[tokio::test]
async fn outside_of_a_job_the_chain_continues_and_a_job_without_the_permission_is_an_error() {
    let scene = Scene::new().await;
    let resolve = async |host: Host| {
        let next = Options::new()
            .set("server", "https://10.0.0.2")
            .set("token", "next");
        Chain::builder(kubex::registry().unwrap())
            .host(host)
            .source(
                Source::new("job")
                    .provider("github-actions")
                    .options(scene.options()),
            )
            .source(Source::new("next").provider("static").options(next))
            .build()
            .unwrap()
            .resolve()
            .await
    };
    let configuration = resolve(scene.world.host()).await.unwrap();
    assert_eq!(configuration.report().chosen().unwrap().source, "next");

    let without_permission = scene.world.host().with_variable("GITHUB_ACTIONS", Some("true"));
    let half = scene
        .job()
        .with_variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", None::<&str>);
    for host in [without_permission, half] {
        let error = resolve(host).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingField, "{error}");
        assert!(error.help().unwrap().contains("id-token: write"), "{error}");
    }
}

#[tokio::test]
async fn whatever_github_answers_is_a_typed_error_without_the_answer() {
    let scene = Scene::new().await;
    scene.github.issue([scene.token("jane", 300)]);
    let large = vec![b' '; 2 * 1024 * 1024];
    let unavailable = ErrorKind::Unavailable;
    let malformed = ErrorKind::MalformedDocument;
    for (what, answer, kind) in [
        (
            "401",
            IssuerAnswer::Json(StatusCode::UNAUTHORIZED, json!({"message": ANSWER})),
            unavailable,
        ),
        (
            "500",
            IssuerAnswer::Raw(StatusCode::INTERNAL_SERVER_ERROR, ANSWER.into()),
            unavailable,
        ),
        (
            "redirect",
            IssuerAnswer::Redirect(StatusCode::FOUND, format!("https://127.0.0.1:1/{ANSWER}")),
            unavailable,
        ),
        (
            "not JSON",
            IssuerAnswer::Raw(StatusCode::OK, ANSWER.into()),
            malformed,
        ),
        (
            "no value",
            IssuerAnswer::Json(StatusCode::OK, json!({"count": ANSWER})),
            malformed,
        ),
        (
            "too large",
            IssuerAnswer::Raw(StatusCode::OK, large.into()),
            malformed,
        ),
        (
            "no exp",
            IssuerAnswer::Json(StatusCode::OK, json!({"value": ANSWER})),
            ErrorKind::InvalidToken,
        ),
        (
            "line end",
            IssuerAnswer::Json(
                StatusCode::OK,
                json!({"value": format!("{}\n", scene.token("jane", 300))}),
            ),
            ErrorKind::InvalidToken,
        ),
    ] {
        scene.github.answer(ACTIONS_PATH, answer);
        let shown = Shown::default();
        let guard = shown.listen();
        let configuration = chain(scene.job(), scene.options())
            .unwrap()
            .resolve()
            .await
            .unwrap();
        shown.debug(&configuration);
        shown.add(configuration.credentials().describe());
        let error = configuration.credentials().current().await.unwrap_err();
        shown.error(&error);
        drop(guard);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        for secret in [REQUEST_TOKEN, ANSWER] {
            shown.assert_hides(&format!("{what}: {secret}"), &disguises(secret));
        }
        // The address identifies the job.
        assert!(!error.to_string().contains("api-version"), "{what}: {error}");
    }
}

#[tokio::test]
async fn github_actions_shows_no_secret_of_a_job() {
    let scene = Scene::new().await;
    scene.github.issue([scene.token(ANSWER, 300)]);
    let other_token = scene.job().with_variable(
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        Some(format!("{REQUEST_TOKEN} x")),
    );
    let other_address = scene.job().with_variable(
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        Some(format!("http://{REQUEST_TOKEN}")),
    );
    let other_authority = scene.options().set(
        "issuer-certificate-authority-data",
        Issuer::start().await.unwrap().ca_pem(),
    );
    for (what, host, options) in [
        ("a token", scene.job(), scene.options()),
        ("another token", other_token, scene.options()),
        ("an address", other_address, scene.options()),
        ("another authority", scene.job(), other_authority),
        ("no audience", scene.job(), scene.options().set("audience", "")),
        (
            "unknown",
            scene.job(),
            scene.options().set("token", REQUEST_TOKEN),
        ),
    ] {
        let shown = Shown::default();
        let guard = shown.listen();
        shown.all_of(what, chain(host, options)).await;
        drop(guard);
        for secret in [REQUEST_TOKEN, ANSWER] {
            shown.assert_hides(&format!("{what}: {secret}"), &disguises(secret));
        }
    }
}

#[tokio::test]
async fn the_configuration_of_the_readme_is_valid() {
    readme::check_configuration(include_str!("../../../providers/github-actions/README.md")).await;
}
