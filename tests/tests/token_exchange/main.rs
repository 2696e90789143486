//! The provider `token-exchange`, with an issuer on 127.0.0.1.

#[path = "../readme/mod.rs"]
mod readme;
#[path = "../shown/mod.rs"]
mod shown_output;

mod refusals;
mod scene;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex::{Chain, ErrorKind, ExposeSecret as _, Host, Options, Source};
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::issuer::PasswordStyle;
use scene::{ACCESS_TOKEN, JWT, Scene, chain, cluster};

#[tokio::test]
async fn the_token_of_the_other_source_is_exchanged_with_what_the_options_say() {
    let scene = Scene::new().await;
    scene.accept(["first"], Some(Duration::from_mins(5)));
    scene
        .issuer
        .know_client("kubernetes", Some(("p%:w", PasswordStyle::Basic)));
    scene.world.write("/client-secret", "p%:w\n");
    scene.world.write("/actor", "actor\n");
    let options = scene
        .options()
        .set("audience", "production & more")
        .set("resource", "https://api.example")
        .set("scope", "a b")
        .set("subject-token-type", "id-token")
        .set("requested-token-type", "jwt")
        .set("client-id", "kubernetes")
        .set("client-secret-file", "/client-secret")
        .set("actor-token-file", "/actor")
        .set("actor-token-type", "access-token");
    let configuration = scene.resolve(options).await.unwrap();
    // Resolving requests nothing.
    assert!(scene.issuer.requests().is_empty());
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), scene.tokens[0]);
    let now = scene.world.host().now().wall;
    assert_eq!(credential.expires_at(), Some(now + Duration::from_mins(5)));

    let requests = scene.exchanges();
    assert_eq!(requests.len(), 1);
    let id_token = "urn:ietf:params:oauth:token-type:id_token";
    for (field, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", "first"),
        ("subject_token_type", id_token),
        ("audience", "production & more"),
        ("resource", "https://api.example"),
        ("scope", "a b"),
        ("requested_token_type", JWT),
        ("actor_token", "actor"),
        ("actor_token_type", ACCESS_TOKEN),
    ] {
        assert_eq!(requests[0].field(field), Some(value), "{field}");
    }
    assert_eq!(requests[0].form.len(), 9);
    assert_eq!(
        configuration.credentials().describe(),
        format!("token exchanged at {}, through job", scene.issuer.origin())
    );
}

#[tokio::test]
async fn without_options_only_what_the_rfc_requires_is_sent() {
    let scene = Scene::new().await;
    scene.accept(["first"], None);
    let options = scene.options().set("client-secret", "").set("audience", "");
    let configuration = scene.resolve(options).await.unwrap();
    configuration.credentials().current().await.unwrap();
    let requests = scene.exchanges();
    let names: Vec<&str> = requests[0].form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "subject_token", "subject_token_type"]);
    assert_eq!(requests[0].field("subject_token_type"), Some(JWT));
    assert_eq!(requests[0].authorization, None);
}

#[tokio::test]
async fn a_client_sends_its_secret_in_the_form_if_it_is_told_to_and_parameters_are_added() {
    let scene = Scene::new().await;
    scene.accept(["first"], None);
    scene
        .issuer
        .know_client("kubernetes", Some(("s3cret", PasswordStyle::Form)));
    let yaml = "client-id: kubernetes, client-secret-env: CLIENT_SECRET, client-authentication: form, \
                parameters: {connector_id: github}";
    let configuration = scene.configured(yaml).await.unwrap();
    configuration.credentials().current().await.unwrap();
    let requests = scene.exchanges();
    assert_eq!(requests[0].field("client_secret"), Some("s3cret"));
    assert_eq!(requests[0].field("connector_id"), Some("github"));
    assert_eq!(requests[0].authorization, None);
}

#[tokio::test]
async fn a_token_is_renewed_when_the_issuer_says_that_it_ends_and_not_by_its_own_claim() {
    let scene = Scene::new().await;
    scene.accept(["first"], Some(Duration::from_mins(2)));
    let configuration = scene.resolve(scene.options()).await.unwrap();
    let credentials = configuration.credentials();
    credentials.current().await.unwrap();
    credentials.current().await.unwrap();
    assert_eq!(scene.exchanges().len(), 1);
    // The token itself is valid for an hour.
    scene.world.advance(Duration::from_mins(3));
    let credential = credentials.current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), scene.tokens[1]);
    assert_eq!(scene.exchanges().len(), 2);

    // Without `expires_in` its claim counts.
    let scene = Scene::new().await;
    scene.accept(["first"], None);
    let configuration = scene.resolve(scene.options()).await.unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    let now = scene.world.host().now().wall;
    assert_eq!(credential.expires_at(), Some(now + Duration::from_hours(1)));
}

#[tokio::test]
async fn a_rejected_token_is_replaced_with_a_newer_one_of_the_other_source() {
    let scene = Scene::new().await;
    scene.accept(["first", "second"], Some(Duration::from_hours(1)));
    let configuration = scene.resolve(scene.options()).await.unwrap();
    let credentials = configuration.credentials();
    let rejected = credentials.current().await.unwrap();
    scene.world.write("/subject", "second");
    credentials.invalidate(rejected.generation());
    let credential = credentials.current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), scene.tokens[1]);
    let subjects = scene.subjects();
    assert_eq!(subjects, ["first", "second"]);
}

#[tokio::test]
async fn a_subject_token_that_the_issuer_rejects_is_replaced_once() {
    let scene = Scene::new().await;
    scene.accept(["first"], Some(Duration::from_mins(2)));
    let configuration = scene.resolve(scene.options()).await.unwrap();
    let credentials = configuration.credentials();
    credentials.current().await.unwrap();

    // The file is not read again by itself yet.
    scene.world.write("/subject", "second");
    scene.accept(["second"], Some(Duration::from_mins(2)));
    scene.world.advance(Duration::from_secs(115));
    scene.world.advance(Duration::from_secs(6));
    credentials.current().await.unwrap();
    assert_eq!(scene.subjects().last().unwrap(), "second");

    // If the other source has no other token, the issuer is asked once, and its reason is the error.
    let before = scene.exchanges().len();
    scene.accept(["third"], None);
    scene.world.advance(Duration::from_mins(3));
    let error = credentials.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("invalid_request"), "{error}");
    assert!(error.help().unwrap().contains("the tokens of \"job\""), "{error}");
    assert_eq!(scene.exchanges().len(), before + 1);
}

#[tokio::test]
async fn a_server_that_rejects_a_token_gets_another_one_and_the_request_succeeds() {
    let server = ApiServer::builder().start().await.unwrap();
    let scene = Scene::new().await;
    scene.accept(["first"], Some(Duration::from_hours(1)));
    for token in &scene.tokens {
        server.accept_token(token, User::new("jane"));
    }
    let job = Options::new()
        .set("server", server.url())
        .set("certificate-authority-data", server.ca_pem())
        .set("token", "first")
        .set("as", "operator");
    let configuration = chain(Host::real(), "static", job, scene.options())
        .unwrap()
        .resolve()
        .await
        .unwrap();
    // Whom the other source impersonates is not who the new token is for.
    assert!(configuration.impersonation().is_none());
    let client = kubex::reqwest::Client::new(&configuration).unwrap();
    let get = async || client.get("/version").unwrap().send().await.unwrap().status();
    assert!(get().await.is_success());
    server.revoke_token(&scene.tokens[0]);
    assert!(get().await.is_success());
    assert_eq!(server.requests().pop().unwrap().user.as_deref(), Some("jane"));
    assert_eq!(scene.exchanges().len(), 2);
}

#[tokio::test]
async fn equal_exchanges_share_one_token_and_other_subjects_or_audiences_do_not() {
    let scene = Scene::new().await;
    scene.accept(["first"], Some(Duration::from_hours(1)));
    let first = scene.resolve(scene.options()).await.unwrap();
    let second = scene.resolve(scene.options()).await.unwrap();
    first.credentials().current().await.unwrap();
    second.credentials().current().await.unwrap();
    assert_eq!(scene.exchanges().len(), 1);
    let other = scene
        .resolve(scene.options().set("audience", "other"))
        .await
        .unwrap();
    other.credentials().current().await.unwrap();
    assert_eq!(scene.exchanges().len(), 2);

    // A store of all processes needs to know whose token is exchanged.
    assert!(first.credentials().store_identity().await.is_none());
    let identity = async |client: &str, audience: &str| {
        let login = cluster()
            .set("idp-issuer-url", scene.issuer.url())
            .set("client-id", client)
            .set("refresh-token", "r");
        let options = scene.options().set("audience", audience);
        let chain = chain(scene.world.host(), "oidc", login, options).unwrap();
        let configuration = chain.resolve().await.unwrap();
        configuration.credentials().store_identity().await.unwrap()
    };
    let one = identity("a", "x").await;
    assert_eq!(one.expose(), identity("a", "x").await.expose());
    assert_ne!(one.expose(), identity("b", "x").await.expose());
    assert_ne!(one.expose(), identity("a", "y").await.expose());
}

/// Two pods may have other files at the same paths, and share a home directory.
#[tokio::test]
async fn the_contents_of_the_files_of_actor_and_client_belong_to_the_identity_in_the_store() {
    let scene = Scene::new().await;
    let login = || {
        cluster()
            .set("idp-issuer-url", scene.issuer.url())
            .set("client-id", "a")
            .set("refresh-token", "r")
    };
    let options = || {
        scene
            .options()
            .set("client-id", "client")
            .set("client-secret-file", "/client-secret")
            .set("actor-token-file", "/actor")
    };
    scene.world.write("/client-secret", "one");
    scene.world.write("/actor", "of-one-pod");
    let chain = chain(scene.world.host(), "oidc", login(), options()).unwrap();
    let configuration = chain.resolve().await.unwrap();
    let identity = async || {
        let identity = configuration.credentials().store_identity().await;
        identity.map(|identity| identity.expose().to_vec())
    };
    let first = identity().await;
    assert!(first.is_some());
    assert_eq!(first, identity().await);
    scene.world.write("/actor", "of-another-pod");
    let second = identity().await;
    scene.world.write("/client-secret", "two");
    let third = identity().await;
    assert!(first != second && second != third && first != third);
    scene.world.remove("/actor");
    assert_eq!(identity().await, None);
}

/// A new one may cost a login, and the code of the RFC is also that of a wrong audience.
#[tokio::test]
async fn a_subject_token_that_is_new_is_kept_after_a_refusal_that_may_be_about_an_option() {
    let scene = Scene::new().await;
    let now = kubex::time::unix_seconds(scene.world.host().now().wall);
    let issued = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"iat": {now}}}"#));
    let new = format!("e30.{issued}.c2lnbmF0dXJl");
    scene.world.write("/subject", &new);
    scene.accept([&*new], Some(Duration::from_secs(20)));
    let configuration = scene.resolve(scene.options()).await.unwrap();
    let credentials = configuration.credentials();
    credentials.current().await.unwrap();
    scene.world.write("/subject", "second");
    scene.accept(["second"], Some(Duration::from_secs(20)));
    scene.world.advance(Duration::from_secs(30));
    let error = credentials.current().await.unwrap_err();
    assert!(error.message().contains("invalid_request"), "{error}");
    assert_eq!(scene.subjects().last(), Some(&new));

    // A token that is old, or does not say so, is replaced at most once a minute.
    scene.world.advance(Duration::from_secs(90));
    credentials.current().await.unwrap();
    assert_eq!(scene.subjects().last().unwrap(), "second");
}

#[tokio::test]
async fn a_refused_subject_token_is_replaced_at_most_once_a_minute() {
    let scene = Scene::new().await;
    scene.accept(["first"], Some(Duration::from_secs(20)));
    let configuration = scene.resolve(scene.options()).await.unwrap();
    let credentials = configuration.credentials();
    credentials.current().await.unwrap();
    for (file, is_exchanged) in [("second", true), ("third", false)] {
        scene.world.write("/subject", file);
        scene.accept([file], Some(Duration::from_secs(20)));
        scene.world.advance(Duration::from_secs(25));
        assert_eq!(credentials.current().await.is_ok(), is_exchanged, "{file}");
    }
    assert_eq!(scene.subjects().last().unwrap(), "second");
}

#[tokio::test]
async fn the_chain_continues_only_if_the_other_source_is_not_configured() {
    let scene = Scene::new().await;
    let next = Options::new()
        .set("server", "https://10.0.0.2")
        .set("token", "next");
    let resolve = async || {
        Chain::builder(kubex::registry().unwrap())
            .host(scene.world.host())
            .source(
                Source::new("production")
                    .provider("token-exchange")
                    .options(scene.options()),
            )
            .source(Source::new("next").provider("static").options(next.clone()))
            .reference(Source::new("job").provider("kubeconfig"))
            .build()
            .unwrap()
            .resolve()
            .await
    };
    let configuration = resolve().await.unwrap();
    assert_eq!(configuration.report().chosen().unwrap().source, "next");
    scene.world.write(
        "/home/jane/.kube/config",
        "current-context: gone\nclusters: [{name: c, cluster: {server: 'https://h'}}]\n",
    );
    let error = resolve().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingContext, "{error}");
}

#[tokio::test]
async fn a_source_without_a_token_is_an_error_before_anything_is_requested() {
    let scene = Scene::new().await;
    for job in [cluster(), cluster().set("username", "jane").set("password", "p")] {
        let chain = chain(scene.world.host(), "static", job, scene.options()).unwrap();
        let error = chain.resolve().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingField, "{error}");
        assert!(error.help().unwrap().contains("\"through\""), "{error}");
    }
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn for_an_http_server_nothing_is_exchanged() {
    let scene = Scene::new().await;
    let job = Options::new()
        .set("server", "http://10.0.0.1")
        .set("token", "first");
    let configuration = chain(scene.world.host(), "static", job, scene.options())
        .unwrap()
        .resolve()
        .await
        .unwrap();
    assert!(
        configuration
            .credentials()
            .current()
            .await
            .unwrap()
            .is_anonymous()
    );
    let warnings: Vec<_> = configuration.warnings().iter().map(kubex::Warning::id).collect();
    assert!(
        warnings.contains(&"credentials-withheld-over-http"),
        "{warnings:?}"
    );
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn the_configuration_of_the_readme_is_valid() {
    readme::check_configuration(include_str!("../../../providers/token-exchange/README.md")).await;
}
