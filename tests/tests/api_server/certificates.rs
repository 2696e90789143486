//! Client certificates, alone and beside tokens.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use kubex_tests::api_server::{ApiServer, CREDENTIAL_ID, User};
use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn a_certificate_beats_even_a_bad_token() {
    let server = ApiServer::builder().start().await.unwrap();
    let certificate = server.issue_client_certificate("jane", &["dev", "ops"]);
    let client = Client::trusting(&server).with_certificate(&certificate);
    let mut connection = client.connect(&server).await.unwrap();

    let review = connection
        .review(&[("Authorization", "Bearer wrong")])
        .await
        .unwrap();
    assert_eq!(
        review.user_info(),
        &json!({
            "username": "jane",
            "groups": ["dev", "ops", "system:authenticated"],
            "extra": { CREDENTIAL_ID: [format!("X509SHA256={}", certificate.sha256())] },
        })
    );
    let recorded = server.requests().remove(0).client_certificate.unwrap();
    assert_eq!(
        (recorded.common_name.as_str(), recorded.sha256),
        ("jane", certificate.sha256())
    );
}

#[tokio::test]
async fn beside_a_foreign_certificate_the_token_decides() {
    let server = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    server.accept_token("good", User::new("jane"));
    let foreign = server.issue_foreign_client_certificate("mallory", &["system:masters"]);
    let mut connection = Client::trusting(&server)
        .with_certificate(&foreign)
        .connect(&server)
        .await
        .unwrap();

    let review = connection
        .review(&[("Authorization", "Bearer good")])
        .await
        .unwrap();
    assert_eq!(review.user_info()["username"], "jane");
    assert_eq!(review.user_info()["groups"], json!(["system:authenticated"]));
    assert_eq!(
        connection.review(&[]).await.unwrap().status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        server.requests()[1]
            .client_certificate
            .as_ref()
            .unwrap()
            .common_name,
        "mallory"
    );
}

#[tokio::test]
async fn a_certificate_that_ends_is_refused_on_its_open_connection() {
    let server = ApiServer::builder().start().await.unwrap();
    let certificate = server.issue_client_certificate("jane", &[]);
    let mut connection = Client::trusting(&server)
        .with_certificate(&certificate)
        .connect(&server)
        .await
        .unwrap();

    assert_eq!(
        connection.get("/version", &[]).await.unwrap().status,
        StatusCode::OK
    );
    server.revoke_client_certificate(&certificate);
    assert_eq!(
        connection.get("/version", &[]).await.unwrap().status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_expired_certificate_does_not_identify_a_user() {
    let server = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    let an_hour_ago = SystemTime::now() - Duration::from_secs(60 * 60);
    let expired = server.issue_client_certificate_until("jane", &[], an_hour_ago);
    let mut connection = Client::trusting(&server)
        .with_certificate(&expired)
        .connect(&server)
        .await
        .unwrap();
    assert_eq!(
        connection.review(&[]).await.unwrap().status,
        StatusCode::UNAUTHORIZED
    );
}
