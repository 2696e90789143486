//! A credential goes to one origin.

use http::StatusCode;
use kubex::{ClientConfiguration, ErrorKind, Impersonation, Trust};
use kubex_tests::api_server::{ApiServer, User};

use crate::world::*;

const STATUSES: [StatusCode; 3] = [
    StatusCode::FOUND,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

#[tokio::test]
async fn a_redirect_to_another_origin_is_handed_back_and_nothing_goes_there() {
    for version in BOTH {
        let server = server(version).await;
        let other = speaking(version).allow_anonymous(true).start().await.unwrap();
        let plain = ApiServer::builder()
            .plain_http()
            .allow_anonymous(true)
            .start()
            .await
            .unwrap();
        server.accept_token("t0ken", User::new("jane"));
        let issued = server.issue_client_certificate("jane", &[]);
        // It would trust the others, so that only the redirect itself keeps it from them.
        let mut cluster = cluster(&server);
        cluster.trust = Trust::Insecure;
        let configuration = built(
            ClientConfiguration::builder(cluster)
                .credential(bearer("t0ken").with_certificate(pair(&issued)))
                .impersonation(Some(Impersonation::new("joe"))),
        );
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        let plain_client = kubex::reqwest::client(&configuration).unwrap();
        let port = server.address().port();
        let places = [
            ("port", format!("{}/version", other.url())),
            ("scheme", format!("{}/version", plain.url())),
            ("host", format!("https://localhost:{port}/version")),
        ];
        let mut sent = 0;
        for (place, location) in &places {
            for status in STATUSES {
                server.redirect_with(status, "/away", location);
                let response = get(&client, "/away").await.unwrap();
                assert_eq!(response.status(), status, "{place}");
                assert_eq!(response.headers()["location"], location.as_str());
                // The plain client would bring its certificate, and what its user put on the request.
                let request = plain_client.get(format!("{}/away", server.url()));
                let response = request.bearer_auth("t0ken").send().await.unwrap();
                assert_eq!(response.status(), status, "{place}");
                sent += 2;
            }
        }
        assert_eq!((other.connections(), other.failed_handshakes()), (0, 0));
        assert_eq!(plain.connections(), 0);
        assert_eq!(server.requests().len(), sent, "its other name got nothing either");
        for server in [server, other, plain] {
            server.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_redirect_on_the_same_origin_is_followed_with_the_credential() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let client = client(
            configure(&server)
                .credential(bearer("t0ken"))
                .impersonation(Some(Impersonation::new("joe"))),
        );
        for status in STATUSES {
            for location in ["/version".to_owned(), format!("{}/version", server.url())] {
                server.forget_requests();
                server.redirect_with(status, "/moved", location);
                assert_eq!(crate::world::status(&client, "/moved").await, StatusCode::OK);
                let requests = server.requests();
                assert_eq!(requests.len(), 2);
                assert_eq!(requests[1].bearer_token(), Some("t0ken"));
                assert_eq!(requests[1].user.as_deref(), Some("joe"));
            }
        }
        server.shutdown().await;
    }
}

#[tokio::test]
async fn redirects_that_never_end_are_given_up() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("t0ken", User::new("jane"));
    server.redirect("/round", "/round");
    let client = client(configure(&server).credential(bearer("t0ken")));
    assert_eq!(status(&client, "/round").await, StatusCode::FOUND);
    assert_eq!(server.requests().len(), 11);
    server.shutdown().await;
}

#[tokio::test]
async fn a_request_to_another_origin_is_refused_before_it_is_sent() {
    let server = ApiServer::builder().start().await.unwrap();
    let other = ApiServer::builder().allow_anonymous(true).start().await.unwrap();
    let source = Playback::of([bearer("t0ken")]);
    let client = client(configure(&server).source(source.clone()));
    let port = server.address().port();
    for url in [
        format!("{}/version", other.url()),
        format!("https://localhost:{port}/version"),
        format!("http://127.0.0.1:{port}/version"),
    ] {
        let plain = kubex::reqwest::client(&built(configure(&server))).unwrap();
        let request = plain.get(&url);
        let error = client.send(request).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{url}");
    }
    assert!(client.get("//elsewhere.example/version").is_ok(), "it is a path");
    assert_eq!(source.fetches(), 0);
    assert_eq!((server.connections(), other.connections()), (0, 0));
    for server in [server, other] {
        server.shutdown().await;
    }
}
