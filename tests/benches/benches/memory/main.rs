//! What memory Kubex takes: how often it allocates, and how much a program has at the most.
//!
//! `cargo bench -p kubex-benches --bench memory`. Each peak is that of a program of its own: this one, started once more.

use std::alloc::System;
use std::future::Future;
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use kube::client::{Body, ConfigExt as _};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubex_benches::kubeconfigs::{self, Form};
use kubex_benches::{Row, Table, is_short};
use kubex_core::{
    Chain, Cluster, Credential, CredentialSource, Credentials, FetchRequest, Host, Options, ServerUrl, Source,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::Runtime;
use tower_layer::Layer as _;
use tower_service::Service;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    if let [_, role, path] = std::env::args().collect::<Vec<_>>().as_slice()
        && let Some(role) = role.strip_prefix("--only-")
    {
        return be(role, Path::new(path), &runtime);
    }
    let scratch = tempfile::tempdir().expect("there is room for files");
    let mut table = Table::new();
    Table::head("allocations");
    of_loading(&runtime, scratch.path(), &mut table);
    of_a_request(&runtime, &mut table);
    of_waiters_and_sources(&runtime, &mut table);
    Table::head("memory at the most, each in a process of its own");
    peaks(scratch.path(), &mut table);
    table.judge();
}

/// How many allocations a work makes: those that are made anew and those that grow.
fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(COUNTED);
    work();
    let counted = region.change();
    counted.allocations + counted.reallocations
}

fn of_loading(runtime: &Runtime, scratch: &Path, table: &mut Table) {
    let path = scratch.join("config");
    for form in [Form::Yaml, Form::Json] {
        let mut least = None;
        for contexts in [1, 10, 100, 1000, 10_000] {
            if contexts > 1000 && is_short() {
                continue;
            }
            std::fs::write(&path, kubeconfigs::of(contexts, form)).expect("the file can be written");
            load(runtime, &path);
            let ours = allocations(|| load(runtime, &path));
            let kube = match load_by_kube(runtime, &path) {
                Ok(()) => {
                    let theirs = allocations(|| drop(load_by_kube(runtime, &path)));
                    format!("kube {theirs}")
                }
                Err(_) => "kube cannot".to_owned(),
            };
            let one = *least.get_or_insert(ours);
            let row = Row::new(
                format!("resolve from {contexts} contexts, {form:?}"),
                ours.to_string(),
            )
            .at_most(
                &format!("{kube}; from 1 context {one}"),
                ours as f64 / one as f64,
                2.0,
            );
            table.add(row);
        }
    }
}

fn load(runtime: &Runtime, path: &Path) {
    let loaded = runtime.block_on(async { kubex::configure_from_kubeconfig().path(path).await });
    black_box(loaded.expect("Kubex loads it"));
}

fn load_by_kube(runtime: &Runtime, path: &Path) -> Result<(), String> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| error.to_string())?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options);
    black_box(runtime.block_on(config).map_err(|error| error.to_string())?);
    Ok(())
}

/// A server that answers at once.
#[derive(Clone, Debug)]
struct Server;

impl Service<Request<Body>> for Server {
    type Response = Response<()>;
    type Error = kubex::tower::BoxError;
    type Future = std::future::Ready<Result<Response<()>, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        black_box(request);
        std::future::ready(Ok(Response::new(())))
    }
}

fn of_a_request(runtime: &Runtime, table: &mut Table) {
    let _inside = runtime.enter();
    let directory = tempfile::tempdir().expect("there is room for files");
    let token = directory.path().join("token");
    std::fs::write(&token, "a.b.c").expect("the file can be written");
    let path = directory.path().join("config");
    let kubeconfig = serde_json::json!({
        "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "https://10.0.0.1:6443"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {"tokenFile": token}}],
    });
    std::fs::write(&path, kubeconfig.to_string()).expect("the file can be written");
    let configuration = runtime.block_on(async {
        let configuration = kubex::configure_from_kubeconfig()
            .path(&path)
            .await
            .expect("Kubex loads it");
        configuration
            .credentials()
            .current()
            .await
            .expect("the file is read");
        configuration
    });
    let credentials = configuration.credentials();
    let count = allocations(|| {
        for _ in 0..1000 {
            drop(black_box(at_once(credentials.current())));
        }
    });
    table.add(
        Row::new(
            "`current()` on a valid credential, 1,000 times",
            count.to_string(),
        )
        .beside("target: 0"),
    );
    assert_eq!(count, 0, "asking for a valid credential allocates nothing");

    let with_a_header = || {
        let request = Request::get("https://10.0.0.1:6443/api/v1/pods").header("authorization", "x");
        request.body(Body::empty()).expect("it is a request")
    };
    let without = || {
        let request = Request::get("https://10.0.0.1:6443/api/v1/pods");
        request.body(Body::empty()).expect("it is a request")
    };
    let header_map = allocations(|| drop(with_a_header())) - allocations(|| drop(without()));
    let mut ours = kubex::tower::AuthLayer::new(&configuration).layer(Server);
    let ours = allocations(|| drop(at_once(ours.call(without())))) - allocations(|| drop(without()));
    let theirs = runtime.block_on(async {
        let kubeconfig = Kubeconfig::read_from(&path).expect("kube reads it");
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("kube loads it")
    });
    let mut theirs = theirs
        .auth_layer()
        .expect("kube reads the file")
        .expect("there is a layer")
        .layer(Server);
    let theirs = allocations(|| drop(at_once(theirs.call(without())))) - allocations(|| drop(without()));
    table.add(
        Row::new("auth layer on one request, token file", ours.to_string())
            .beside(format!("kube {theirs}; the header map's own {header_map}")),
    );
    assert!(
        ours <= header_map,
        "the layer allocates nothing but the header map's own"
    );
}

/// Gives a credential after a while.
#[derive(Debug)]
struct Slow;

#[async_trait::async_trait]
impl CredentialSource for Slow {
    async fn fetch(&self, _: FetchRequest<'_>) -> kubex_core::Result<Credential> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Credential::bearer("a.b.c".into())
    }

    fn describe(&self) -> String {
        "a slow source".into()
    }
}

/// How both grow: bytes for each waiter and each source.
fn of_waiters_and_sources(runtime: &Runtime, table: &mut Table) {
    for waiters in [1, 100, 10_000] {
        let server = ServerUrl::parse("https://10.0.0.1").expect("it is an address");
        let credentials = Credentials::live(Arc::new(Slow), Arc::new(Cluster::new(server)), Host::real());
        let region = Region::new(COUNTED);
        runtime.block_on(async {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..waiters {
                let credentials = credentials.clone();
                all.spawn(async move { credentials.current().await.is_ok() });
            }
            assert!(all.join_all().await.into_iter().all(|is_given| is_given));
        });
        let bytes = region.change().bytes_allocated;
        let each = format!("{} bytes each, tasks included", bytes / waiters);
        table.add(Row::new(
            format!("{waiters} waiters, cold: {} KiB", bytes / 1024),
            each,
        ));
    }
    let registry = kubex::registry().expect("the providers are known");
    for count in [10, 100, 1000] {
        let region = Region::new(COUNTED);
        let mut builder = Chain::builder(registry.clone());
        for number in 0..count {
            let options = Options::new().set("paths", vec![format!("/nowhere/config-{number}")]);
            let source = Source::new(&format!("source-{number}")).provider("kubeconfig");
            builder = builder.source(source.options(options));
        }
        let chain = builder.build().expect("the options are right");
        let told = runtime.block_on(chain.resolve()).expect_err("nothing is there");
        black_box(told.report().expect("a chain reports").to_string());
        let bytes = region.change().bytes_allocated;
        let each = format!("{} bytes each, in all its life", bytes / count);
        table.add(Row::new(
            format!("explain {count} sources: {} KiB", bytes / 1024),
            each,
        ));
    }
}

/// The result of what never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn peaks(scratch: &Path, table: &mut Table) {
    let path = scratch.join("config");
    for (contexts, form) in [
        (1000, Form::Yaml),
        (10_000, Form::Yaml),
        (10_000, Form::Json),
        (1000, Form::Unusual),
    ] {
        let text = kubeconfigs::of(contexts, form);
        std::fs::write(&path, &text).expect("the file can be written");
        let size = text.len() as f64 / 1e6;
        let [ours, nothing, read] = ["kubex", "nothing", "read"].map(|role| peak(role, &path));
        let theirs = if contexts > 1000 {
            f64::NAN
        } else {
            peak("kube", &path)
        };
        let row = Row::new(
            format!("{contexts} contexts, {form:?}, {size:.1} MB"),
            format!("{ours:.1} MB"),
        );
        let kube = if theirs.is_nan() {
            String::new()
        } else {
            format!(", kube {theirs:.1} MB")
        };
        let beside = format!("a program that reads it {read:.1} MB, one that does not {nothing:.1} MB{kube}");
        table.add(match contexts {
            10_000 => row.at_most(&beside, ours / size, 1.3),
            _ => row.beside(beside),
        });
    }
}

/// The peak of this program in a role, in MB.
fn peak(role: &str, path: &Path) -> f64 {
    let itself = std::env::current_exe().expect("this program has a file");
    let output = Command::new(itself)
        .arg(format!("--only-{role}"))
        .arg(path)
        .output()
        .expect("it starts");
    let shown = String::from_utf8_lossy(&output.stdout);
    shown.trim().parse().unwrap_or(f64::NAN)
}

fn be(role: &str, path: &Path, runtime: &Runtime) {
    match role {
        "kubex" => load(runtime, path),
        "kube" => load_by_kube(runtime, path).unwrap_or_default(),
        "read" => drop(black_box(std::fs::read(path))),
        _ => {}
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: f64 = peak
        .and_then(|peak| peak.trim().split(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(f64::NAN);
    println!("{}", kilobytes * 1024.0 / 1e6);
}
