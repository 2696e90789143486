//! Whose server is believed, and under which name it is addressed.

use http::{StatusCode, Version};
use kubex::{ClientConfiguration, Cluster, ErrorKind, Trust};
use kubex_tests::api_server::{ApiServer, User};

use crate::world::*;

fn client_of(cluster: Cluster) -> kubex::reqwest::Client {
    client(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")))
}

#[tokio::test]
async fn a_server_of_another_authority_gets_nothing() {
    for version in BOTH {
        let (server, other) = (server(version).await, server(version).await);
        let mut cluster = cluster(&server);
        cluster.trust = crate::world::cluster(&other).trust;
        let error = failure(&client_of(cluster.clone())).await;
        assert_eq!(error.kind(), ErrorKind::RequestFailed);
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        let help = "check that the certificate authority is this server's";
        assert_eq!(error.help(), Some(help), "{error}");
        assert!(error.to_string().contains(server.url()), "{error}");
        assert_hides(&error, &["s3cr3t"]);

        // The system knows nothing of a test's authority either.
        cluster.trust = Trust::System;
        assert_eq!(
            failure(&client_of(cluster)).await.kind(),
            ErrorKind::RequestFailed
        );
        assert!(server.requests().is_empty());
        server.shutdown().await;
        other.shutdown().await;
    }
}

#[tokio::test]
async fn a_laboratory_may_trust_anyone() {
    for version in BOTH {
        let server = speaking(version).only_named("elsewhere").start().await.unwrap();
        server.accept_token("s3cr3t-token", User::new("jane"));
        let mut cluster = cluster(&server);
        cluster.trust = Trust::Insecure;
        assert_eq!(status(&client_of(cluster), "/version").await, StatusCode::OK);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    for version in BOTH {
        let server = speaking(version)
            .only_named("api.internal")
            .start()
            .await
            .unwrap();
        let mut misnamed = cluster(&server);
        misnamed.tls_server_name = Some("other.internal".into());
        for cluster in [cluster(&server), misnamed] {
            let error = failure(&client_of(cluster)).await;
            assert_eq!(error.kind(), ErrorKind::RequestFailed);
            assert!(error.to_string().contains("not valid for"), "{error}");
        }
        assert!(server.requests().is_empty());
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_tls_server_name_is_sent_and_checked_and_the_host_stays_the_servers() {
    for version in BOTH {
        for host in ["127.0.0.1", "localhost"] {
            let server = speaking(version)
                .only_named("api.internal")
                .host_name(host)
                .start()
                .await
                .unwrap();
            server.accept_token("s3cr3t-token", User::new("jane"));
            server.redirect("/moved", "/version");
            let mut cluster = cluster(&server);
            cluster.tls_server_name = Some("api.internal".into());
            let client = client_of(cluster);
            for path in ["/version", "/moved"] {
                assert_eq!(status(&client, path).await, StatusCode::OK);
            }
            let requests = server.requests();
            assert_eq!(requests.len(), 3);
            for request in requests {
                assert_eq!(request.server_name.as_deref(), Some("api.internal"));
                let port = server.address().port();
                assert_eq!(request.headers["host"], format!("{host}:{port}"));
                // Over HTTP/2 the two could not differ, so it is not offered.
                assert_eq!(request.version, Version::HTTP_11);
            }
            server.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_tls_server_name_that_is_an_address_is_checked_too() {
    let server = ApiServer::builder()
        .only_named("10.1.2.3")
        .host_name("localhost")
        .start()
        .await
        .unwrap();
    server.accept_token("s3cr3t-token", User::new("jane"));
    let mut cluster = cluster(&server);
    cluster.tls_server_name = Some("10.1.2.3".into());
    assert_eq!(status(&client_of(cluster), "/version").await, StatusCode::OK);
    server.shutdown().await;
}

#[tokio::test]
async fn without_compression_no_encoding_is_asked_for() {
    let server = server(Version::HTTP_2).await;
    server.accept_token("s3cr3t-token", User::new("jane"));
    for is_disabled in [false, true] {
        let mut cluster = cluster(&server);
        cluster.disable_compression = is_disabled;
        assert_eq!(status(&client_of(cluster), "/version").await, StatusCode::OK);
    }
    let asks: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.headers.contains_key("accept-encoding"))
        .collect();
    assert_eq!(asks, [true, false]);
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_that_names_it_and_no_secret() {
    let server = server(Version::HTTP_2).await;
    let client = client_of(cluster(&server));
    server.shutdown().await;
    let error = failure(&client).await;
    assert_eq!(error.kind(), ErrorKind::RequestFailed);
    assert!(error.to_string().contains(server.url()), "{error}");
    assert_hides(&error, &["s3cr3t"]);
    assert!(!format!("{client:?}").contains("s3cr3t"));
}
