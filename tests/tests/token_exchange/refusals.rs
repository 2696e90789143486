//! What an issuer may do wrong, what it may refuse, and that none of it shows a secret.

use std::time::Duration;

use http::StatusCode;
use kubex::{ErrorKind, Options};
use kubex_tests::issuer::{Issuer, IssuerAnswer, TOKEN_PATH};
use serde_json::{Value, json};

use super::scene::{ACCESS_TOKEN, Scene, chain, cluster};
use super::shown_output::{Shown, disguises};

const SUBJECT: &str = "Su7bject-canary-of-the-other-source";
const ANSWER: &str = "An8swer-canary-of-the-issuer";
const CLIENT: &str = "Cl9ient-canary-in-a-secret";
const ACTOR: &str = "Ac3tor-canary-in-a-file";

fn json_answer(status: u16, body: Value) -> IssuerAnswer {
    IssuerAnswer::Json(StatusCode::from_u16(status).unwrap(), body)
}

fn secret_options(scene: &Scene) -> Options {
    scene.world.write("/subject", SUBJECT);
    scene.world.write("/actor", ACTOR);
    scene
        .options()
        .set("client-id", "kubernetes")
        .set("client-secret", CLIENT)
        .set("actor-token-file", "/actor")
}

#[tokio::test]
async fn whatever_the_issuer_answers_is_a_typed_error_with_its_code_alone() {
    let scene = Scene::new().await;
    let tokens = |field: &str, value: Value| {
        let mut body =
            json!({"access_token": ANSWER, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer"});
        body[field] = value;
        json_answer(200, body)
    };
    let refusal = |status: u16, code: &str| {
        json_answer(
            status,
            json!({"error": code, "error_description": ANSWER, "access_token": ANSWER}),
        )
    };
    let large = vec![b' '; 2 * 1024 * 1024];
    let malformed = ErrorKind::MalformedDocument;
    let unavailable = ErrorKind::Unavailable;
    for (answer, kind, message, help) in [
        (
            refusal(400, "invalid_target"),
            unavailable,
            "invalid_target",
            "\"audience\"",
        ),
        (
            refusal(400, "invalid_scope"),
            unavailable,
            "invalid_scope",
            "\"scope\"",
        ),
        (
            refusal(401, "invalid_client"),
            unavailable,
            "invalid_client",
            "\"client-id\"",
        ),
        (
            refusal(400, "invalid_grant"),
            unavailable,
            "invalid_grant",
            "the tokens of \"job\"",
        ),
        (
            refusal(400, "unsupported_grant_type"),
            unavailable,
            "unsupported",
            "RFC 8693",
        ),
        (
            refusal(200, "access_denied"),
            unavailable,
            "access_denied (200",
            "\"endpoint\"",
        ),
        (
            refusal(400, SUBJECT),
            unavailable,
            "400 Bad Request",
            "\"endpoint\"",
        ),
        (
            refusal(400, ANSWER),
            unavailable,
            "400 Bad Request",
            "\"endpoint\"",
        ),
        (refusal(401, ""), unavailable, "401", "\"client-id\""),
        (
            IssuerAnswer::Raw(StatusCode::BAD_GATEWAY, ANSWER.into()),
            unavailable,
            "502",
            "\"endpoint\"",
        ),
        (
            IssuerAnswer::Redirect(
                StatusCode::TEMPORARY_REDIRECT,
                format!("{}/{ANSWER}", scene.issuer.origin()),
            ),
            unavailable,
            "307",
            "redirects are not followed",
        ),
        (
            IssuerAnswer::Raw(StatusCode::OK, large.into()),
            unavailable,
            "larger than 1 MiB",
            "",
        ),
        (
            IssuerAnswer::Raw(StatusCode::OK, ANSWER.into()),
            malformed,
            "not one of a token exchange",
            "",
        ),
        (tokens("access_token", Value::Null), malformed, "", ""),
        (tokens("issued_token_type", Value::Null), malformed, "", ""),
        (tokens("token_type", Value::Null), malformed, "", ""),
        (
            tokens("expires_in", json!(ANSWER)),
            malformed,
            "\"expires_in\"",
            "",
        ),
        (
            tokens("token_type", json!("DPoP")),
            ErrorKind::Unsupported,
            "\"DPoP\"",
            "",
        ),
        (
            tokens("token_type", json!("N_A")),
            ErrorKind::Unsupported,
            "\"N_A\"",
            "",
        ),
        (
            tokens(
                "issued_token_type",
                json!("urn:ietf:params:oauth:token-type:saml2"),
            ),
            ErrorKind::Unsupported,
            "saml2",
            "requested-token-type",
        ),
        (tokens("access_token", json!("")), ErrorKind::EmptyToken, "", ""),
        (
            tokens("access_token", json!(format!("{ANSWER}\n"))),
            ErrorKind::InvalidToken,
            "",
            "",
        ),
    ] {
        let what = format!("{answer:?}").chars().take(200).collect::<String>();
        scene.issuer.answer(TOKEN_PATH, answer);
        let before = scene.issuer.requests().len();
        let shown = Shown::default();
        let guard = shown.listen();
        let configuration = scene.resolve(secret_options(&scene)).await.unwrap();
        shown.debug(&configuration);
        let error = configuration.credentials().current().await.unwrap_err();
        shown.error(&error);
        drop(guard);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(error.to_string().contains(message), "{what}: {error}");
        assert!(error.help().unwrap_or_default().contains(help), "{what}: {error}");
        // Neither redirected nor asked twice with the same token.
        assert_eq!(scene.issuer.requests().len(), before + 1, "{what}");
        for secret in [SUBJECT, ANSWER, CLIENT, ACTOR] {
            shown.assert_hides(&format!("{what}: {secret}"), &disguises(secret));
        }
    }
}

#[tokio::test]
async fn an_issuer_that_is_silent_is_given_up_in_time() {
    let scene = Scene::new().await;
    scene.issuer.answer(TOKEN_PATH, IssuerAnswer::Silence);
    let configuration = scene.resolve(scene.options()).await.unwrap();
    let fetched = tokio::spawn(async move { configuration.credentials().current().await });
    let mut waited = Duration::ZERO;
    while !fetched.is_finished() {
        assert!(
            waited <= Duration::from_secs(20),
            "the request is still not given up"
        );
        // The request has to be on its way first.
        if !scene.issuer.requests().is_empty() {
            scene.world.advance(Duration::from_secs(1));
            waited += Duration::from_secs(1);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = fetched.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(
        error.to_string().contains("did not respond within 15 s"),
        "{error}"
    );
}

#[tokio::test]
async fn options_that_cannot_work_are_refused_at_once_and_an_address_is_not_quoted() {
    let scene = Scene::new().await;
    let options = || scene.options();
    let endpoint = |text: &str| options().set("endpoint", text);
    let parameters: kubex_core::options::Value = serde_json::from_value(json!({"scope": "x"})).unwrap();
    let mut with_scope = options();
    with_scope.insert("parameters", parameters);
    for (options, kind, message) in [
        (
            endpoint("http://s3cr3t.example/token"),
            ErrorKind::InvalidValue,
            "is not https",
        ),
        (
            endpoint("https://jane:s3cr3t@h/token"),
            ErrorKind::InvalidValue,
            "user name",
        ),
        (
            endpoint("https://h/token#s3cr3t"),
            ErrorKind::InvalidValue,
            "fragment",
        ),
        (endpoint("s3cr3t"), ErrorKind::InvalidValue, "valid URL"),
        (endpoint(""), ErrorKind::InvalidValue, "valid URL"),
        (
            options().set("subject-token-type", "token"),
            ErrorKind::InvalidValue,
            "not a token type",
        ),
        (
            options().set("requested-token-type", "urn:ietf:params:oauth:token-type:saml2"),
            ErrorKind::InvalidValue,
            "no API server accepts as a token",
        ),
        (
            options().set("client-secret", "s3cr3t"),
            ErrorKind::MissingField,
            "without \"client-id\"",
        ),
        (
            options()
                .set("client-id", "c")
                .set("client-secret", "s3cr3t")
                .set("client-secret-file", "/f"),
            ErrorKind::ConflictingFields,
            "only one can apply",
        ),
        (with_scope, ErrorKind::ConflictingFields, "which an option sets"),
        (
            options().set("audence", "x"),
            ErrorKind::UnknownField,
            "unknown key",
        ),
    ] {
        let error = chain(
            scene.world.host(),
            "token-file",
            cluster().set("token-file", "/subject"),
            options,
        );
        let error = error.unwrap_err();
        assert_eq!(error.kind(), kind, "{message}: {error}");
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_file_is_an_error_while_the_chain_resolves() {
    let scene = Scene::new().await;
    scene.world.write("/empty", " \n");
    let client = || scene.options().set("client-id", "c");
    for options in [
        client().set("client-secret-file", "/gone"),
        client().set("client-secret-file", "/empty"),
        scene.options().set("actor-token-file", "/gone"),
    ] {
        let error = scene.resolve(options).await.unwrap_err();
        let kinds = [ErrorKind::UnreadableFile, ErrorKind::EmptyToken];
        assert!(kinds.contains(&error.kind()), "{error}");
        assert!(error.help().is_some(), "{error}");
    }
    assert!(scene.issuer.requests().is_empty());
}

#[tokio::test]
async fn token_exchange_shows_no_secret_that_travels() {
    let scene = Scene::new().await;
    scene.accept([SUBJECT], None);
    let answer = json!({"access_token": ANSWER, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer"});
    let other_authority = Issuer::start().await.unwrap().ca_pem();
    for (what, answer, options) in [
        ("a token", Some(answer), secret_options(&scene)),
        (
            "a refusal",
            None,
            secret_options(&scene).set("audience", "unknown"),
        ),
        (
            "another authority",
            None,
            secret_options(&scene).set("endpoint-certificate-authority-data", other_authority),
        ),
        (
            "in the endpoint",
            None,
            secret_options(&scene).set("endpoint", format!("https://{CLIENT}@h")),
        ),
        (
            "in a type",
            None,
            secret_options(&scene).set("subject-token-type", SUBJECT),
        ),
        ("unknown", None, secret_options(&scene).set("token", CLIENT)),
        (
            "as a path",
            None,
            secret_options(&scene).set("actor-token-file", format!("-----BEGIN {ACTOR}")),
        ),
    ] {
        match answer {
            Some(answer) => scene.issuer.answer(TOKEN_PATH, json_answer(200, answer)),
            None => scene.issuer.answer_properly(TOKEN_PATH),
        }
        let shown = Shown::default();
        let guard = shown.listen();
        shown.add(format!(
            "the case is: {what}; what follows is everything that it shows\n"
        ));
        match scene.resolve(options).await {
            Err(error) => shown.error(&error),
            Ok(configuration) => {
                shown.debug(&configuration);
                shown.add(format!("{}\n", configuration.report()));
                match configuration.credentials().current().await {
                    Ok(credential) => shown.debug(&credential),
                    Err(error) => shown.error(&error),
                }
            }
        }
        drop(guard);
        for secret in [SUBJECT, ANSWER, CLIENT, ACTOR] {
            shown.assert_hides(&format!("{what}: {secret}"), &disguises(secret));
        }
    }
}
