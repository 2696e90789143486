//! Issuers that do not do what an issuer does.

use http::StatusCode;
use kubex::ErrorKind;
use kubex_tests::issuer::{DISCOVERY_PATH, Issuer, IssuerAnswer, TOKEN_PATH};
use serde_json::{Value, json};

use crate::scene::{SECOND, Scene, assert_hides, current, until};

fn ok(document: Value) -> IssuerAnswer {
    IssuerAnswer::Json(StatusCode::OK, document)
}

#[tokio::test]
async fn an_issuer_that_is_not_https_is_refused_before_anything_is_sent() {
    let scene = Scene::new().await;
    let plain = scene.issuer.url().replace("https://", "http://");
    let error = scene
        .resolve(scene.expired().set("idp-issuer-url", plain))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert_eq!(error.help(), Some("write https:// in front of it"));
    assert!(
        error.to_string().contains("(the program, idp-issuer-url)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_https_gets_no_token() {
    let scene = Scene::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = format!("http://{}/realm/token", listener.local_addr().unwrap());
    let mut document = scene.issuer.discovery_document();
    document["token_endpoint"] = plain.into();
    scene.issuer.answer(DISCOVERY_PATH, ok(document));
    let error = scene.error(scene.expired()).await;
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let arrived = tokio::time::timeout(SECOND / 20, listener.accept()).await;
    assert!(arrived.is_err(), "a connection was opened");
}

#[tokio::test]
async fn a_document_of_another_issuer_is_refused() {
    let scene = Scene::new().await;
    let mut document = scene.issuer.discovery_document();
    document["issuer"] = "https://pl4nted.example".into();
    scene.issuer.answer(DISCOVERY_PATH, ok(document));
    let error = scene.error(scene.expired()).await;
    assert_eq!(error.kind(), ErrorKind::MalformedDocument);
    assert!(
        error.message().ends_with("belongs to a different issuer"),
        "{error}"
    );
    assert_hides(&error, &["pl4nted"]);
    assert!(scene.issuer.requests_of(TOKEN_PATH).is_empty());
}

#[tokio::test]
async fn a_slash_at_the_end_or_no_name_in_the_document_is_the_same_issuer() {
    let scene = Scene::new().await;
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    let with_slash = scene.expired().set("idp-issuer-url", scene.issuer.url() + "/");
    assert_eq!(
        current(&scene.credentials(with_slash).await).await.unwrap(),
        fresh
    );

    let mut named = scene.issuer.discovery_document();
    named["issuer"] = (scene.issuer.url() + "/").into();
    let mut nameless = named.clone();
    nameless.as_object_mut().unwrap().remove("issuer");
    for document in [named, nameless] {
        scene.issuer.answer(DISCOVERY_PATH, ok(document));
        let credentials = scene.credentials(scene.expired()).await;
        assert_eq!(current(&credentials).await.unwrap(), fresh);
    }
}

#[tokio::test]
async fn a_discovery_that_leads_nowhere_is_an_error_without_its_body() {
    let scene = Scene::new().await;
    for (answer, kind, told) in [
        (
            IssuerAnswer::Json(StatusCode::NOT_FOUND, json!({"error": "pl4nted"})),
            ErrorKind::Unavailable,
            "responded 404 Not Found to the request for its discovery document",
        ),
        (
            IssuerAnswer::Raw(StatusCode::OK, "<html>pl4nted".into()),
            ErrorKind::MalformedDocument,
            "is not JSON of the expected type",
        ),
        (
            ok(json!({"token_endpoint": ["pl4nted"]})),
            ErrorKind::MalformedDocument,
            "is not JSON of the expected type",
        ),
        (
            ok(json!({"pl4nted": 1})),
            ErrorKind::MalformedDocument,
            "has no \"token_endpoint\"",
        ),
        (
            ok(json!({"token_endpoint": ""})),
            ErrorKind::MalformedDocument,
            "has no \"token_endpoint\"",
        ),
        (
            ok(json!({"token_endpoint": "pl4nted"})),
            ErrorKind::MalformedDocument,
            "has a \"token_endpoint\" that is not a valid URL",
        ),
        (
            ok(json!({"token_endpoint": "https://pl4nted@127.0.0.1/"})),
            ErrorKind::MalformedDocument,
            "has a \"token_endpoint\" that contains a user name or a password",
        ),
    ] {
        scene.issuer.answer(DISCOVERY_PATH, answer);
        let error = scene.error(scene.expired()).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().ends_with(told), "{error}");
        assert_hides(&error, &["pl4nted"]);
    }
    assert!(scene.issuer.requests_of(TOKEN_PATH).is_empty());
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_secret_goes_along() {
    let scene = Scene::new().await;
    let thief = Issuer::start().await.unwrap();
    for status in [
        StatusCode::FOUND,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ] {
        for (path, origin) in [
            (DISCOVERY_PATH, thief.origin()),
            (TOKEN_PATH, thief.origin()),
            (TOKEN_PATH, scene.issuer.origin()),
        ] {
            let elsewhere = format!("{origin}/elsewhere");
            scene
                .issuer
                .answer(path, IssuerAnswer::Redirect(status, elsewhere));
            let error = scene.error(scene.expired().set("client-secret", "s3cr3t")).await;
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains(status.as_str()), "{error}");
            assert_hides(&error, &["s3cr3t"]);
            scene.issuer.answer_properly(path);
        }
    }
    assert!(thief.requests().is_empty());
    assert!(scene.issuer.requests_of("/elsewhere").is_empty());
}

#[tokio::test]
async fn a_response_without_an_id_token_is_an_error_and_its_refresh_token_is_kept() {
    let scene = Scene::new().await;
    scene.issuer.answer(
        TOKEN_PATH,
        ok(json!({"access_token": "pl4nted-access", "refresh_token": "pl4nted-rotated"})),
    );
    let credentials = scene.credentials(scene.expired()).await;
    let error = current(&credentials).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("returned no id-token"), "{error}");
    assert_hides(&error, &["pl4nted"]);

    scene.issuer.answer_properly(TOKEN_PATH);
    scene.issuer.accept_refresh_token("pl4nted-rotated");
    scene.world.advance(120 * SECOND);
    let fresh = scene.token("jane", 3600);
    scene.issuer.issue([fresh.clone()]);
    assert_eq!(current(&credentials).await.unwrap(), fresh);
}

#[tokio::test]
async fn an_invalid_id_token_is_an_error_and_is_not_returned() {
    let scene = Scene::new().await;
    for token in ["pl4nted", "e30.e30.pl4nted", "pl4nted.e30", "e30.cGw0bnRlZA.x"] {
        scene.issuer.issue([token.to_owned()]);
        let error = scene.error(scene.expired()).await;
        assert_eq!(error.kind(), ErrorKind::InvalidToken, "{token}: {error}");
        assert_hides(&error, &["pl4nted"]);
    }
    scene
        .issuer
        .answer(TOKEN_PATH, IssuerAnswer::Raw(StatusCode::OK, "pl4nted".into()));
    let error = scene.error(scene.expired()).await;
    assert_eq!(error.kind(), ErrorKind::MalformedDocument);
    assert_hides(&error, &["pl4nted"]);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let scene = Scene::new().await;
    let endless = || IssuerAnswer::Raw(StatusCode::OK, vec![b' '; 64 * 1024 * 1024].into());
    for path in [DISCOVERY_PATH, TOKEN_PATH] {
        scene.issuer.answer(path, endless());
        let error = scene.error(scene.expired()).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().ends_with("is larger than 1 MiB"), "{error}");
        scene.issuer.answer_properly(path);
    }
}

#[tokio::test]
async fn an_issuer_that_does_not_respond_times_out_after_thirty_seconds() {
    let scene = Scene::new().await;
    for path in [DISCOVERY_PATH, TOKEN_PATH] {
        scene.issuer.answer(path, IssuerAnswer::Silence);
        let credentials = scene.credentials(scene.expired()).await;
        let before = scene.issuer.requests_of(path).len();
        let waiting = tokio::spawn({
            let credentials = credentials.clone();
            async move { current(&credentials).await }
        });
        until("the request is there", || {
            scene.issuer.requests_of(path).len() > before
        })
        .await;
        scene.world.advance(29 * SECOND);
        tokio::time::sleep(SECOND / 20).await;
        assert!(!waiting.is_finished());
        scene.world.advance(SECOND);
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.message().ends_with("within 30 s"), "{error}");
        scene.issuer.answer_properly(path);

        // The silence has left nothing behind that the next refresh would trip over.
        scene.world.advance(120 * SECOND);
        scene.issuer.issue([scene.token("jane", 3600)]);
        current(&credentials).await.unwrap();
    }
}

#[tokio::test]
async fn while_the_old_token_is_valid_a_broken_issuer_causes_no_error() {
    let scene = Scene::new().await;
    scene.issuer.answer(
        TOKEN_PATH,
        IssuerAnswer::Json(StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"})),
    );
    let old = scene.token("old", 1000);
    let options = scene.options().set("id-token", old.as_str());
    let credentials = scene.credentials(options.set("refresh-token", "refresh-0")).await;
    assert_eq!(current(&credentials).await.unwrap(), old);
    scene.world.advance(950 * SECOND);
    assert_eq!(current(&credentials).await.unwrap(), old);
    until("the issuer was asked", || {
        !scene.issuer.requests_of(TOKEN_PATH).is_empty()
    })
    .await;
    assert_eq!(current(&credentials).await.unwrap(), old);
    scene.world.advance(60 * SECOND);
    assert_eq!(
        current(&credentials).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}
