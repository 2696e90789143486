//! The secrets of the provider `oidc`, through everything an issuer may do with them.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::StatusCode;
use kubex::Options;
use kubex_core::host::SimulatedHost;
use kubex_tests::issuer::{DISCOVERY_PATH, Issuer, IssuerAnswer, PasswordStyle, TOKEN_PATH};
use serde_json::json;

use super::case::{one, run, with_server, world};
use super::shown::{Canary as _, Shown};

pub(super) const MARKERS: &[&str] = &[
    "Kl6clien-canary-in-a-client-secret",
    "Zx9refre-canary-in-a-refresh-token",
    "Vb8idtok-canary-in-an-id-token",
    "Nm5rotat-canary-in-a-rotated-refresh-token",
    "Bn4answe-canary-in-an-issuers-answer",
    "Cv3issue-canary-in-an-issuers-address",
];

const CLIENT_SECRET: &str = MARKERS[0];
const REFRESH_TOKEN: &str = MARKERS[1];
const ID_TOKEN: &str = MARKERS[2];
const ROTATED: &str = MARKERS[3];
const ANSWER: &str = MARKERS[4];
const ADDRESS: &str = MARKERS[5];

/// Marked in its claims and in its signature. It expires in 2030, hours after the simulated world begins.
fn id_token(hours: i64) -> String {
    let claims = json!({"sub": ID_TOKEN, "exp": 1_893_456_000 + hours * 3600});
    format!(
        "e30.{}.{ID_TOKEN}",
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
    )
}

async fn issuer() -> Issuer {
    let issuer = Issuer::start().await.unwrap();
    issuer.know_client("kubernetes", Some((CLIENT_SECRET, PasswordStyle::Basic)));
    issuer.accept_refresh_token(REFRESH_TOKEN);
    issuer.issue((1..9).map(id_token));
    issuer
}

fn options(issuer: &Issuer) -> Options {
    with_server()
        .set("idp-issuer-url", issuer.url())
        .set("client-id", "kubernetes")
        .set("client-secret", CLIENT_SECRET)
        .set("refresh-token", REFRESH_TOKEN)
        .set("idp-certificate-authority-data", issuer.ca_pem())
}

#[tokio::test]
async fn oidc_shows_no_secret_of_its_options() {
    let issuer = issuer().await;
    let cases = [
        ("expired", options(&issuer).set("id-token", id_token(-1))),
        ("valid", options(&issuer).set("id-token", id_token(1))),
        ("malformed", options(&issuer).set("id-token", ID_TOKEN)),
        (
            "three parts",
            options(&issuer).set("id-token", format!("{ID_TOKEN}.{ID_TOKEN}.{ID_TOKEN}")),
        ),
        (
            "cannot travel",
            options(&issuer).set("id-token", id_token(1) + "\n"),
        ),
        (
            "wrong type",
            options(&issuer).set("refresh-token", vec![REFRESH_TOKEN]),
        ),
        ("unknown", options(&issuer).set("idtoken", ID_TOKEN)),
        ("empty client", options(&issuer).set("client-id", "")),
        (
            "password in the address",
            options(&issuer).set("idp-issuer-url", format!("https://jane:{ADDRESS}@h")),
        ),
        (
            "secret in the query",
            options(&issuer).set("idp-issuer-url", format!("https://h?key={ADDRESS}")),
        ),
        (
            "no https",
            options(&issuer).set("idp-issuer-url", format!("http://jane:{ADDRESS}@h")),
        ),
        (
            "no base64",
            options(&issuer).set("idp-certificate-authority-data", ANSWER),
        ),
        ("no refresh token", {
            let mut options = options(&issuer).set("id-token", id_token(1));
            drop(options.split_off(&["refresh-token"]));
            options
        }),
        (
            "another refresh token",
            options(&issuer).set("refresh-token", ROTATED),
        ),
        ("another secret", options(&issuer).set("client-secret", ANSWER)),
    ];
    for (what, options) in cases {
        let world = world();
        let shown = Shown::default();
        shown.add("the options themselves, on their way to the provider, are shown here: ");
        shown.debug(&options);
        if let Ok(parsed) = options
            .clone()
            .ignoring_unknown_keys()
            .parse::<kubex_oidc::OidcOptions>()
        {
            shown.debug(&parsed);
        }
        shown.assert_clean(what);
        run(what, &world, || one(&world, "oidc", options)).await;
    }
    assert!(!issuer.requests_of(TOKEN_PATH).is_empty());
}

#[tokio::test]
async fn oidc_shows_no_secret_that_travels() {
    for style in [PasswordStyle::Basic, PasswordStyle::Form] {
        let issuer = issuer().await;
        issuer.know_client("kubernetes", Some((CLIENT_SECRET, style)));
        issuer.rotate_refresh_tokens();
        let world = world();
        run("refreshes", &world, || one(&world, "oidc", options(&issuer))).await;
        assert!(issuer.requests_of(TOKEN_PATH).len() > 2);
    }
    let (issuer, world) = (issuer().await, world());
    world.set_variable("HTTPS_PROXY", &format!("http://jane:{ADDRESS}@127.0.0.1:1"));
    let elsewhere = options(&issuer).set("idp-issuer-url", "https://issuer.example");
    run("a proxy that is not there", &world, || {
        one(&world, "oidc", elsewhere)
    })
    .await;
}

/// What an issuer may answer, with everything it knows in it.
fn answers() -> Vec<(&'static str, IssuerAnswer)> {
    let basic = BASE64_STANDARD.encode(format!("kubernetes:{CLIENT_SECRET}"));
    let gossip = format!(
        "{REFRESH_TOKEN} of {CLIENT_SECRET} (header {basic}, Basic {basic}), new {ROTATED} and {}",
        id_token(1)
    );
    let tokens = json!({
        "error": gossip, "error_description": gossip, "error_uri": ANSWER, "more": [ANSWER],
        "id_token": id_token(1), "refresh_token": ROTATED, "access_token": ANSWER,
    });
    let without = |key: &str| {
        let mut tokens = tokens.clone();
        tokens
            .as_object_mut()
            .unwrap()
            .retain(|name, _| name != key && !name.starts_with("error"));
        tokens
    };
    let with = |key: &str, value: serde_json::Value| {
        let mut tokens = without("");
        tokens[key] = value;
        tokens
    };
    let ok = |document| IssuerAnswer::Json(StatusCode::OK, document);
    vec![
        (
            "a refusal",
            IssuerAnswer::Json(StatusCode::BAD_REQUEST, tokens.clone()),
        ),
        ("a refusal of 200", ok(tokens.clone())),
        (
            "an error of another type",
            IssuerAnswer::Json(StatusCode::BAD_REQUEST, json!({"error": [ANSWER]})),
        ),
        ("no JSON", IssuerAnswer::Raw(StatusCode::OK, ANSWER.into())),
        (
            "no JSON and no success",
            IssuerAnswer::Raw(StatusCode::BAD_GATEWAY, ANSWER.into()),
        ),
        (
            "cut short",
            IssuerAnswer::Raw(StatusCode::OK, format!("{{\"id_token\": \"{ANSWER}").into()),
        ),
        (
            "too large",
            IssuerAnswer::Raw(StatusCode::OK, ANSWER.repeat(50_000).into()),
        ),
        (
            "a redirect",
            IssuerAnswer::Redirect(StatusCode::FOUND, format!("https://127.0.0.1/{ANSWER}")),
        ),
        ("no id-token", ok(without("id_token"))),
        ("no refresh token", ok(without("refresh_token"))),
        ("a malformed id-token", ok(with("id_token", ANSWER.into()))),
        (
            "an id-token of another type",
            ok(with("id_token", json!([ANSWER]))),
        ),
        (
            "an id-token that cannot travel",
            ok(with("id_token", (id_token(1) + "\r\n").into())),
        ),
        (
            "an id-token that has expired",
            ok(with("id_token", id_token(-1).into())),
        ),
        (
            "another issuer",
            ok(json!({"issuer": ANSWER, "token_endpoint": ANSWER})),
        ),
        (
            "an endpoint that is not a valid URL",
            ok(json!({"token_endpoint": ANSWER})),
        ),
        (
            "an endpoint without TLS",
            ok(json!({"token_endpoint": format!("http://jane:{ANSWER}@h/{ANSWER}")})),
        ),
        (
            "an endpoint with a password",
            ok(json!({"token_endpoint": format!("https://jane:{ANSWER}@127.0.0.1:1/{ANSWER}?{ANSWER}")})),
        ),
        (
            "an endpoint that is not there",
            ok(json!({"token_endpoint": format!("https://127.0.0.1:1/{ANSWER}?{ANSWER}")})),
        ),
    ]
}

#[tokio::test]
async fn oidc_shows_no_secret_of_an_issuer_that_repeats_every_secret() {
    let issuer = issuer().await;
    for (what, answer) in answers() {
        for path in [DISCOVERY_PATH, TOKEN_PATH] {
            issuer.answer(path, answer.clone());
            let world: SimulatedHost = world();
            run(&format!("{what} at {path}"), &world, || {
                one(&world, "oidc", options(&issuer).set("id-token", id_token(-1)))
            })
            .await;
            assert!(!issuer.requests_of(path).is_empty());
            issuer.answer_properly(path);
        }
    }
}
