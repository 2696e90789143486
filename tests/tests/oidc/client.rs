//! How the client shows who it is, and what it makes of a refusal.

use http::StatusCode;
use kubex::ErrorKind;
use kubex_tests::issuer::{IssuerAnswer, PasswordStyle, TOKEN_PATH};
use serde_json::json;

use crate::scene::{HOUR, Scene, assert_hides, current};

/// Everything that the two encodings of a form and of Basic can trip over.
const PASSWORD: &str = "p:ä s+s%&=w/o";

async fn scene_with_password(style: PasswordStyle) -> Scene {
    let scene = Scene::new().await;
    scene.issuer.know_client("my client:1", Some((PASSWORD, style)));
    scene
        .issuer
        .issue((1..=2).map(|hours| scene.token("jane", hours * 3600)));
    scene
}

/// Refreshes twice and tells how each request showed the password.
async fn shown(scene: &Scene) -> Vec<&'static str> {
    let options = scene.expired().set("client-id", "my client:1");
    let credentials = scene.credentials(options.set("client-secret", PASSWORD)).await;
    for _ in 0..2 {
        current(&credentials).await.unwrap();
        scene.world.advance(HOUR);
    }
    let requests = scene.issuer.requests_of(TOKEN_PATH);
    requests
        .iter()
        .map(
            |request| match (&request.authorization, request.field("client_secret")) {
                (Some(basic), None) if basic.starts_with("Basic ") => "basic",
                (None, Some(PASSWORD)) => "form",
                other => panic!("{other:?}"),
            },
        )
        .collect()
}

#[tokio::test]
async fn a_password_travels_as_basic_first() {
    let scene = scene_with_password(PasswordStyle::Basic).await;
    assert_eq!(shown(&scene).await, ["basic", "basic"]);
}

#[tokio::test]
async fn an_issuer_that_requires_the_secret_in_the_form_gets_it_there_from_then_on() {
    let scene = scene_with_password(PasswordStyle::Form).await;
    assert_eq!(shown(&scene).await, ["basic", "form", "form"]);
}

#[tokio::test]
async fn a_client_without_a_password_is_named_in_the_form() {
    let scene = Scene::new().await;
    scene.issuer.issue([scene.token("jane", 3600)]);
    for options in [scene.expired(), scene.expired().set("client-secret", "")] {
        current(&scene.credentials(options).await).await.unwrap();
    }
    let requests = scene.issuer.requests_of(TOKEN_PATH);
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert!(request.authorization.is_none());
        assert_eq!(request.field("client_id"), Some("kubernetes"));
        assert_eq!(request.field("client_secret"), None);
    }
}

#[tokio::test]
async fn a_wrong_password_is_reported_after_both_methods() {
    let scene = scene_with_password(PasswordStyle::Basic).await;
    let options = scene.expired().set("client-id", "my client:1");
    let error = scene.error(options.set("client-secret", "wr0ng-pass")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        format!(
            "company: the token endpoint at {} returned no new id-token: invalid_client: the issuer says \
             invalid_client: 401 Unauthorized (the program, refresh-token); check \"client-id\" and \
             \"client-secret\"",
            scene.issuer.origin()
        )
    );
    assert_hides(&error, &["wr0ng-pass"]);
    assert_eq!(scene.issuer.requests_of(TOKEN_PATH).len(), 2);
}

#[tokio::test]
async fn an_expired_refresh_token_is_reported_even_if_the_form_is_refused() {
    let scene = scene_with_password(PasswordStyle::Basic).await;
    let options = scene.expired().set("client-id", "my client:1");
    let options = options
        .set("client-secret", PASSWORD)
        .set("refresh-token", "0utdated-token");
    let error = scene.error(options).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("invalid_grant"), "{error}");
    assert_eq!(error.help(), Some("log in again"));
    assert_hides(&error, &["0utdated-token", PASSWORD]);
}

#[tokio::test]
async fn a_refusal_shows_its_two_texts_cleaned_and_masked_and_nothing_else() {
    let scene = Scene::new().await;
    let told = [
        ("\u{1b}[31mno\u{202e}", "U+001B[31mnoU+202E"),
        ("a\nb", "aU+000Ab"),
        ("with refresh-0", "with [masked]"),
        ("of p:ä s+s%&=w/o", "of [masked]"),
        ("Bearer abc.def", "Bearer [masked]"),
        ("client_secret=hunter22", "client_secret=[masked]"),
        ("new is n3w-id-tok3n", "new is [masked]"),
    ];
    let description = told.map(|(said, _)| said).join(" and ");
    let shown = format!("invalid_grant: {}: ", told.map(|(_, shown)| shown).join(" and "));
    for status in [StatusCode::BAD_REQUEST, StatusCode::OK] {
        scene.issuer.answer(
            TOKEN_PATH,
            IssuerAnswer::Json(
                status,
                json!({
                    "error": "invalid_grant",
                    "error_description": description,
                    "error_uri": "https://pl4nted.example",
                    "trace": "pl4nted",
                    "id_token": "n3w-id-tok3n",
                    "access_token": "pl4nted",
                }),
            ),
        );
        let error = scene.error(scene.expired().set("client-secret", PASSWORD)).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains(&shown), "{error}");
        assert_hides(&error, &["pl4nted"]);
    }
}

#[tokio::test]
async fn a_refusal_of_any_length_is_short() {
    let scene = Scene::new().await;
    let endless = "no ".repeat(100_000);
    scene.issuer.answer(
        TOKEN_PATH,
        IssuerAnswer::Json(
            StatusCode::BAD_REQUEST,
            json!({"error": endless, "error_description": endless}),
        ),
    );
    let error = scene.error(scene.expired()).await;
    assert!(error.to_string().len() < 1000, "{}", error.to_string().len());
}

#[tokio::test]
async fn a_refusal_that_is_not_json_is_shown_by_its_status() {
    let scene = Scene::new().await;
    for body in [
        "<html>pl4nted</html>",
        "",
        "[\"pl4nted\"]",
        r#"{"error":{"pl4nted":1}}"#,
    ] {
        scene.issuer.answer(
            TOKEN_PATH,
            IssuerAnswer::Raw(StatusCode::BAD_GATEWAY, body.into()),
        );
        let error = scene.error(scene.expired()).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error
                .message()
                .ends_with("returned no new id-token: 502 Bad Gateway"),
            "{error}"
        );
    }
}
