//! No secret in anything that a client shows: every client is made and shown, sends, is rejected, is led astray and
//! fails, and all of its `Debug` forms, errors and events of every level, also those of hyper, h2 and kube below it, are
//! searched for the secrets that it held.
//!
//! One thread each, so that the events of a test are all seen by its own subscriber; the server's, too.

mod hub;
#[path = "../../../tests/scene/mod.rs"]
mod scene;
#[path = "../../../tests/shown/mod.rs"]
mod shown;

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, StatusCode};
use kube::client::Body;
use kubex::tower::AuthLayer;
use kubex::{
    CaBundle, ClientConfiguration, Cluster, Credential, CredentialSource, Error, ErrorKind, FetchRequest,
    Impersonation, Proxy as KubexProxy, Trust,
};
use kubex_tests::api_server::{ApiServer, ClientCertificatePem, User};
use kubex_tests::proxy::{Proxy, ProxyKind};
use tower_layer::Layer as _;

use self::scene::*;
use self::shown::{Shown, disguises, disguises_of_key};

const TOKEN: &str = "Qz7token-canary-in-a-token";
const RENEWED: &str = "Ui5renew-canary-in-a-renewed-token";
const PASSWORD: &str = "Op6proxy-canary-in-a-proxy-url";

/// How what was planted may show.
fn planted(issued: &ClientCertificatePem) -> Vec<String> {
    let texts = [TOKEN, RENEWED, PASSWORD].into_iter().flat_map(disguises);
    texts.chain(disguises_of_key(&issued.key)).collect()
}

/// Sends a request by each client, and shows what comes of it and what it is made of. The statuses of those that
/// authenticate; none for a failure.
async fn send_all(shown: &Shown, configuration: &ClientConfiguration, path: &str) -> Vec<Option<StatusCode>> {
    let mut statuses = Vec::new();
    shown.debug(configuration);
    shown.debug(&AuthLayer::new(configuration));
    shown.debug(
        &AuthLayer::new(configuration)
            .replaying_clones()
            .layer("a service"),
    );
    match kubex::rustls::client_config(configuration) {
        Ok(config) => shown.debug(&config),
        Err(error) => shown.error(&error),
    }
    match kubex::reqwest::client_without_authorization(configuration) {
        Ok(plain) => {
            shown.debug(&plain);
            match plain
                .get(configuration.cluster().server.join(path).unwrap())
                .send()
                .await
            {
                Ok(answer) => shown.debug(&answer),
                Err(error) => shown.any_error(&error),
            }
        }
        Err(error) => shown.error(&error),
    }
    match kubex::reqwest::Client::new(configuration) {
        Ok(client) => {
            shown.debug(&client);
            let request = client.get(path).unwrap();
            shown.debug(&request);
            statuses.push(match request.send().await {
                Ok(answer) => {
                    shown.debug(&answer);
                    Some(answer.status())
                }
                Err(error) => {
                    shown.error(&error);
                    None
                }
            });
        }
        Err(error) => {
            shown.error(&error);
            statuses.push(None);
        }
    }
    match kubex::kube::client(configuration) {
        Ok(client) => {
            let request = Request::get(path).body(Body::empty()).unwrap();
            statuses.push(match client.send(request).await {
                Ok(answer) => {
                    shown.debug(&answer);
                    Some(answer.status())
                }
                Err(error) => {
                    shown.any_error(&error);
                    None
                }
            });
            if let Err(error) = client.apiserver_version().await {
                shown.any_error(&error);
            }
        }
        Err(error) => {
            shown.error(&error);
            statuses.push(None);
        }
    }
    shown.debug(configuration.credentials());
    statuses
}

struct World {
    server: ApiServer,
    issued: ClientCertificatePem,
    cluster: Cluster,
}

impl World {
    async fn new(version: http::Version) -> Self {
        let server = server(version).await;
        server.accept_token(RENEWED, User::new("jane"));
        let issued = server.issue_client_certificate("jane", &[]);
        let cluster = cluster(&server);
        Self {
            server,
            issued,
            cluster,
        }
    }

    /// Credentials whose token is rejected at first, with a certificate beside them.
    fn configuration(&self, cluster: Cluster) -> ClientConfiguration {
        let credentials = [TOKEN, RENEWED].map(|token| bearer(token).with_certificate(pair(&self.issued)));
        built(
            ClientConfiguration::builder(cluster)
                .source(Playback::of(credentials))
                .impersonation(Some(Impersonation::new("joe"))),
        )
    }

    async fn run(&self, what: &str, cluster: Cluster, path: &str) -> Vec<Option<StatusCode>> {
        let shown = Shown::default();
        let guard = shown.listen();
        let statuses = send_all(&shown, &self.configuration(cluster), path).await;
        drop(guard);
        shown.assert_hides(what, &planted(&self.issued));
        statuses
    }
}

#[tokio::test]
async fn what_is_sent_rejected_and_sent_again_shows_no_secret() {
    for version in BOTH {
        let world = World::new(version).await;
        let statuses = world.run("good", world.cluster.clone(), "/version").await;
        assert_eq!(statuses, [Some(StatusCode::OK); 2]);
        world
            .server
            .redirect_with(StatusCode::FOUND, "/away", "https://elsewhere.test/");
        let statuses = world.run("led astray", world.cluster.clone(), "/away").await;
        assert_eq!(statuses, [Some(StatusCode::FOUND); 2]);
        let mut insecure = world.cluster.clone();
        insecure.trust = Trust::Insecure;
        let statuses = world.run("insecure", insecure, "/version").await;
        assert_eq!(statuses, [Some(StatusCode::OK); 2]);
        world.server.shutdown().await;
    }
}

#[tokio::test]
async fn every_kind_of_proxy_good_or_bad_shows_no_secret() {
    let world = World::new(http::Version::HTTP_2).await;
    for (kind, scheme) in [
        (ProxyKind::Http, "http"),
        (ProxyKind::Https, "https"),
        (ProxyKind::Socks5, "socks5"),
    ] {
        let proxy = Proxy::start(kind, world.server.address()).await.unwrap();
        let authorities = world.server.ca_pem() + proxy.ca_pem();
        for (what, authority) in [("good", proxy.authority()), ("gone", "127.0.0.1:1".to_owned())] {
            let mut cluster = world.cluster.clone();
            cluster.trust = Trust::CaBundle(CaBundle::from_pem(authorities.as_bytes()).unwrap());
            let url = format!("{scheme}://jane:{PASSWORD}@{authority}");
            cluster.proxy = Some(KubexProxy::parse(&url).unwrap());
            let statuses = world.run(&format!("{scheme}, {what}"), cluster, "/version").await;
            let expected = (what == "good").then_some(StatusCode::OK);
            assert_eq!(statuses, [expected; 2], "{scheme}, {what}");
        }
        let mut strange = world.cluster.clone();
        strange.tls_server_name = Some("another.test".into());
        strange.proxy =
            Some(KubexProxy::parse(&format!("{scheme}://jane:{PASSWORD}@{}", proxy.authority())).unwrap());
        let statuses = world
            .run(&format!("{scheme}, strange"), strange, "/version")
            .await;
        assert_eq!(statuses, [None; 2], "{scheme}");
    }
    world.server.shutdown().await;
}

#[tokio::test]
async fn servers_that_are_gone_of_others_or_unencrypted_show_no_secret() {
    let world = World::new(http::Version::HTTP_11).await;
    let other = server(http::Version::HTTP_11).await;
    let mut strange = world.cluster.clone();
    strange.trust = Trust::CaBundle(CaBundle::from_pem(other.ca_pem().as_bytes()).unwrap());
    assert_eq!(
        world.run("of another authority", strange, "/version").await,
        [None; 2]
    );
    let plain = ApiServer::builder()
        .plain_http()
        .allow_anonymous(true)
        .start()
        .await
        .unwrap();
    let statuses = world.run("unencrypted", cluster(&plain), "/version").await;
    assert_eq!(statuses, [Some(StatusCode::OK); 2]);
    let gone = cluster(&other);
    other.shutdown().await;
    assert_eq!(world.run("gone", gone, "/version").await, [None; 2]);
    plain.shutdown().await;
    world.server.shutdown().await;
}

/// A source that gives a key of another pair, or nothing but its own failure.
#[derive(Debug)]
struct Wrong(Option<Credential>);

#[async_trait]
impl CredentialSource for Wrong {
    async fn fetch(&self, _: FetchRequest<'_>) -> kubex::Result<Credential> {
        let failed = || Error::new(ErrorKind::PluginFailed, "the token service is closed");
        self.0.clone().ok_or_else(failed)
    }

    fn describe(&self) -> String {
        "a token service".to_owned()
    }
}

#[tokio::test]
async fn credentials_that_fail_or_do_not_fit_show_no_secret() {
    let world = World::new(http::Version::HTTP_2).await;
    let mixed = with_another_key(&world.issued);
    for credential in [None, Some(bearer(TOKEN).with_certificate(pair(&mixed)))] {
        let shown = Shown::default();
        let guard = shown.listen();
        let what = format!("has a credential: {}", credential.is_some());
        let source = Arc::new(Wrong(credential));
        let configuration = built(ClientConfiguration::builder(world.cluster.clone()).source(source));
        let statuses = send_all(&shown, &configuration, "/version").await;
        assert_eq!(statuses, [None; 2], "{what}");
        drop(guard);
        shown.assert_hides(&what, &planted(&mixed));
    }
    world.server.shutdown().await;
}

#[test]
fn the_blocking_entry_shows_no_secret() {
    let shown = Shown::default();
    let guard = shown.listen();
    let configure = kubex::configure().url("https://10.0.0.1").token(TOKEN);
    let configuration = kubex::blocking::wait(configure).unwrap();
    shown.debug(&kubex::blocking::headers(&configuration).unwrap());
    shown.debug(&kubex::blocking::current(&configuration).unwrap());
    let refused = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async { kubex::blocking::headers(&configuration) });
    shown.error(&refused.unwrap_err());
    drop(guard);
    shown.assert_hides("blocking", &disguises(TOKEN));
}
