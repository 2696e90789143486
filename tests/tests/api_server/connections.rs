//! Names, versions of HTTP, the ends of connections, and what is answered over them.

use http::{StatusCode, Version};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::json;
use tokio::net::TcpStream;

use crate::client::{Client, Connection};

const GOOD: [(&str, &str); 1] = [("Authorization", "Bearer good")];

async fn server_with_good_token() -> ApiServer {
    let server = ApiServer::builder()
        .also_named("api.internal")
        .start()
        .await
        .unwrap();
    server.accept_token("good", User::new("jane"));
    server
}

#[tokio::test]
async fn over_http2_a_refusal_closes_the_connection() {
    let server = server_with_good_token().await;
    let mut connection = Client::trusting(&server).http2().connect(&server).await.unwrap();

    let answered = connection.get("/version", &GOOD).await.unwrap();
    assert_eq!(
        (answered.status, answered.version),
        (StatusCode::OK, Version::HTTP_2)
    );
    let refused = connection
        .get("/version", &[("Authorization", "Bearer bad")])
        .await
        .unwrap();
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    connection.closed().await;

    let mut second = Client::trusting(&server).http2().connect(&server).await.unwrap();
    assert_eq!(
        second.get("/version", &GOOD).await.unwrap().status,
        StatusCode::OK
    );
    let numbers: Vec<u64> = server
        .requests()
        .iter()
        .map(|request| request.connection)
        .collect();
    assert_eq!(numbers, [1, 1, 2]);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn over_http2_an_anonymous_request_closes_the_connection_too() {
    let server = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    let mut connection = Client::trusting(&server).http2().connect(&server).await.unwrap();
    assert_eq!(
        connection.get("/version", &[]).await.unwrap().status,
        StatusCode::OK
    );
    connection.closed().await;
}

#[tokio::test]
async fn over_http1_a_refusal_keeps_the_connection() {
    let server = server_with_good_token().await;
    let mut connection = Client::trusting(&server).connect(&server).await.unwrap();
    assert_eq!(
        connection.get("/version", &[]).await.unwrap().status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        connection.get("/version", &GOOD).await.unwrap().status,
        StatusCode::OK
    );
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests()[0].version, Version::HTTP_11);
}

#[tokio::test]
async fn without_http2_only_http1_is_negotiated() {
    let server = ApiServer::builder().http2(false).start().await.unwrap();
    assert!(Client::trusting(&server).http2().connect(&server).await.is_err());
    assert!(Client::trusting(&server).connect(&server).await.is_ok());
}

#[tokio::test]
async fn the_name_that_a_client_asks_for_is_recorded() {
    let server = server_with_good_token().await;
    for name in ["127.0.0.1", "localhost", "api.internal"] {
        let client = Client::trusting(&server).expecting(name);
        client
            .connect(&server)
            .await
            .unwrap()
            .get("/version", &GOOD)
            .await
            .unwrap();
    }
    let names: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.server_name)
        .collect();
    assert_eq!(
        names,
        [
            None,
            Some("localhost".to_owned()),
            Some("api.internal".to_owned())
        ]
    );

    let narrow = ApiServer::builder()
        .only_named("api.internal")
        .start()
        .await
        .unwrap();
    assert!(Client::trusting(&narrow).connect(&narrow).await.is_err());
    assert!(
        Client::trusting(&narrow)
            .expecting("api.internal")
            .connect(&narrow)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn after_a_rotation_new_connections_need_the_new_authority() {
    let server = server_with_good_token().await;
    let old = Client::trusting(&server);
    let mut before = old.connect(&server).await.unwrap();
    let old_pem = server.ca_pem();
    server.rotate_certificate_authority();

    assert_ne!(server.ca_pem(), old_pem);
    assert!(old.connect(&server).await.is_err());
    assert_eq!(
        before.get("/version", &GOOD).await.unwrap().status,
        StatusCode::OK
    );
    let mut after = Client::trusting(&server).connect(&server).await.unwrap();
    assert_eq!(after.get("/version", &GOOD).await.unwrap().status, StatusCode::OK);
    while server.failed_handshakes() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_plain_server_records_what_arrives() {
    let server = ApiServer::builder()
        .plain_http()
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    assert!(server.url().starts_with("http://127.0.0.1:"));
    let mut connection = Connection::plain(&server).await;
    connection.get("/version?timeout=5s", &[]).await.unwrap();
    connection.get("/version", &GOOD).await.unwrap();

    let requests = server.requests();
    assert_eq!(
        (requests[0].path.as_str(), requests[0].query.as_deref()),
        ("/version", Some("timeout=5s"))
    );
    assert!(requests[0].is_free_of_credentials());
    assert_eq!(requests[0].user.as_deref(), Some("system:anonymous"));
    assert_eq!(requests[1].authorization.as_deref(), Some("Bearer good"));
    assert_eq!(requests[1].status, StatusCode::UNAUTHORIZED);
    server.forget_requests();
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn paths_are_answered_as_configured_or_as_by_an_empty_cluster() {
    let server = server_with_good_token().await;
    server.redirect("/moved", "https://elsewhere.example/");
    server.answer(
        "/busy",
        StatusCode::SERVICE_UNAVAILABLE,
        json!({ "kind": "Status" }),
    );
    let mut connection = Client::trusting(&server).connect(&server).await.unwrap();

    let moved = connection.get("/moved", &GOOD).await.unwrap();
    assert_eq!(moved.status, StatusCode::FOUND);
    assert_eq!(moved.headers["location"], "https://elsewhere.example/");
    let busy = connection.get("/busy", &GOOD).await.unwrap();
    assert_eq!(
        (busy.status, busy.body),
        (StatusCode::SERVICE_UNAVAILABLE, json!({ "kind": "Status" }))
    );

    let pods = connection
        .get("/api/v1/namespaces/default/pods", &GOOD)
        .await
        .unwrap();
    assert_eq!((pods.status, &pods.body["items"]), (StatusCode::OK, &json!([])));
    assert_eq!(
        connection.get("/version", &GOOD).await.unwrap().body["minor"],
        "36"
    );
    let unknown = connection.get("/nowhere", &GOOD).await.unwrap();
    assert_eq!(
        (unknown.status, &unknown.body["reason"]),
        (StatusCode::NOT_FOUND, &json!("NotFound"))
    );
}

#[tokio::test]
async fn a_server_that_is_shut_down_or_dropped_leaves_nothing_open() {
    let server = server_with_good_token().await;
    let mut connection = Client::trusting(&server).http2().connect(&server).await.unwrap();
    connection.get("/version", &GOOD).await.unwrap();
    server.shutdown().await;
    server.shutdown().await;
    connection.closed().await;
    assert!(TcpStream::connect(server.address()).await.is_err());
    assert_eq!(server.requests().len(), 1);

    let dropped = server_with_good_token().await;
    let mut connection = Client::trusting(&dropped).connect(&dropped).await.unwrap();
    connection.get("/version", &GOOD).await.unwrap();
    drop(dropped);
    connection.closed().await;
}
