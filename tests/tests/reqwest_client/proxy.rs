//! The proxy on the way: it sees where the connection goes, and nothing of the credential.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{StatusCode, Version};
use kubex::{CaBundle, ClientConfiguration, Cluster, ErrorKind, Trust};
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::proxy::{Proxy, ProxyKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::world::*;

/// A proxy on the loopback that knows CONNECT, and what it was asked.
struct Tunnels {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Tunnels {
    /// Opens tunnels, or answers everybody with this instead.
    async fn start(refusal: Option<&'static str>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                tokio::spawn(tunnel(stream, Arc::clone(&kept), refusal));
            }
        });
        Self { port, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(mut client: TcpStream, heads: Arc<Mutex<Vec<String>>>, refusal: Option<&str>) {
    let mut head = Vec::new();
    if let Some(refusal) = refusal {
        // Whatever it is asked, in whichever protocol.
        let _ = client.read_u8().await;
        let _ = client.write_all(refusal.as_bytes()).await;
        return;
    }
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok() {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

fn through(mut cluster: Cluster, proxy: &str) -> ClientConfiguration {
    cluster.proxy = Some(kubex::Proxy::parse(proxy).unwrap());
    built(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")))
}

#[tokio::test]
async fn the_connection_goes_through_the_proxy_which_gets_its_password_and_no_credential() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("s3cr3t-token", User::new("jane"));
        let proxy = Tunnels::start(None).await;
        let url = format!("http://user:p%40ss@127.0.0.1:{}", proxy.port);
        let configuration = through(cluster(&server), &url);
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        for _ in 0..3 {
            assert_eq!(status(&client, "/version").await, StatusCode::OK);
        }
        for request in server.requests() {
            assert_eq!(request.version, version);
            assert!(!request.headers.contains_key("proxy-authorization"));
        }
        let heads = proxy.heads();
        assert_eq!(heads.len(), 1, "one tunnel for three requests");
        let head = heads[0].to_lowercase();
        assert!(
            head.starts_with(&format!("connect {} http/1.1", server.address())),
            "{head}"
        );
        assert!(
            heads[0].contains("Basic dXNlcjpwQHNz"),
            "user:p@ss, decoded: {head}"
        );
        assert!(!head.contains("\r\nauthorization:"), "{head}");
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_proxy_that_fails_is_an_error_without_its_password() {
    let server = server(Version::HTTP_2).await;
    let refusing = "HTTP/1.1 407 s3cr3t-proxy\r\nContent-Length: 12\r\n\r\ns3cr3t-proxy";
    let proxies = [
        Tunnels::start(Some(refusing)).await.port,
        Tunnels::start(Some("s3cr3t-proxy, and no HTTP at all\r\n\r\n"))
            .await
            .port,
        // Nobody listens there any more.
        TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port(),
    ];
    for port in proxies {
        for scheme in ["http", "https", "socks5", "socks5h"] {
            let url = format!("{scheme}://user:s3cr3t-proxy@127.0.0.1:{port}");
            let configuration = through(cluster(&server), &url);
            let client = kubex::reqwest::Client::new(&configuration).unwrap();
            let error = failure(&client).await;
            assert_eq!(error.kind(), ErrorKind::RequestFailed, "{error}");
            assert_hides(&error, &["s3cr3t", "czNjcjN0"]);
            let shown = format!("{client:?} {configuration:?}");
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
    }
    assert!(server.requests().is_empty());
    server.shutdown().await;
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
async fn each_kind_of_proxy_leads_to_a_server_of_another_tls_name_and_sees_no_certificate() {
    for version in BOTH {
        for (kind, scheme) in [
            (ProxyKind::Http, "http"),
            (ProxyKind::Https, "https"),
            (ProxyKind::Socks5, "socks5"),
            (ProxyKind::Socks5, "socks5h"),
        ] {
            let server = hidden(version).await;
            let issued = server.issue_client_certificate("jane", &[]);
            let proxy = Proxy::start(kind, server.address()).await.unwrap();
            let mut cluster = cluster(&server);
            cluster.tls_server_name = Some("api.internal".into());
            let authorities = server.ca_pem() + proxy.ca_pem();
            cluster.trust = Trust::CaBundle(CaBundle::from_pem(authorities.as_bytes()).unwrap());
            let url = format!("{scheme}://user:p%40ss@{}", proxy.authority());
            cluster.proxy = Some(kubex::Proxy::parse(&url).unwrap());
            let client = client(
                ClientConfiguration::builder(cluster)
                    .credential(bearer("s3cr3t-token").with_certificate(pair(&issued))),
            );
            for _ in 0..2 {
                let answer = get(&client, "/version").await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK);
                assert_eq!(answer.url().as_str(), format!("{}/version", server.url()));
                assert!(answer.text().await.unwrap().contains("gitVersion"));
            }
            // What is above the connections is as it is without a proxy.
            server.redirect_with(StatusCode::FOUND, "/moved", "/version");
            assert_eq!(status(&client, "/moved").await, StatusCode::OK);
            server.redirect_with(StatusCode::FOUND, "/away", "https://elsewhere.test/version");
            assert_eq!(status(&client, "/away").await, StatusCode::FOUND);
            server.redirect("/round", "/round");
            server.forget_requests();
            assert_eq!(status(&client, "/round").await, StatusCode::FOUND);
            assert_eq!(server.requests().len(), 11);
            for request in server.requests() {
                assert_eq!(request.version, version);
                assert_eq!(request.server_name.as_deref(), Some("api.internal"));
                assert_eq!(request.bearer_token(), Some("s3cr3t-token"));
                assert!(request.client_certificate.is_some());
                assert_eq!(request.headers["accept-encoding"], "gzip");
                assert!(!request.headers.contains_key("proxy-authorization"));
            }
            let tunnels = proxy.tunnels();
            assert_eq!(tunnels.len(), 1, "one tunnel for all requests");
            let port = server.address().port();
            assert_eq!(tunnels[0].target, format!("api.cluster.test:{port}"));
            assert_eq!(tunnels[0].credentials.as_deref(), Some("user:p@ss"));
            assert!(
                !tunnels[0].has_certificate,
                "the proxy asked, and was shown nothing"
            );
            server.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_request_through_an_encrypted_proxy_that_says_nothing_ends_when_its_time_is_over() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = hidden(Version::HTTP_2).await;
    let url = format!("https://{}", silent.local_addr().unwrap());
    let client = kubex::reqwest::Client::new(&through(cluster(&server), &url)).unwrap();
    let request = client.get("/version").unwrap().timeout(Duration::from_millis(20));
    let error = client.send(request).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestFailed, "{error}");
    assert!(error.to_string().contains("within 0.02 s"), "{error}");
    server.shutdown().await;
}

#[tokio::test]
async fn behind_an_encrypted_proxy_a_rejected_token_is_renewed_and_the_request_sent_once_more() {
    for version in BOTH {
        let server = hidden(version).await;
        server.revoke_token("s3cr3t-token");
        server.accept_token("fresh", User::new("jane"));
        let proxy = Proxy::start(ProxyKind::Https, server.address()).await.unwrap();
        let mut cluster = cluster(&server);
        cluster.tls_server_name = Some("api.internal".into());
        let authorities = server.ca_pem() + proxy.ca_pem();
        cluster.trust = Trust::CaBundle(CaBundle::from_pem(authorities.as_bytes()).unwrap());
        cluster.proxy = Some(kubex::Proxy::parse(&format!("https://{}", proxy.authority())).unwrap());
        let source = Playback::of([bearer("s3cr3t-token"), bearer("fresh")]);
        let client = client(ClientConfiguration::builder(cluster).source(source.clone()));
        let request = client
            .request(
                kubex::reqwest::Method::POST,
                "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            )
            .unwrap()
            .body("{}");
        assert_eq!(client.send(request).await.unwrap().status(), StatusCode::CREATED);
        for request in server.requests() {
            assert_eq!(request.body, "{}");
        }
        assert_eq!(source.fetches(), 2);
        server.shutdown().await;
    }
}

#[tokio::test]
async fn a_plain_client_says_which_proxies_are_beyond_it() {
    let server = server(Version::HTTP_2).await;
    let with_name = |name: &str| {
        let mut cluster = cluster(&server);
        cluster.tls_server_name = Some(name.into());
        cluster
    };
    for scheme in ["http", "https", "socks5"] {
        let configuration = through(with_name("api.internal"), &format!("{scheme}://127.0.0.1:1"));
        let error = kubex::reqwest::client(&configuration).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{scheme}");
        assert!(error.to_string().contains("TLS server name"), "{error}");
    }
    // An encrypted proxy could not be told from the server, where that one's certificate is checked for an address.
    let error = kubex::reqwest::client(&through(with_name("10.1.2.3"), "https://127.0.0.1:1")).map(drop);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
    // And it would be shown the client certificate.
    let issued = server.issue_client_certificate("jane", &[]);
    let mut cluster = cluster(&server);
    cluster.proxy = Some(kubex::Proxy::parse("https://127.0.0.1:1").unwrap());
    let credential = certificate(&issued);
    let configuration = built(ClientConfiguration::builder(cluster).credential(credential));
    let error = kubex::reqwest::client(&configuration).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("client certificate"), "{error}");
    server.shutdown().await;
}

#[tokio::test]
async fn an_encrypted_proxy_is_held_to_the_clusters_authorities_as_by_kubectl() {
    for version in BOTH {
        let server = speaking(version)
            .host_name("api.cluster.test")
            .only_named("api.cluster.test")
            .start()
            .await
            .unwrap();
        server.accept_token("s3cr3t-token", User::new("jane"));
        let proxy = Proxy::start(ProxyKind::Https, server.address()).await.unwrap();
        let url = format!("https://user:p%40ss@{}", proxy.authority());
        let strange = kubex::reqwest::Client::new(&through(cluster(&server), &url)).unwrap();
        let error = failure(&strange).await;
        assert_eq!(error.kind(), ErrorKind::RequestFailed, "{error}");
        assert!(
            proxy.tunnels().is_empty(),
            "a proxy of another authority is told nothing"
        );

        let mut cluster = cluster(&server);
        let authorities = server.ca_pem() + proxy.ca_pem();
        cluster.trust = Trust::CaBundle(CaBundle::from_pem(authorities.as_bytes()).unwrap());
        let configuration = through(cluster, &url);
        let client = kubex::reqwest::Client::new(&configuration).unwrap();
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
        let plain = kubex::reqwest::client(&configuration).unwrap();
        let sent = plain.get(format!("{}/version", server.url())).send();
        assert_eq!(sent.await.unwrap().status(), StatusCode::UNAUTHORIZED);
        for tunnel in proxy.tunnels() {
            let port = server.address().port();
            assert_eq!(tunnel.target, format!("api.cluster.test:{port}"));
            assert_eq!(tunnel.credentials.as_deref(), Some("user:p@ss"));
        }
        server.shutdown().await;
    }
}

const CHILD: &str = "TEST_OF_REQWEST_SERVER";

/// The environment of a process belongs to all of its tests, so the request is sent by a child, which is this
/// very test once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proxy_of_the_environment_is_not_taken_by_surprise() {
    if let Ok(url) = std::env::var(CHILD) {
        let mut cluster = Cluster::new(kubex::ServerUrl::parse(&url).unwrap());
        cluster.trust = Trust::Insecure;
        let client = client(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")));
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
        return;
    }
    let server = server(Version::HTTP_2).await;
    server.accept_token("s3cr3t-token", User::new("jane"));
    let proxy = Tunnels::start(None).await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "proxy::the_proxy_of_the_environment_is_not_taken_by_surprise",
        ])
        .env(CHILD, server.url());
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        let url = format!("http://127.0.0.1:{}", proxy.port);
        child.env(name, &url).env(name.to_lowercase(), &url);
    }
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(server.requests().len(), 1);
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
    server.shutdown().await;
}
