//! The proxy on the way: it sees where the connection goes, and nothing of the credential.

use std::process::Command;
use std::sync::{Arc, Mutex};

use http::{StatusCode, Version};
use kubex::{CaBundle, ClientConfiguration, Cluster, ErrorKind, Trust};
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::proxy::{Proxy, ProxyKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::world::*;

/// A proxy on the loopback that supports CONNECT, and what it was asked.
struct Tunnels {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Tunnels {
    /// Opens tunnels, or gives every client this answer instead.
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

pub(crate) fn through(mut cluster: Cluster, proxy: &str) -> ClientConfiguration {
    cluster.proxy = Some(kubex::Proxy::parse(proxy).unwrap());
    built(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")))
}

/// A server of a name that does not resolve, so that only the proxy finds it.
pub(crate) async fn hidden(version: Version) -> ApiServer {
    let server = speaking(version)
        .host_name("api.cluster.test")
        .only_named("api.internal")
        .start()
        .await
        .unwrap();
    server.accept_token("s3cr3t-token", User::new("jane"));
    server
}

/// The hidden server behind this proxy, with the authorities of both.
pub(crate) fn behind(server: &ApiServer, proxy: &Proxy, url: &str) -> Cluster {
    let mut cluster = cluster(server);
    cluster.tls_server_name = Some("api.internal".into());
    let authorities = server.ca_pem() + proxy.ca_pem();
    cluster.trust = Trust::CaBundle(CaBundle::from_pem(authorities.as_bytes()).unwrap());
    cluster.proxy = Some(kubex::Proxy::parse(url).unwrap());
    cluster
}

pub(crate) const KINDS: [(ProxyKind, &str); 4] = [
    (ProxyKind::Http, "http"),
    (ProxyKind::Https, "https"),
    (ProxyKind::Socks5, "socks5"),
    (ProxyKind::Socks5, "socks5h"),
];

pub(crate) async fn the_connection_goes_through_the_proxy_which_gets_its_password_and_no_credential<
    C: ClientUnderTest,
>() {
    for version in BOTH {
        let server = server(version).await;
        server.accept_token("s3cr3t-token", User::new("jane"));
        let proxy = Tunnels::start(None).await;
        let url = format!("http://user:p%40ss@127.0.0.1:{}", proxy.port);
        let configuration = through(cluster(&server), &url);
        let client = C::new(&configuration).unwrap();
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

pub(crate) async fn a_proxy_that_fails_is_an_error_without_its_password<C: ClientUnderTest>() {
    for server in [server(Version::HTTP_2).await, hidden(Version::HTTP_2).await] {
        let refusing = "HTTP/1.1 407 s3cr3t-proxy\r\nContent-Length: 12\r\n\r\ns3cr3t-proxy";
        let proxies = [
            Tunnels::start(Some(refusing)).await.port,
            Tunnels::start(Some("s3cr3t-proxy, and not HTTP at all\r\n\r\n"))
                .await
                .port,
            // Nothing listens there any more.
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
                let client = C::new(&configuration).unwrap();
                let error = own_failure(&client).await;
                assert_eq!(error.kind(), ErrorKind::RequestFailed, "{error}");
                assert_hides(&error, &["s3cr3t", "czNjcjN0"]);
                let shown = format!("{configuration:?}");
                assert!(!shown.contains("s3cr3t"), "{shown}");
            }
        }
        assert!(server.requests().is_empty());
        server.shutdown().await;
    }
}

pub(crate) async fn each_kind_of_proxy_leads_to_a_server_of_another_tls_name_and_sees_no_certificate<
    C: ClientUnderTest,
>() {
    for version in BOTH {
        for (kind, scheme) in KINDS {
            for user in [None, Some("user:p%40ss@")] {
                let server = hidden(version).await;
                let issued = server.issue_client_certificate("jane", &[]);
                let proxy = Proxy::start(kind, server.address()).await.unwrap();
                let url = format!("{scheme}://{}{}", user.unwrap_or_default(), proxy.authority());
                let client: C = client(
                    ClientConfiguration::builder(behind(&server, &proxy, &url))
                        .credential(bearer("s3cr3t-token").with_certificate(pair(&issued))),
                );
                for _ in 0..3 {
                    assert_eq!(status(&client, "/version").await, StatusCode::OK, "{url}");
                }
                for request in server.requests() {
                    assert_eq!(request.version, version);
                    assert_eq!(request.server_name.as_deref(), Some("api.internal"));
                    assert_eq!(request.bearer_token(), Some("s3cr3t-token"));
                    assert!(request.client_certificate.is_some());
                    let encodings = request.headers.get("accept-encoding");
                    assert_eq!(encodings.is_some_and(|it| it == "gzip"), C::COMPRESSES);
                    assert!(!request.headers.contains_key("proxy-authorization"));
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
                server.shutdown().await;
            }
        }
    }
}

pub(crate) async fn behind_an_encrypted_proxy_a_rejected_token_is_renewed_and_the_request_sent_once_more<
    C: ClientUnderTest,
>() {
    for version in BOTH {
        let server = hidden(version).await;
        server.revoke_token("s3cr3t-token");
        server.accept_token("fresh", User::new("jane"));
        let proxy = Proxy::start(ProxyKind::Https, server.address()).await.unwrap();
        let cluster = behind(&server, &proxy, &format!("https://{}", proxy.authority()));
        let source = Playback::of([bearer("s3cr3t-token"), bearer("fresh")]);
        let client: C = client(ClientConfiguration::builder(cluster).source(source.clone()));
        let review = Request::post(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            Body::InMemory("{}"),
        );
        assert_eq!(send(&client, review).await.unwrap().status, StatusCode::CREATED);
        for request in server.requests() {
            assert_eq!(request.body, "{}");
        }
        assert_eq!(source.fetches(), 2);
        server.shutdown().await;
    }
}

pub(crate) async fn an_encrypted_proxy_must_be_of_the_clusters_authorities_as_for_kubectl<
    C: ClientUnderTest,
>() {
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
        let strange = C::new(&through(cluster(&server), &url)).unwrap();
        let error = own_failure(&strange).await;
        assert_eq!(error.kind(), ErrorKind::RequestFailed, "{error}");
        assert!(
            proxy.tunnels().is_empty(),
            "a proxy of another authority is told nothing"
        );

        let mut known = behind(&server, &proxy, &url);
        known.tls_server_name = None;
        let client: C = client(ClientConfiguration::builder(known).credential(bearer("s3cr3t-token")));
        assert_eq!(status(&client, "/version").await, StatusCode::OK);
        let tunnels = proxy.tunnels();
        assert_eq!(tunnels.len(), 1);
        let port = server.address().port();
        assert_eq!(tunnels[0].target, format!("api.cluster.test:{port}"));
        assert_eq!(tunnels[0].credentials.as_deref(), Some("user:p@ss"));
        server.shutdown().await;
    }
}

const CHILD: &str = "TEST_OF_PROXY_SERVER";

/// The environment of a process belongs to all of its tests, so a child sends the request, which is this very test once
/// more.
pub(crate) async fn the_proxy_of_the_environment_is_not_used<C: ClientUnderTest>() {
    if let Ok(url) = std::env::var(CHILD) {
        let mut cluster = Cluster::new(kubex::ServerUrl::parse(&url).unwrap());
        cluster.trust = Trust::Insecure;
        let client: C = client(ClientConfiguration::builder(cluster).credential(bearer("s3cr3t-token")));
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
            &format!("{}::the_proxy_of_the_environment_is_not_used", C::NAME),
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
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
    assert_eq!(server.requests().len(), 1);
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
    server.shutdown().await;
}
