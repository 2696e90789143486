//! The proxy on the way: it sees where the connection goes, and nothing of the credential.

use http::{StatusCode, Version};
use kubex::{CaBundle, ClientConfiguration, Cluster, ErrorKind, Proxy as KubexProxy, Trust};
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::proxy::{Proxy, ProxyKind};

use crate::world::*;

fn through(mut cluster: Cluster, proxy: &str) -> kube::Client {
    cluster.proxy = Some(KubexProxy::parse(proxy).unwrap());
    client(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")))
}

/// A server that goes by a name which nobody resolves, so that only the proxy finds it.
async fn hidden(version: Version) -> ApiServer {
    let server = speaking(version)
        .host_name("api.cluster.test")
        .only_named("api.internal")
        .start()
        .await
        .unwrap();
    server.accept_token("s3cr3t-token", User::new("jane"));
    server
}

#[tokio::test]
async fn each_kind_of_proxy_gets_its_user_and_leads_to_a_server_of_another_tls_name() {
    for version in BOTH {
        for (kind, scheme) in [
            (ProxyKind::Http, "http"),
            (ProxyKind::Https, "https"),
            (ProxyKind::Socks5, "socks5"),
            (ProxyKind::Socks5, "socks5h"),
        ] {
            for user in [None, Some("user:p%40ss@")] {
                let server = hidden(version).await;
                let proxy = Proxy::start(kind, server.address()).await.unwrap();
                let mut cluster = cluster(&server);
                cluster.tls_server_name = Some("api.internal".into());
                let authorities = server.ca_pem() + proxy.ca_pem();
                cluster.trust = Trust::CaBundle(CaBundle::from_pem(authorities.as_bytes()).unwrap());
                let url = format!("{scheme}://{}{}", user.unwrap_or_default(), proxy.authority());
                cluster.proxy = Some(KubexProxy::parse(&url).unwrap());
                let issued = server.issue_client_certificate("jane", &[]);
                let credential = bearer("s3cr3t-token").with_certificate(pair(&issued));
                let client = client(ClientConfiguration::builder(cluster).credential(credential));
                for _ in 0..3 {
                    assert_eq!(
                        status(&client, "/version").await.unwrap(),
                        StatusCode::OK,
                        "{url}"
                    );
                }
                let tunnels = proxy.tunnels();
                assert_eq!(tunnels.len(), 1, "one tunnel for three requests");
                let port = server.address().port();
                assert_eq!(tunnels[0].target, format!("api.cluster.test:{port}"));
                assert_eq!(tunnels[0].credentials.as_deref(), user.map(|_| "user:p@ss"));
                assert!(
                    !tunnels[0].has_certificate,
                    "the proxy asked, and was shown nothing"
                );
                for request in server.requests() {
                    assert_eq!(request.version, version);
                    assert_eq!(request.server_name.as_deref(), Some("api.internal"));
                    assert!(request.client_certificate.is_some());
                    assert!(!request.headers.contains_key("proxy-authorization"));
                }
                server.shutdown().await;
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_that_fails_is_an_error_without_its_password() {
    let server = hidden(Version::HTTP_2).await;
    // Nobody listens there any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for scheme in ["http", "https", "socks5", "socks5h"] {
        let client = through(
            cluster(&server),
            &format!("{scheme}://user:s3cr3t-proxy@127.0.0.1:{port}"),
        );
        let error = failure(&client).await;
        assert_eq!(own(&error).kind(), ErrorKind::RequestFailed, "{error}");
        assert_hides(own(&error), &["s3cr3t", "czNjcjN0"]);
    }
    assert!(server.requests().is_empty());
    server.shutdown().await;
}

#[tokio::test]
async fn an_encrypted_proxy_of_another_authority_is_told_nothing() {
    let server = hidden(Version::HTTP_2).await;
    let proxy = Proxy::start(ProxyKind::Https, server.address()).await.unwrap();
    let client = through(
        cluster(&server),
        &format!("https://user:s3cr3t@{}", proxy.authority()),
    );
    let error = failure(&client).await;
    assert_eq!(own(&error).kind(), ErrorKind::RequestFailed, "{error}");
    assert!(proxy.tunnels().is_empty());
    server.shutdown().await;
}

#[tokio::test]
async fn an_unencrypted_server_behind_a_proxy_is_refused_in_words() {
    let mut cluster = Cluster::new(kubex::ServerUrl::parse("http://10.0.0.1:8080").unwrap());
    cluster.proxy = Some(KubexProxy::parse("http://127.0.0.1:1").unwrap());
    let error = kubex::kube::client(&built(ClientConfiguration::builder(cluster)))
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("NO_PROXY"), "{error}");
}
