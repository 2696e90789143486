//! The tower layer alone, over a service that records what arrives.

use std::future::{Future, Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_trait::async_trait;
use http::{HeaderMap, Request, Response, StatusCode};
use kubex::host::SimulatedHost;
use kubex::tower::{Auth, AuthLayer, BoxError};
use kubex::{
    ClientConfiguration, Cluster, Credential, CredentialSource, Error, ErrorKind, FetchRequest,
    Impersonation, Result, ServerUrl,
};
use tower_layer::Layer as _;
use tower_service::Service;

/// A server that takes the token of one number and answers every other one with 401.
#[derive(Clone, Default)]
struct Server {
    takes: Arc<AtomicUsize>,
    arrived: Arc<Mutex<Vec<HeaderMap>>>,
    /// Whether this clone was asked for its readiness before it was called.
    is_ready: bool,
    is_gone: bool,
}

impl Server {
    fn taking(number: usize) -> Self {
        let server = Self::default();
        server.takes.store(number, Ordering::SeqCst);
        server
    }

    fn arrived(&self) -> Vec<HeaderMap> {
        self.arrived.lock().unwrap().clone()
    }

    fn tokens(&self) -> Vec<String> {
        let arrived = self.arrived();
        let tokens = arrived
            .iter()
            .map(|headers| headers["authorization"].to_str().unwrap().to_owned());
        tokens.collect()
    }
}

impl Service<Request<String>> for Server {
    type Response = Response<String>;
    type Error = BoxError;
    type Future = Ready<std::result::Result<Response<String>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        assert!(self.is_ready, "a service is called only when it is ready");
        self.is_ready = false;
        if self.is_gone {
            return ready(Err("the connection is gone".into()));
        }
        let expected = format!("Bearer token-{}", self.takes.load(Ordering::SeqCst));
        let is_known = request
            .headers()
            .get("authorization")
            .is_some_and(|sent| sent == &expected);
        self.arrived.lock().unwrap().push(request.headers().clone());
        let mut answer = Response::new(request.into_body());
        if !is_known {
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
        }
        ready(Ok(answer))
    }
}

/// Gives `token-1`, `token-2`, ... and an error in the place of the second one, if it is told so.
#[derive(Debug, Default)]
struct Issuer {
    issued: AtomicUsize,
    fails_the_second: bool,
}

#[async_trait]
impl CredentialSource for Issuer {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
        if number == 2 && self.fails_the_second {
            return Err(Error::new(ErrorKind::Unavailable, "the issuer is away"));
        }
        Credential::bearer(format!("token-{number}").into())
    }

    fn describe(&self) -> String {
        "an issuer".into()
    }
}

fn configuration(source: &Arc<Issuer>) -> ClientConfiguration {
    let cluster = Cluster::new(ServerUrl::parse("https://api.example:6443/k8s").unwrap());
    ClientConfiguration::builder(cluster)
        .source(Arc::clone(source) as Arc<dyn CredentialSource>)
        .impersonation(Some(Impersonation::new("joe")))
        .build(&SimulatedHost::new().host())
        .unwrap()
}

fn get(uri: &str) -> Request<String> {
    Request::get(uri).body("body".to_owned()).unwrap()
}

async fn send<S, F>(
    service: &mut S,
    request: Request<String>,
) -> std::result::Result<Response<String>, BoxError>
where
    S: Service<Request<String>, Response = Response<String>, Error = BoxError, Future = F>,
    F: Future<Output = std::result::Result<Response<String>, BoxError>>,
{
    std::future::poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await
}

fn replaying(server: &Server, source: &Arc<Issuer>) -> Auth<Server, kubex::tower::Clones> {
    AuthLayer::new(&configuration(source))
        .replaying_clones()
        .layer(server.clone())
}

#[tokio::test]
async fn a_request_to_the_server_carries_the_credential_and_the_impersonation() {
    let server = Server::taking(1);
    let mut service = replaying(&server, &Arc::default());
    for uri in [
        "https://api.example:6443/k8s/version",
        "https://API.example:6443/k8s",
        "/version",
    ] {
        assert_eq!(
            send(&mut service, get(uri)).await.unwrap().status(),
            StatusCode::OK
        );
    }
    for headers in server.arrived() {
        assert_eq!(headers["authorization"], "Bearer token-1");
        assert!(headers["authorization"].is_sensitive());
        assert_eq!(headers["impersonate-user"], "joe");
    }
}

#[tokio::test]
async fn a_request_to_another_origin_is_passed_on_untouched() {
    let server = Server::taking(1);
    let source = Arc::default();
    let mut service = replaying(&server, &source);
    for uri in [
        "http://api.example:6443/version",
        "https://api.example/version",
        "https://api.example:443/version",
        "https://api.example:6444/version",
        "https://api.example.evil:6443/version",
        "https://evil-api.example:6443/version",
        "https://api.example.:6443/version",
        "https://10.0.0.1:6443/version",
        "wss://api.example:6443/version",
        "ftp://api.example:6443/version",
        "api.example:6443",
        "evil.example:6443",
    ] {
        let _ = send(&mut service, get(uri)).await.unwrap();
    }
    assert_eq!(server.arrived().len(), 12);
    assert!(server.arrived().iter().all(HeaderMap::is_empty));
    assert_eq!(
        source.issued.load(Ordering::SeqCst),
        0,
        "no credential was needed"
    );
}

#[tokio::test]
async fn what_a_request_brings_itself_is_left_alone() {
    let server = Server::taking(9);
    let source = Arc::default();
    let mut service = replaying(&server, &source);
    let mut request = get("/version");
    request
        .headers_mut()
        .insert("authorization", "Bearer own".parse().unwrap());
    request
        .headers_mut()
        .insert("impersonate-user", "ann".parse().unwrap());
    request
        .headers_mut()
        .insert("impersonate-group", "dev".parse().unwrap());
    let answer = send(&mut service, request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1, "its own credential is its own business");
    assert_eq!(arrived[0]["authorization"], "Bearer own");
    assert_eq!(
        arrived[0].get_all("impersonate-user").iter().collect::<Vec<_>>(),
        ["ann"]
    );
    let _ = send(&mut service, get("/version")).await.unwrap();
    assert_eq!(
        server.tokens()[1],
        "Bearer token-1",
        "its 401 said nothing of the configuration's"
    );
}

#[tokio::test]
async fn after_a_401_a_request_is_sent_once_more_with_a_newer_credential() {
    let server = Server::taking(2);
    let source = Arc::default();
    let mut service = replaying(&server, &source);
    let answer = send(&mut service, get("/version")).await.unwrap();
    assert_eq!(
        (answer.status(), answer.body().as_str()),
        (StatusCode::OK, "body")
    );
    assert_eq!(server.tokens(), ["Bearer token-1", "Bearer token-2"]);
    // For ever 401: once more and no further.
    server.takes.store(9, Ordering::SeqCst);
    let answer = send(&mut service, get("/version")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(server.tokens().len() <= 4, "{:?}", server.tokens());
    assert!(source.issued.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn a_thousand_401s_of_one_generation_are_one_refresh_and_no_failure() {
    let server = Server::taking(1);
    let source = Arc::default();
    let mut service = replaying(&server, &source);
    let _ = send(&mut service, get("/version")).await.unwrap();
    server.takes.store(2, Ordering::SeqCst);
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            let mut service = service.clone();
            tokio::spawn(async move { send(&mut service, get("/version")).await.unwrap().status() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(source.issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_twice_gets_its_401_and_the_next_request_is_good() {
    let server = Server::taking(2);
    let layer = AuthLayer::new(&configuration(&Arc::default()));
    let mut never = layer.clone().layer(server.clone());
    let first = send(&mut never, get("/version")).await.unwrap();
    let second = send(&mut never, get("/version")).await.unwrap();
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::UNAUTHORIZED, StatusCode::OK)
    );
    assert_eq!(server.tokens(), ["Bearer token-1", "Bearer token-2"]);

    server.takes.store(9, Ordering::SeqCst);
    let mut only_short = layer
        .replaying(|body: &String| (body.len() < 4).then(|| body.clone()))
        .layer(server.clone());
    let answer = send(&mut only_short, get("/version")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.arrived().len(), 3);
}

#[tokio::test]
async fn where_no_newer_credential_is_to_be_had_the_401_is_the_answer() {
    let server = Server::taking(2);
    let source = Arc::new(Issuer {
        fails_the_second: true,
        ..Issuer::default()
    });
    let mut service = replaying(&server, &source);
    let answer = send(&mut service, get("/version")).await.unwrap();
    assert_eq!(
        (answer.status(), answer.body().as_str()),
        (StatusCode::UNAUTHORIZED, "body")
    );
    assert_eq!(server.tokens(), ["Bearer token-1"]);
}

#[tokio::test]
async fn the_error_of_the_source_or_of_the_client_reaches_the_caller() {
    let source = Arc::new(Issuer {
        issued: AtomicUsize::new(1),
        fails_the_second: true,
    });
    let server = Server::taking(1);
    let error = send(&mut replaying(&server, &source), get("/version"))
        .await
        .unwrap_err();
    assert_eq!(
        error.downcast_ref::<Error>().map(Error::kind),
        Some(ErrorKind::Unavailable)
    );
    assert_eq!(server.arrived().len(), 0);

    let gone = Server {
        is_gone: true,
        ..Server::default()
    };
    let error = send(&mut replaying(&gone, &Arc::default()), get("/version"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the connection is gone");
}

#[tokio::test]
async fn a_credential_that_never_changes_is_sent_once() {
    let server = Server::taking(2);
    let cluster = Cluster::new(ServerUrl::parse("https://api.example").unwrap());
    let configuration = ClientConfiguration::builder(cluster)
        .credential(Credential::bearer("token-1".into()).unwrap())
        .build(&SimulatedHost::new().host())
        .unwrap();
    let mut service = AuthLayer::new(&configuration)
        .replaying_clones()
        .layer(server.clone());
    let answer = send(&mut service, get("https://api.example/version"))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn neither_the_layer_nor_the_service_shows_a_secret() {
    let server = Server::taking(1);
    let layer = AuthLayer::new(&configuration(&Arc::default())).replaying_clones();
    let shown = format!("{layer:?}");
    let mut service = layer.layer(server);
    let _ = send(&mut service, get("/version")).await.unwrap();
    let service = AuthLayer::new(&configuration(&Arc::default())).layer("the client");
    assert!(!format!("{shown}{service:?}").contains("token-1"));
}
