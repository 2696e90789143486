//! The works whose instructions are counted.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubex::tower::AuthLayer;
use kubex_benches::kubeconfigs::{self, Form};
use kubex_core::host::SimulatedHost;
use kubex_core::{
    Chain, ClientConfiguration, Cluster, Credential, CredentialSource, FetchRequest, Host, Impersonation,
    Result, ServerUrl, Source,
};
use tower_layer::Layer as _;
use tower_service::Service;

/// A work, and how often it runs in the shorter and in the longer process.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) times: (u32, u32),
    run: fn(u32),
}

/// Every work, in the order of the table.
pub(crate) const ALL: &[Work] = &[
    work("resolve, 1 context, YAML", (5, 45), |times| {
        resolve(1, Form::Yaml, times);
    }),
    work("resolve, 1 context, JSON", (5, 45), |times| {
        resolve(1, Form::Json, times);
    }),
    work("resolve, 1 context, YAML with an anchor", (5, 45), |times| {
        resolve(1, Form::Unusual, times);
    }),
    work("resolve, 10 contexts, YAML", (5, 45), |times| {
        resolve(10, Form::Yaml, times);
    }),
    work("resolve, 10 contexts, JSON", (5, 45), |times| {
        resolve(10, Form::Json, times);
    }),
    work("resolve, 100 contexts, YAML", (2, 12), |times| {
        resolve(100, Form::Yaml, times);
    }),
    work("resolve, 100 contexts, JSON", (2, 12), |times| {
        resolve(100, Form::Json, times);
    }),
    work("resolve, 1000 contexts, YAML", (1, 3), |times| {
        resolve(1000, Form::Yaml, times);
    }),
    work("resolve, 1000 contexts, JSON", (1, 3), |times| {
        resolve(1000, Form::Json, times);
    }),
    work("resolve, in-cluster", (5, 45), in_cluster),
    work("current()", (1000, 11_000), current),
    work("auth layer, a call", (1000, 11_000), |times| layer(None, times)),
    work("auth layer, a call that impersonates", (1000, 11_000), |times| {
        layer(Some(Impersonation::new("jane")), times);
    }),
    work("a call without the layer", (1000, 11_000), without_a_layer),
    work("kube, 1 context, YAML", (5, 45), |times| {
        kube(1, Form::Yaml, times);
    }),
    work("kube, 10 contexts, YAML", (5, 25), |times| {
        kube(10, Form::Yaml, times);
    }),
    work("kube, 100 contexts, YAML", (1, 4), |times| {
        kube(100, Form::Yaml, times);
    }),
    work("kube, 100 contexts, JSON", (1, 4), |times| {
        kube(100, Form::Json, times);
    }),
];

const fn work(name: &'static str, times: (u32, u32), run: fn(u32)) -> Work {
    Work { name, times, run }
}

/// Does a work so many times. Callgrind counts this process.
pub(crate) fn run(name: &str, times: u32) {
    let work = ALL.iter().find(|work| work.name == name);
    (work.expect("the work exists").run)(times);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}

/// A kubeconfig in memory becomes a client configuration.
fn resolve(contexts: usize, form: Form, times: u32) {
    let text = kubeconfigs::of(contexts, form);
    let runtime = runtime();
    for _ in 0..times {
        let loading = kubex::configure_from_kubeconfig()
            .bytes(text.clone().into_bytes())
            .trusted(true);
        let loaded = runtime.block_on(async { loading.await });
        black_box(loaded.expect("Kubex loads it"));
    }
}

/// kube does the same.
fn kube(contexts: usize, form: Form, times: u32) {
    let text = kubeconfigs::of(contexts, form);
    let runtime = runtime();
    for _ in 0..times {
        let kubeconfig = Kubeconfig::from_yaml(&text).expect("kube reads it");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options);
        black_box(runtime.block_on(config).expect("kube chooses"));
    }
}

/// The service account of a pod becomes a client configuration. Its files are those of a simulated host, because valgrind
/// counts the instructions of all threads, also of those that wait.
fn in_cluster(times: u32) {
    let root = "/var/run/secrets/kubernetes.io/serviceaccount";
    let world = SimulatedHost::new();
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    world.write(format!("{root}/token"), "a.b.c");
    world.write(format!("{root}/namespace"), "team-a");
    world.write(format!("{root}/ca.crt"), &kubeconfigs::authority());
    let registry = kubex::registry().expect("the providers are known");
    let runtime = runtime();
    for _ in 0..times {
        let chain = Chain::builder(registry.clone())
            .host(world.host())
            .source(Source::new("in-cluster"))
            .build()
            .expect("the options are right");
        black_box(runtime.block_on(chain.resolve()).expect("Kubex finds it"));
    }
}

/// Returns one credential, which expires in an hour.
#[derive(Debug)]
struct OneToken;

#[async_trait::async_trait]
impl CredentialSource for OneToken {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let expiry = request.host.now().wall + std::time::Duration::from_secs(3600);
        Ok(Credential::bearer("a.b.c".into())?.with_expiry(Some(expiry)))
    }

    fn describe(&self) -> String {
        "a source with one token".into()
    }
}

/// A configuration whose credential has been fetched.
fn ready_configuration(impersonation: Option<Impersonation>) -> ClientConfiguration {
    let server = ServerUrl::parse("https://10.0.0.1:6443").expect("it is an address");
    let configuration = ClientConfiguration::builder(Cluster::new(server))
        .source(Arc::new(OneToken))
        .impersonation(impersonation)
        .build(&Host::real())
        .expect("the configuration is complete");
    runtime()
        .block_on(configuration.credentials().current())
        .expect("there is a credential");
    configuration
}

/// `Credentials::current` on a valid credential.
fn current(times: u32) {
    let configuration = ready_configuration(None);
    for _ in 0..times {
        drop(black_box(at_once(configuration.credentials().current())));
    }
}

/// The result of a future that never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// A server that answers at once.
#[derive(Clone, Debug)]
struct Server;

impl Service<Request<()>> for Server {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<std::result::Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(())))
    }
}

/// A request with a header that clients of this API send anyway.
fn request() -> Request<()> {
    Request::get("https://10.0.0.1:6443/api/v1/namespaces/team-a/pods/web-0?watch=true")
        .header(http::header::ACCEPT, "application/json")
        .body(())
        .expect("it is a request")
}

fn layer(impersonation: Option<Impersonation>, times: u32) {
    let mut service = AuthLayer::new(&ready_configuration(impersonation)).layer(Server);
    for _ in 0..times {
        drop(black_box(at_once(service.call(request()))));
    }
}

fn without_a_layer(times: u32) {
    let mut service = Server;
    for _ in 0..times {
        drop(black_box(at_once(service.call(request()))));
    }
}
