//! What each request waits for: the credential, and the layer that puts it on.

use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use http::{Request, Response};
use kube::client::{Body, ConfigExt as _};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubex::tower::{AuthLayer, BoxError};
use kubex_benches::{Row, Spread, Table, alternate_inner, counted, in_turn, is_short};
use kubex_core::{Cluster, Credential, CredentialSource, Credentials, FetchRequest, Host, Result, ServerUrl};
use rustix::time::ClockId;
use tokio::runtime::Runtime;
use tower_layer::Layer;
use tower_service::Service;

use crate::plugin;

const CALLS: u32 = 20_000;

/// Gives a credential once, and never another one.
#[derive(Debug)]
struct Once {
    lifetime: Duration,
    asked: AtomicU32,
}

#[async_trait::async_trait]
impl CredentialSource for Once {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        if self.asked.fetch_add(1, Ordering::Relaxed) > 0 {
            std::future::pending::<()>().await;
        }
        Ok(Credential::bearer("a.b.c".into())?.with_expiry(Some(SystemTime::now() + self.lifetime)))
    }

    fn describe(&self) -> String {
        "a source that hangs after its first answer".into()
    }
}

fn credentials(lifetime: Duration) -> Credentials {
    let server = ServerUrl::parse("https://10.0.0.1").expect("it is an address");
    let source = Once {
        lifetime,
        asked: AtomicU32::new(0),
    };
    Credentials::live(Arc::new(source), Arc::new(Cluster::new(server)), Host::real())
}

/// `Credentials::current` on a valid credential.
pub(crate) fn current(runtime: &Runtime, table: &mut Table) {
    let _inside = runtime.enter();
    let credentials = credentials(Duration::from_secs(3600));
    runtime
        .block_on(credentials.current())
        .expect("there is a credential");
    let mut asking = || drop(black_box(at_once(credentials.current())));
    let mut clocks = || {
        black_box((SystemTime::now(), Instant::now()));
    };
    let clock = |id| rustix::time::clock_gettime(id);
    let mut coarse = || {
        black_box((clock(ClockId::RealtimeCoarse), clock(ClockId::MonotonicCoarse)));
    };
    let [asking, clocks, coarse] = alternate_inner(60, CALLS, [&mut asking, &mut clocks, &mut coarse]);
    let [asking, clocks, coarse] = [asking, clocks, coarse].map(|spread| spread.median.as_nanos());
    // Where the coarse clocks take 8 ns, this is 25 ns in all.
    let most = (coarse + 17) as f64;
    let row = Row::took(
        "`current()`, valid credential",
        Duration::from_nanos(asking as u64),
    );
    let beside = format!("both coarse clocks {coarse} ns and at most 17 ns; both exact clocks {clocks} ns");
    table.add(row.at_most(&beside, asking as f64 / most, 1.0).ungated());
}

/// The result of what never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// The slowest of 100 calls, before and while a refresh in the background hangs.
pub(crate) fn while_a_refresh_hangs(runtime: &Runtime, table: &mut Table) {
    let (quiet, hanging) = (
        credentials(Duration::from_secs(3600)),
        credentials(Duration::from_secs(4)),
    );
    for credentials in [&quiet, &hanging] {
        runtime
            .block_on(credentials.current())
            .expect("there is a credential");
    }
    std::thread::sleep(Duration::from_millis(2100));
    runtime
        .block_on(hanging.current())
        .expect("the old credential is good");
    let _inside = runtime.enter();
    let spread = |credentials: &Credentials| {
        let times = (0..100_000).map(|_| {
            let began = Instant::now();
            drop(black_box(at_once(credentials.current())));
            began.elapsed()
        });
        Spread::of(times.collect())
    };
    let mut most = [(); 2].map(|()| Vec::new());
    for _ in 0..5 {
        most[0].push(spread(&quiet).most);
        most[1].push(spread(&hanging).most);
    }
    let [quiet, hanging] = most.map(|times| Spread::of(times).median);
    let row = Row::took("`current()`, p99 while a refresh hangs", hanging);
    let beside = format!("p99 otherwise {} ns", quiet.as_nanos());
    table.add(row.at_most(&beside, hanging.as_secs_f64() / quiet.as_secs_f64(), 1.5));
}

/// A server that answers at once.
#[derive(Clone, Debug)]
struct Server;

impl Service<Request<Body>> for Server {
    type Response = Response<()>;
    type Error = BoxError;
    type Future = Ready<std::result::Result<Response<()>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(())))
    }
}

/// A request with the header that clients of this API send anyway.
fn request() -> Request<Body> {
    Request::get("https://10.0.0.1:6443/api/v1/pods")
        .header(http::header::ACCEPT, "application/json")
        .body(Body::empty())
        .expect("it is a request")
}

/// One layer over the server, sent through `CALLS` times by each of so many tasks; how long one call took.
fn sent<S>(runtime: &Runtime, tasks: u32, service: &S) -> Duration
where
    S: Service<Request<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: std::fmt::Debug,
{
    let began = Instant::now();
    runtime.block_on(async {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..tasks {
            let mut service = service.clone();
            all.spawn(async move {
                for _ in 0..CALLS / tasks {
                    std::future::poll_fn(|context| service.poll_ready(context))
                        .await
                        .expect("it is ready");
                    let answer = service.call(request()).await;
                    black_box(answer.is_ok());
                }
            });
        }
        all.join_all().await;
    });
    began.elapsed() / CALLS
}

/// The layers of both on one request: what they add to a call without any.
pub(crate) fn layers(runtime: &Runtime, scratch: &Path, table: &mut Table) {
    let token_file = scratch.join("token");
    std::fs::write(&token_file, "a.b.c").expect("the file can be written");
    let token_file = format!("{{\"tokenFile\": \"{}\"}}", token_file.display());
    let program = plugin::program(scratch, 0.0);
    for (what, user, target) in [
        ("exec", plugin::user(&program), Some(4.0)),
        ("token file", token_file, Some(4.0)),
        ("static token", "{\"token\": \"a.b.c\"}".to_owned(), None),
    ] {
        let path = scratch.join("layers");
        std::fs::write(&path, plugin::kubeconfig(&user)).expect("the file can be written");
        let ours = runtime.block_on(async {
            let configuration = kubex::configure_from_kubeconfig().path(&path).await?;
            configuration.credentials().current().await?;
            Ok::<_, kubex_core::Error>(AuthLayer::new(&configuration).layer(Server))
        });
        let ours = ours.expect("Kubex loads it");
        let theirs = runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(&path).expect("kube reads it");
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
            config
                .expect("kube loads it")
                .auth_layer()
                .expect("kube runs the plugin")
        });
        let theirs = theirs.expect("there is a layer").layer(Server);
        let mut alone = Duration::ZERO;
        for tasks in [1, 2, 8] {
            let [bare, ours, theirs] = in_turn(
                if is_short() { 25 } else { 101 },
                [
                    &mut || sent(runtime, tasks, &Server),
                    &mut || sent(runtime, tasks, &ours),
                    &mut || sent(runtime, tasks, &theirs),
                ],
            );
            let added = |spread: Spread| {
                spread
                    .median
                    .saturating_sub(bare.median)
                    .max(Duration::from_nanos(1))
            };
            let row = Row::took(
                format!(
                    "auth layer, {what}, {}: adds to a call",
                    counted(tasks as usize, "task")
                ),
                added(ours),
            );
            let Some(target) = target else {
                table.add(row.beside(format!(
                    "to {} ns; kube, which cannot renew it, {} ns",
                    bare.median.as_nanos(),
                    added(theirs).as_nanos()
                )));
                continue;
            };
            if tasks == 1 {
                alone = added(ours);
            }
            let least = |spread: Spread| spread.least.saturating_sub(bare.least).as_secs_f64().max(1e-9);
            let ratio = added(theirs).as_secs_f64() / added(ours).as_secs_f64();
            let peer = format!("to {} ns; kube", bare.median.as_nanos());
            let row = row
                .faster(&peer, added(theirs), ratio, target)
                .judged_by(least(theirs) / least(ours));
            table.add(if tasks == 1 { row } else { row.ungated() });
            let most = Duration::from_nanos(50);
            let name = format!(
                "auth layer, {what}, {}: beside 50 ns",
                counted(tasks as usize, "task")
            );
            let ratio = added(ours).as_secs_f64() / most.as_secs_f64();
            table.add(
                Row::took(name, added(ours))
                    .at_most("50 ns", ratio, 1.0)
                    .ungated(),
            );
            if tasks == 8 {
                let name = format!("auth layer, {what}, 8 tasks beside 1 task");
                let beside = format!("1 task {} ns", alone.as_nanos());
                let ratio = added(ours).as_secs_f64() / alone.as_secs_f64();
                table.add(
                    Row::took(name, added(ours))
                        .at_most(&beside, ratio, 1.3)
                        .ungated(),
                );
            }
        }
    }
}
