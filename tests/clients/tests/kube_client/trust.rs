//! Whose server is believed, and under which name it is addressed.

use http::{StatusCode, Version};
use kubex::{ClientConfiguration, Cluster, ErrorKind, Trust};
use kubex_tests::api_server::User;

use crate::world::*;

fn client_of(cluster: Cluster) -> kube::Client {
    client(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")))
}

#[tokio::test]
async fn a_server_of_another_authority_gets_nothing() {
    for version in BOTH {
        let (server, other) = (server(version).await, server(version).await);
        let mut cluster = cluster(&server);
        cluster.trust = crate::world::cluster(&other).trust;
        let error = failure(&client_of(cluster.clone())).await;
        let own = own(&error);
        assert_eq!(own.kind(), ErrorKind::RequestFailed);
        assert_eq!(
            own.help(),
            Some("check that the certificate authority is this server's"),
            "{own}"
        );
        assert!(own.to_string().contains(server.url()), "{own}");
        assert_hides(own, &["s3cr3t"]);
        assert!(server.requests().is_empty());
        server.shutdown().await;
        other.shutdown().await;
    }
}

#[tokio::test]
async fn a_tls_server_name_is_sent_and_checked_and_http_2_is_spoken_all_the_same() {
    for version in BOTH {
        for host in ["127.0.0.1", "localhost"] {
            let server = speaking(version)
                .only_named("api.internal")
                .host_name(host)
                .start()
                .await
                .unwrap();
            server.accept_token("s3cr3t-token", User::new("jane"));
            let mut named = cluster(&server);
            named.tls_server_name = Some("api.internal".into());
            assert_eq!(
                status(&client_of(named.clone()), "/version").await.unwrap(),
                StatusCode::OK
            );
            let request = server.requests().remove(0);
            assert_eq!(request.server_name.as_deref(), Some("api.internal"));
            assert_eq!(request.version, version);
            if version == Version::HTTP_11 {
                let port = server.address().port();
                assert_eq!(request.headers["host"], format!("{host}:{port}"));
            }

            named.tls_server_name = Some("other.internal".into());
            let error = failure(&client_of(named)).await;
            assert!(own(&error).to_string().contains("not valid for"), "{error}");
            assert_eq!(server.requests().len(), 1);
            server.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_key_of_another_pair_is_an_error_and_never_an_anonymous_request() {
    for version in BOTH {
        let server = speaking(version).allow_anonymous(true).start().await.unwrap();
        let jane = server.issue_client_certificate("jane", &[]);
        // A key that does not tell its public half (RFC 8410, 10.3), so that only the TLS library can compare.
        let mut torn = jane.clone();
        torn.key = "-----BEGIN PRIVATE KEY-----\n\
                    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                    -----END PRIVATE KEY-----\n"
            .into();
        let fixed = built(configure(&server).credential(certificate(&torn)));
        let error = kubex::kube::client(&fixed).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair, "{error}");

        let source = Playback::of([certificate(&torn), certificate(&jane)]);
        let live = client(configure(&server).source(source));
        let error = failure(&live).await;
        assert_eq!(own(&error).kind(), ErrorKind::IncompleteKeyPair);
        assert!(server.requests().is_empty());
        assert_eq!(status(&live, "/version").await.unwrap(), StatusCode::OK);
        assert_eq!(server.requests().remove(0).user.as_deref(), Some("jane"));
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_that_names_it() {
    let server = server(Version::HTTP_2).await;
    server.accept_token("s3cr3t-token", User::new("jane"));
    let client = client_of(cluster(&server));
    assert_eq!(status(&client, "/version").await.unwrap(), StatusCode::OK);
    server.shutdown().await;
    let error = failure(&client).await;
    assert_eq!(own(&error).kind(), ErrorKind::RequestFailed);
    assert!(error.to_string().contains(server.url()), "{error}");
    assert_hides(own(&error), &["s3cr3t"]);
}

#[tokio::test]
async fn insecure_means_any_certificate_of_the_clusters_own_host() {
    let server = speaking(Version::HTTP_2)
        .only_named("elsewhere")
        .start()
        .await
        .unwrap();
    server.accept_token("s3cr3t-token", User::new("jane"));
    let mut cluster = cluster(&server);
    cluster.trust = Trust::Insecure;
    assert_eq!(
        status(&client_of(cluster), "/version").await.unwrap(),
        StatusCode::OK
    );
    server.shutdown().await;
}
