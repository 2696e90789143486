//! What is left behind: one test for each fault, by its number in the list of faults that Kubex survives. They
//! count descriptors, tasks and processes, so they have a program of their own and run one after the other.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kubex::{
    Chain, ClientConfiguration, Cluster, Credential, CredentialSource, Credentials, ExposeSecret,
    FetchRequest, Host, Options, Result, ServerUrl, Source,
};
use kubex_core::faults::give_up_after;
use kubex_tests::machine::patience;

const SECOND: Duration = Duration::from_secs(1);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn live_on(host: Host, source: Arc<dyn CredentialSource>) -> Credentials {
    let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    Credentials::live(source, Arc::new(cluster), host)
}

/// Gives tokens out of a real file, and is suspended more or less often in between.
#[derive(Debug)]
struct Restless {
    file: PathBuf,
    fetches: AtomicUsize,
}

#[async_trait]
impl CredentialSource for Restless {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let run = self.fetches.fetch_add(1, Ordering::Relaxed);
        for _ in 0..run % 4 {
            tokio::task::yield_now().await;
        }
        let read = request.host.files().read(&self.file, 1024).await.unwrap();
        let token = String::from_utf8(read.expose_secret().to_vec()).unwrap();
        Credential::bearer(format!("{token}-{run}").into())
    }

    fn describe(&self) -> String {
        "a restless source".into()
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn row_24_a_hundred_thousand_dropped_callers_leak_nothing_and_lose_no_wake_up() {
    const TASKS: usize = 64;
    const CALLS: usize = 100_000;

    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    fs::write(&file, "token").unwrap();
    let source = Arc::new(Restless {
        file,
        fetches: AtomicUsize::new(0),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let fetches = source.clone();
    let fresh = move || live_on(Host::real(), source.clone());
    let begun = Instant::now();
    // The first fetch makes the runtime open what it keeps open.
    runtime
        .block_on(async { fresh().current().await.map(drop) })
        .unwrap();
    let (tasks_before, descriptors_before) = (runtime.metrics().num_alive_tasks(), descriptors());
    let cancelled = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let callers: Vec<_> = (0..TASKS)
            .map(|number| {
                let (fresh, cancelled) = (fresh.clone(), cancelled.clone());
                tokio::spawn(async move {
                    let mut random = 0x9e37_79b9_u64 * (number as u64 + 1);
                    while cancelled.load(Ordering::Relaxed) < CALLS {
                        let credentials = fresh();
                        for _ in 0..8 {
                            random ^= random << 13;
                            random ^= random >> 7;
                            random ^= random << 17;
                            give_up_after((random % 7) as usize, credentials.current()).await;
                            cancelled.fetch_add(1, Ordering::Relaxed);
                        }
                        // Some are left behind in mid-flight; the others are waited for.
                        if !random.is_multiple_of(3) {
                            let answer =
                                tokio::time::timeout(patience(20 * SECOND), credentials.current()).await;
                            answer.expect("a wake-up was lost").unwrap();
                        }
                    }
                })
            })
            .collect();
        for task in callers {
            task.await.unwrap();
        }
        // A fetch without waiters ends by itself.
        let ending = Instant::now();
        while runtime.metrics().num_alive_tasks() > tasks_before && ending.elapsed() < patience(2 * SECOND) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let (tasks, open) = (runtime.metrics().num_alive_tasks(), descriptors());
    println!(
        "{} calls given up in {:.1} s, {} fetches: tasks {tasks_before} -> {tasks}, descriptors \
         {descriptors_before} -> {open}",
        cancelled.load(Ordering::Relaxed),
        begun.elapsed().as_secs_f32(),
        fetches.fetches.load(Ordering::Relaxed),
    );
    assert!(
        fetches.fetches.load(Ordering::Relaxed) > 1000,
        "hardly anything was fetched"
    );
    assert!(tasks <= tasks_before, "{tasks} tasks are left");
    assert!(open <= descriptors_before, "{open} descriptors are left");
}

/// Processes that run this very program, by their numbers.
fn running(program: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let marker = program.to_string_lossy();
        if String::from_utf8_lossy(&line).contains(&*marker) {
            found.push(entry.path());
        }
    }
    found
}

fn none_is_left_of(program: &Path) {
    let begun = Instant::now();
    while !running(program).is_empty() {
        assert!(
            begun.elapsed() < patience(5 * SECOND),
            "still running: {:?}",
            running(program)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn install(directory: &Path, script: &str) -> PathBuf {
    let program = directory.join("login");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

async fn of_plugin(program: &Path) -> ClientConfiguration {
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("command", program.to_string_lossy().into_owned());
    let chain = Chain::builder(kubex::registry().unwrap())
        .source(Source::new("plugin").provider("exec").options(options))
        .build()
        .unwrap();
    chain.resolve().await.unwrap()
}

#[test]
fn row_24_dropped_callers_of_a_real_plugin_leave_no_process() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let program = install(
        directory.path(),
        "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"status\":{\"token\":\"t\"}}'",
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut before = None;
    runtime.block_on(async {
        for round in 0..100 {
            let configuration = of_plugin(&program).await;
            for looks in 0..4 {
                give_up_after(looks, configuration.credentials().current()).await;
            }
            let answer = tokio::time::timeout(patience(20 * SECOND), configuration.credentials().current());
            answer.await.expect("a wake-up was lost").unwrap();
            if round == 0 {
                before = Some(descriptors());
            }
        }
    });
    none_is_left_of(&program);
    println!(
        "100 plugins, 400 calls given up: descriptors {before:?} -> {}",
        descriptors()
    );
    // Threads of a runtime that were idle may open one each.
    assert!(descriptors() <= before.unwrap() + 2, "descriptors leak");
}

#[test]
fn row_25_a_runtime_that_is_shut_down_in_mid_flight_kills_the_plugin() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let program = install(directory.path(), "sleep 30");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let configuration = runtime.block_on(of_plugin(&program));
    let waiting = runtime.spawn({
        let configuration = configuration.clone();
        async move { configuration.credentials().current().await.map(drop) }
    });
    let begun = Instant::now();
    while running(&program).is_empty() {
        assert!(
            begun.elapsed() < patience(10 * SECOND),
            "the plugin does not start"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(waiting);
    runtime.shutdown_timeout(SECOND);
    none_is_left_of(&program);

    // The handle is usable: a caller on another runtime runs the plugin again at once.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let again = runtime.block_on(async {
        let waiting = tokio::spawn(async move { configuration.credentials().current().await.map(drop) });
        let begun = Instant::now();
        while running(&program).is_empty() && begun.elapsed() < patience(10 * SECOND) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        waiting.abort();
        !running(&program).is_empty()
    });
    assert!(again, "the plugin is not run again");
    runtime.shutdown_timeout(SECOND);
    none_is_left_of(&program);
}
