//! What only the client over reqwest has: redirects that are followed, its own request builder, and reqwest's own client.

use std::time::Duration;

use http::{StatusCode, Version};
use kubex::reqwest::{Client, client_without_authorization};
use kubex::{CaBundle, ClientConfiguration, ErrorKind, Impersonation, Trust};
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::machine::patience;
use kubex_tests::proxy::{Proxy, ProxyKind};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::proxy::{KINDS, behind, hidden, through};
use crate::redirects::STATUSES;
use crate::world::*;

async fn get(client: &Client, path: &str) -> kubex::reqwest::Response {
    let sent = client.get(path).unwrap().send();
    tokio::time::timeout(patience(LIMIT), sent)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_redirect_on_the_same_origin_is_followed_with_the_credential() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let configuration = built(
            configure(&server)
                .credential(bearer("t0ken"))
                .impersonation(Some(Impersonation::new("joe"))),
        );
        let client = Client::new(&configuration).unwrap();
        for status in STATUSES {
            for location in ["/version".to_owned(), format!("{}/version", server.url())] {
                server.forget_requests();
                server.redirect_with(status, "/moved", location);
                assert_eq!(get(&client, "/moved").await.status(), StatusCode::OK);
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
    let client = Client::new(&built(configure(&server).credential(bearer("t0ken")))).unwrap();
    assert_eq!(get(&client, "/round").await.status(), StatusCode::FOUND);
    assert_eq!(server.requests().len(), 11);
    server.shutdown().await;
}

#[tokio::test]
async fn a_redirect_keeps_the_tls_server_name() {
    let server = speaking(Version::HTTP_2)
        .only_named("api.internal")
        .start()
        .await
        .unwrap();
    server.accept_token("t0ken", User::new("jane"));
    server.redirect("/moved", "/version");
    let mut cluster = cluster(&server);
    cluster.tls_server_name = Some("api.internal".into());
    let configuration = built(ClientConfiguration::builder(cluster).credential(bearer("t0ken")));
    let client = Client::new(&configuration).unwrap();
    assert_eq!(get(&client, "/moved").await.status(), StatusCode::OK);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.server_name.as_deref(), Some("api.internal"));
        let port = server.address().port();
        assert_eq!(request.headers["host"], format!("127.0.0.1:{port}"));
        // Over HTTP/2 the two could not differ, so it is not offered.
        assert_eq!(request.version, Version::HTTP_11);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn the_url_of_another_server_is_a_path_on_this_one() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("t0ken", User::new("jane"));
    let client = Client::new(&built(configure(&server).credential(bearer("t0ken")))).unwrap();
    get(&client, "//elsewhere.example/version").await;
    assert_eq!(server.requests()[0].path, "/elsewhere.example/version");
    server.shutdown().await;
}

#[tokio::test]
async fn a_request_is_built_step_by_step_and_its_answer_read_as_json() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ServerVersion {
        git_version: String,
    }

    for version in BOTH {
        let server = server(version).await;
        server.accept_token("t0ken", User::new("jane"));
        let client = Client::new(&built(configure(&server).credential(bearer("t0ken")))).unwrap();
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = client
            .post(path)
            .unwrap()
            .query([("dryRun", "All"), ("fieldManager", "a b&c")])
            .query::<&str, &str>([])
            .header("x-trace", "1")
            .json(&serde_json::json!({ "kind": "SelfSubjectReview" }))
            .send()
            .await
            .unwrap();
        assert_eq!(
            (review.status(), review.version()),
            (StatusCode::CREATED, version)
        );
        let review: serde_json::Value = review.json().await.unwrap();
        assert_eq!(review["status"]["userInfo"]["username"], "jane");
        let request = server.requests().remove(0);
        assert_eq!(request.query.as_deref(), Some("dryRun=All&fieldManager=a+b%26c"));
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["x-trace"], "1");
        assert_eq!(request.body, "{\"kind\":\"SelfSubjectReview\"}");

        let typed: ServerVersion = get(&client, "/version").await.json().await.unwrap();
        assert!(typed.git_version.starts_with('v'), "{}", typed.git_version);
        let mut answer = get(&client, "/version").await;
        let mut read = Vec::new();
        while let Some(chunk) = answer.chunk().await.unwrap() {
            read.extend_from_slice(&chunk);
        }
        assert_eq!(read, get(&client, "/version").await.bytes().await.unwrap());
        assert!(get(&client, "/version").await.error_for_status().is_ok());
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_step_that_fails_is_reported_by_send_and_nothing_goes_out() {
    let server = server(Version::HTTP_2).await;
    let source = Playback::of([bearer("s3cr3t-token")]);
    let client = Client::new(&built(configure(&server).source(source.clone()))).unwrap();
    let get = || client.get("/version").unwrap();
    let not_json = std::collections::HashMap::from([((1, 2), 3)]);
    for request in [
        get().header("a b", "1"),
        get().header("x-secret", "s3cr3t\nvalue"),
        get().json(&not_json),
    ] {
        let error = request.header("x-later", "fine").send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
        assert_hides(&error, &["s3cr3t"]);
    }
    assert_eq!((source.fetches(), server.connections()), (0, 0));
    server.shutdown().await;
}

#[tokio::test]
async fn an_answer_of_another_type_is_an_error_that_shows_nothing_of_it() {
    let server = server(Version::HTTP_2).await;
    server.accept_token("t0ken", User::new("jane"));
    let secret = serde_json::json!({ "data": { "password": "s3cr3t" } });
    server.answer("/api/v1/secret", StatusCode::OK, secret);
    let client = Client::new(&built(configure(&server).credential(bearer("t0ken")))).unwrap();
    let answer = get(&client, "/api/v1/secret").await;
    assert!(!format!("{answer:?}").contains("s3cr3t"));
    let error = answer.json::<Vec<String>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedDocument);
    assert!(error.to_string().contains("line 1, column"), "{error}");
    assert_hides(&error, &["s3cr3t"]);

    let error = get(&client, "/missing").await.error_for_status().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestFailed);
    assert!(
        error.to_string().contains("404 Not Found to \"/missing\""),
        "{error}"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn a_request_shows_neither_its_headers_nor_its_query() {
    let server = server(Version::HTTP_2).await;
    let client = Client::new(&built(configure(&server).credential(bearer("s3cr3t-token")))).unwrap();
    let request = client
        .get("/version")
        .unwrap()
        .query([("token", "s3cr3t")])
        .header("authorization", "Bearer s3cr3t");
    let shown = format!("{request:?} {client:?}");
    assert!(shown.contains("/version") && !shown.contains("s3cr3t"), "{shown}");
    server.shutdown().await;
}

#[tokio::test]
async fn behind_each_kind_of_proxy_redirects_and_addresses_are_as_without_one() {
    for version in BOTH {
        for (kind, scheme) in KINDS {
            let server = hidden(version).await;
            let proxy = Proxy::start(kind, server.address()).await.unwrap();
            let cluster = behind(&server, &proxy, &format!("{scheme}://{}", proxy.authority()));
            let credential = bearer("s3cr3t-token");
            let configuration = built(ClientConfiguration::builder(cluster).credential(credential));
            let client = Client::new(&configuration).unwrap();
            let answer = get(&client, "/version").await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.url().as_str(), format!("{}/version", server.url()));
            assert!(answer.text().await.unwrap().contains("gitVersion"));
            server.redirect_with(StatusCode::FOUND, "/moved", "/version");
            assert_eq!(get(&client, "/moved").await.status(), StatusCode::OK);
            server.redirect_with(StatusCode::FOUND, "/away", "https://elsewhere.test/version");
            assert_eq!(get(&client, "/away").await.status(), StatusCode::FOUND);
            server.redirect("/round", "/round");
            server.forget_requests();
            assert_eq!(get(&client, "/round").await.status(), StatusCode::FOUND);
            assert_eq!(server.requests().len(), 11);
            for request in server.requests() {
                assert_eq!(request.bearer_token(), Some("s3cr3t-token"));
            }
            assert_eq!(proxy.tunnels().len(), 1, "one tunnel for all requests");
            server.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_request_through_an_encrypted_proxy_that_never_answers_ends_when_its_time_is_over() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = hidden(Version::HTTP_2).await;
    let url = format!("https://{}", silent.local_addr().unwrap());
    let client = Client::new(&through(cluster(&server), &url)).unwrap();
    let request = client.get("/version").unwrap().timeout(Duration::from_millis(20));
    let error = request.send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestFailed, "{error}");
    assert!(error.to_string().contains("within 0.02 s"), "{error}");
    server.shutdown().await;
}

#[tokio::test]
async fn reqwests_own_client_returns_redirects_to_another_origin() {
    for version in BOTH {
        let server = server(version).await;
        let other = speaking(version).allow_anonymous(true).start().await.unwrap();
        let issued = server.issue_client_certificate("jane", &[]);
        let mut cluster = cluster(&server);
        cluster.trust = Trust::Insecure;
        let credential = certificate(&issued);
        let configuration = built(ClientConfiguration::builder(cluster).credential(credential));
        let client = client_without_authorization(&configuration).unwrap();
        let port = server.address().port();
        for location in [
            format!("{}/version", other.url()),
            format!("https://localhost:{port}/version"),
            format!("http://127.0.0.1:{port}/version"),
        ] {
            for status in STATUSES {
                server.redirect_with(status, "/away", &location);
                // It would bring its certificate, and what its user put on the request.
                let request = client.get(format!("{}/away", server.url()));
                let response = request.bearer_auth("t0ken").send().await.unwrap();
                assert_eq!(response.status(), status, "{location}");
            }
        }
        assert_eq!((other.connections(), other.failed_handshakes()), (0, 0));
        assert_eq!(server.requests().len(), 9);
        for server in [server, other] {
            server.shutdown().await;
        }
    }
}

#[tokio::test]
async fn reqwests_own_client_with_a_key_of_another_pair_is_refused_in_the_handshake() {
    for version in BOTH {
        let server = speaking(version).allow_anonymous(true).start().await.unwrap();
        let mixed = with_another_key(&server.issue_client_certificate("jane", &[]));
        let configuration = built(configure(&server).credential(certificate(&mixed)));
        let client = client_without_authorization(&configuration).unwrap();
        let sent = client.get(format!("{}/version", server.url())).send();
        assert!(sent.await.is_err());
        assert!(server.requests().is_empty());
        server.shutdown().await;
    }
}

#[tokio::test]
async fn reqwests_own_client_authenticates_to_a_proxy_and_sends_no_authorization() {
    for version in BOTH {
        let server = speaking(version)
            .host_name("api.cluster.test")
            .only_named("api.cluster.test")
            .start()
            .await
            .unwrap();
        let proxy = Proxy::start(ProxyKind::Https, server.address()).await.unwrap();
        let mut cluster = cluster(&server);
        let authorities = server.ca_pem() + proxy.ca_pem();
        cluster.trust = Trust::CaBundle(CaBundle::from_pem(authorities.as_bytes()).unwrap());
        let url = format!("https://user:p%40ss@{}", proxy.authority());
        let client = client_without_authorization(&through(cluster, &url)).unwrap();
        let sent = client.get(format!("{}/version", server.url())).send();
        assert_eq!(sent.await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!(server.requests()[0].authorization, None);
        assert_eq!(proxy.tunnels()[0].credentials.as_deref(), Some("user:p@ss"));
        server.shutdown().await;
    }
}

#[tokio::test]
async fn reqwests_own_client_names_the_proxies_that_it_does_not_support() {
    let server = server(Version::HTTP_2).await;
    let with_name = |name: &str| {
        let mut cluster = cluster(&server);
        cluster.tls_server_name = Some(name.into());
        cluster
    };
    for scheme in ["http", "https", "socks5"] {
        let configuration = through(with_name("api.internal"), &format!("{scheme}://127.0.0.1:1"));
        let error = client_without_authorization(&configuration)
            .map(drop)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{scheme}");
        assert!(error.to_string().contains("TLS server name"), "{error}");
    }
    // An encrypted proxy could not be told from the server, where that one's certificate is checked for an address.
    let configuration = through(with_name("10.1.2.3"), "https://127.0.0.1:1");
    let error = client_without_authorization(&configuration).map(drop);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
    // And it would be shown the client certificate.
    let issued = server.issue_client_certificate("jane", &[]);
    let mut cluster = cluster(&server);
    cluster.proxy = Some(kubex::Proxy::parse("https://127.0.0.1:1").unwrap());
    let credential = certificate(&issued);
    let configuration = built(ClientConfiguration::builder(cluster).credential(credential));
    let error = client_without_authorization(&configuration)
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("client certificate"), "{error}");
    server.shutdown().await;
}
