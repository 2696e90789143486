//! Which server is trusted, and under which name it is addressed.

use http::{StatusCode, Version};
use kubex::{ClientConfiguration, Cluster, ErrorKind, Trust};
use kubex_tests::api_server::User;

use crate::world::*;

fn client_for<C: ClientUnderTest>(cluster: Cluster) -> C {
    client(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")))
}

pub(crate) async fn a_server_of_another_authority_gets_nothing<C: ClientUnderTest>() {
    for version in BOTH {
        let (server, other) = (server(version).await, server(version).await);
        let mut cluster = cluster(&server);
        cluster.trust = crate::world::cluster(&other).trust;
        let error = failure(&client_for::<C>(cluster.clone())).await;
        assert!(error.text().contains("UnknownIssuer"), "{error:?}");
        assert_failure_hides(&error, &["s3cr3t"]);
        if C::CONNECTS {
            let own = error.own().unwrap();
            assert_eq!(own.kind(), ErrorKind::RequestFailed);
            let help = "check that the certificate authority is that of this server";
            assert_eq!(own.help(), Some(help), "{own}");
            assert!(own.to_string().contains(server.url()), "{own}");
            assert_hides(own, &["s3cr3t"]);
        }

        // The system knows nothing of a test's authority either.
        cluster.trust = Trust::System;
        let error = failure(&client_for::<C>(cluster)).await;
        if C::CONNECTS {
            assert_eq!(error.own().unwrap().kind(), ErrorKind::RequestFailed);
        }
        assert!(server.requests().is_empty());
        server.shutdown().await;
        other.shutdown().await;
    }
}

pub(crate) async fn insecure_accepts_any_certificate_of_the_clusters_host<C: ClientUnderTest>() {
    for version in BOTH {
        let server = speaking(version).only_named("elsewhere").start().await.unwrap();
        server.accept_token("s3cr3t-token", User::new("jane"));
        let mut cluster = cluster(&server);
        cluster.trust = Trust::Insecure;
        assert_eq!(
            status(&client_for::<C>(cluster), "/version").await,
            StatusCode::OK
        );
        server.shutdown().await;
    }
}

pub(crate) async fn a_certificate_for_another_name_is_refused<C: ClientUnderTest>() {
    for version in BOTH {
        let server = speaking(version)
            .only_named("api.internal")
            .start()
            .await
            .unwrap();
        let mut misnamed = cluster(&server);
        misnamed.tls_server_name = Some("other.internal".into());
        for cluster in [cluster(&server), misnamed] {
            let error = failure(&client_for::<C>(cluster)).await;
            assert!(error.text().contains("not valid for"), "{error:?}");
            if C::CONNECTS {
                assert_eq!(error.own().unwrap().kind(), ErrorKind::RequestFailed);
            }
        }
        assert!(server.requests().is_empty());
        server.shutdown().await;
    }
}

pub(crate) async fn a_tls_server_name_is_sent_and_checked_and_the_host_stays_the_servers<
    C: ClientUnderTest,
>() {
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
            let client: C = client_for(named.clone());
            for path in ["/version", "/version?again"] {
                assert_eq!(status(&client, path).await, StatusCode::OK);
            }
            let requests = server.requests();
            assert_eq!(requests.len(), 2);
            for request in requests {
                assert_eq!(request.server_name.as_deref(), Some("api.internal"));
                assert_eq!(request.version, C::ASKS_FOR_A_NAME_OVER.unwrap_or(version));
                if request.version == Version::HTTP_11 {
                    let port = server.address().port();
                    assert_eq!(request.headers["host"], format!("{host}:{port}"));
                }
            }

            named.tls_server_name = Some("other.internal".into());
            let error = failure(&client_for::<C>(named)).await;
            assert!(error.text().contains("not valid for"), "{error:?}");
            assert_eq!(server.requests().len(), 2);
            server.shutdown().await;
        }
    }
}

pub(crate) async fn a_tls_server_name_that_is_an_address_is_checked_too<C: ClientUnderTest>() {
    for version in BOTH {
        let server = speaking(version)
            .only_named("10.1.2.3")
            .host_name("localhost")
            .start()
            .await
            .unwrap();
        server.accept_token("s3cr3t-token", User::new("jane"));
        let mut cluster = cluster(&server);
        cluster.tls_server_name = Some("10.1.2.3".into());
        assert_eq!(
            status(&client_for::<C>(cluster), "/version").await,
            StatusCode::OK
        );
        server.shutdown().await;
    }
}

pub(crate) async fn a_server_that_is_gone_is_an_error_without_a_secret<C: ClientUnderTest>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("s3cr3t-token", User::new("jane"));
        let used: C = client_for(cluster(&server));
        let unused: C = client_for(cluster(&server));
        assert_eq!(status(&used, "/version").await, StatusCode::OK);
        server.shutdown().await;
        for client in [used, unused] {
            let error = failure(&client).await;
            assert_failure_hides(&error, &["s3cr3t"]);
            if C::CONNECTS {
                let own = error.own().unwrap();
                assert_eq!(own.kind(), ErrorKind::RequestFailed);
                assert!(own.to_string().contains(server.url()), "{own}");
                assert_hides(own, &["s3cr3t"]);
            }
        }
    }
}
