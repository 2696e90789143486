//! Tokens, passwords, anonymous requests and impersonation.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use kubex_tests::api_server::{ApiServer, CREDENTIAL_ID, User};
use serde_json::json;

use crate::client::{Client, Connection};

async fn connected(server: &ApiServer) -> Connection {
    Client::trusting(server).connect(server).await.unwrap()
}

#[tokio::test]
async fn a_known_token_is_its_user() {
    let server = ApiServer::builder().start().await.unwrap();
    let jwt = format!("e30.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(r#"{"jti":"4711"}"#));
    server.accept_token(
        &jwt,
        User::new("jane").group("dev").uid("42").extra("team", "blue"),
    );

    let mut connection = connected(&server).await;
    let review = connection
        .review(&[("Authorization", &format!("bearer {jwt}"))])
        .await
        .unwrap();
    assert_eq!(
        review.user_info(),
        &json!({
            "username": "jane",
            "uid": "42",
            "groups": ["dev", "system:authenticated"],
            "extra": { "team": ["blue"], CREDENTIAL_ID: ["JTI=4711"] },
        })
    );

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].bearer_token(), Some(jwt.as_str()));
    assert_eq!(requests[0].user.as_deref(), Some("jane"));
    assert_eq!(requests[0].status, StatusCode::CREATED);
    assert!(!requests[0].is_free_of_credentials());
}

#[tokio::test]
async fn a_wrong_token_is_refused_where_anonymous_requests_are_refused() {
    let server = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    let mut connection = connected(&server).await;

    let refused = connection
        .get("/version", &[("Authorization", "Bearer wrong")])
        .await
        .unwrap();
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.body["kind"], "Status");
    assert_eq!(refused.body["reason"], "Unauthorized");
    assert_eq!(refused.body["code"], 401);

    let anonymous = connection.review(&[]).await.unwrap();
    let unauthenticated = json!({ "username": "system:anonymous", "groups": ["system:unauthenticated"] });
    assert_eq!(anonymous.user_info(), &unauthenticated);
    let two_spaces = connection
        .review(&[("Authorization", "Bearer  wrong")])
        .await
        .unwrap();
    assert_eq!(two_spaces.user_info(), &unauthenticated);

    server.allow_anonymous(false);
    assert_eq!(
        connection.review(&[]).await.unwrap().status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(server.requests()[3].user, None);
}

#[tokio::test]
async fn a_token_is_refused_from_its_end_on_and_when_it_is_revoked() {
    let server = ApiServer::builder().start().await.unwrap();
    let end = Instant::now() + Duration::from_millis(40);
    server.accept_token_until("short", User::new("jane"), end);
    server.accept_token_until("long", User::new("jane"), end + Duration::from_secs(600));
    server.accept_token_until("past", User::new("jane"), Instant::now());
    let mut connection = connected(&server).await;
    let mut status = async |token: &str| {
        connection
            .get("/version", &[("Authorization", token)])
            .await
            .unwrap()
            .status
    };

    assert_eq!(status("Bearer past").await, StatusCode::UNAUTHORIZED);
    tokio::time::sleep_until(end.into()).await;
    assert_eq!(status("Bearer short").await, StatusCode::UNAUTHORIZED);
    assert_eq!(status("Bearer long").await, StatusCode::OK);
    server.revoke_token("long");
    assert_eq!(status("Bearer long").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_name_and_its_password_are_their_user() {
    let server = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    server.accept_basic("jane", "pass:word", User::new("jane"));
    let mut connection = connected(&server).await;

    let known = connection
        .review(&[("Authorization", "Basic amFuZTpwYXNzOndvcmQ=")])
        .await
        .unwrap();
    assert_eq!(known.user_info()["username"], "jane");
    let wrong = connection
        .review(&[("Authorization", "Basic amFuZTp3cm9uZw==")])
        .await
        .unwrap();
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn impersonation_changes_the_reported_user() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("root", User::new("root"));
    let mut connection = connected(&server).await;

    let headers = [
        ("Authorization", "Bearer root"),
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "42"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-Acme.com%2FProject", "some%20value"),
    ];
    let review = connection.review(&headers).await.unwrap();
    assert_eq!(
        review.user_info(),
        &json!({
            "username": "jane",
            "uid": "42",
            "groups": ["dev", "ops", "system:authenticated"],
            "extra": { "acme.com/project": ["some%20value"] },
        })
    );
    let request = server.requests().remove(0);
    assert_eq!(request.authenticated_as.as_deref(), Some("root"));
    assert_eq!(request.user.as_deref(), Some("jane"));
    let pairs = |name: &str| -> Vec<String> {
        request
            .impersonation
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .collect()
    };
    assert_eq!(pairs("impersonate-group"), ["dev", "ops"]);
    assert_eq!(pairs("impersonate-extra-acme.com%2fproject"), ["some%20value"]);

    let lonely = connection
        .review(&[("Authorization", "Bearer root"), ("Impersonate-Group", "dev")])
        .await
        .unwrap();
    assert_eq!(lonely.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn rejections_come_before_any_credential() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("good", User::new("jane"));
    let mut connection = connected(&server).await;
    let mut status = async || {
        connection
            .get("/version", &[("Authorization", "Bearer good")])
            .await
            .unwrap()
            .status
    };

    server.reject_next(2);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    assert_eq!(status().await, StatusCode::OK);
    server.reject_all(true);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    server.reject_all(false);
    assert_eq!(status().await, StatusCode::OK);
}
