//! One OIDC login for many processes, with refresh tokens that can be used once.
//!
//! A worker is a process of its own: this test program again, which refreshes until it is told to stop or is killed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use kubex::{Cluster, CredentialSource, FetchReason, FetchRequest, Host, Options, ServerUrl};
use kubex_store::{Location, StoredSource};
use kubex_tests::issuer::{CLIENT, Issuer, TOKEN_PATH, id_token};
use kubex_tests::machine::patience;

use crate::world::{EXEC_INFO, Ended, World, run};

const WORKER: &str = "KUBEX_TEST_OIDC_WORKER";

/// A time in 2030.
pub(crate) const LATE: i64 = 1_893_459_600;

/// An issuer whose refresh tokens can be used once, and a world that is logged in there.
pub(crate) struct Login {
    runtime: tokio::runtime::Runtime,
    pub(crate) issuer: Issuer,
    pub(crate) world: World,
}

impl Login {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let issuer = runtime.block_on(Issuer::start()).unwrap();
        issuer.rotate_refresh_tokens();
        issuer.issue([id_token("s3cret-jane", LATE)]);
        let login = Self {
            runtime,
            issuer,
            world: World::new(),
        };
        login.world.write("issuer", &login.issuer.url());
        login.world.write("ca", &login.issuer.ca_pem());
        login.log_in("refresh-0");
        login
    }

    /// The user logs in: the issuer and the configuration have a new refresh token.
    fn log_in(&self, refresh_token: &str) {
        self.issuer.accept_refresh_token(refresh_token);
        self.world.write("refresh-token", refresh_token);
    }

    /// The requests for tokens: those that were answered, and those that were refused.
    pub(crate) fn refreshes(&self) -> (usize, usize) {
        let requests = self.issuer.requests_of(TOKEN_PATH);
        let refused = requests
            .iter()
            .filter(|request| request.status.is_some_and(|status| status != 200));
        let refused = refused.count();
        (requests.len() - refused, refused)
    }

    pub(crate) fn kubex(&self, words: &[&str]) -> Command {
        let mut command = self.world.kubex(words);
        command
            .env(
                "REFRESH_TOKEN",
                fs::read_to_string(self.world.path("refresh-token")).unwrap(),
            )
            .env("KUBEX_CONFIG", self.world.path("kubex.yaml"));
        command
    }

    fn write_configuration(&self, cache: &str) {
        let text = format!(
            "chain: [login]\nsources:\n  login:\n    provider: oidc\n    server: https://127.0.0.1\n    idp-issuer-url: {}\n    \
             client-id: {CLIENT}\n    idp-certificate-authority: {}\n    refresh-token-env: REFRESH_TOKEN\n    cache: {cache}\n",
            self.issuer.url(),
            self.world.path("ca").display()
        );
        self.world.write("kubex.yaml", &text);
    }
}

/// A process that fetches twice, or until there is a file `stop`.
pub(crate) fn worker(world: &World, mode: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command
        .args(["--exact", "oidc::part_of_the_workers", "--ignored", "--nocapture"])
        .env(WORKER, format!("{mode} {}", world.path("").display()))
        .env("KUBEX_CACHE_DIR", world.path("cache"))
        .env("KUBEX_CACHE_KEY", "file")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The source of a worker, as a program configures it.
fn source(directory: &Path) -> Arc<dyn CredentialSource> {
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    let mut options = Options::new()
        .set("idp-issuer-url", read("issuer"))
        .set("client-id", CLIENT)
        .set("idp-certificate-authority-data", read("ca"))
        .set("refresh-token", read("refresh-token"));
    if let Ok(secret) = fs::read_to_string(directory.join("client-secret")) {
        options = options.set("client-secret", secret);
    }
    let source = kubex::registry().unwrap().source("oidc", &options).unwrap();
    let location = Location::of_the_user(Host::real().environment()).unwrap();
    Arc::new(StoredSource::new(source).in_location(location))
}

#[tokio::test]
#[ignore = "a part of other tests, which run it in processes of their own"]
async fn part_of_the_workers() {
    let Ok(order) = std::env::var(WORKER) else {
        return;
    };
    let (mode, directory) = order.split_once(' ').unwrap();
    let directory = Path::new(directory);
    let source = source(directory);
    let cluster = Cluster::new(ServerUrl::parse("https://127.0.0.1").unwrap());
    let host = Host::real();
    for fetches in 1.. {
        let request = FetchRequest {
            reason: FetchReason::Rejected,
            host: &host,
            cluster: &cluster,
        };
        match source.fetch(request).await {
            Ok(_) => println!("\nworker: refreshed"),
            Err(error) => {
                println!("\nworker: {error}");
                return;
            }
        }
        // The first fetch gets what the store has, and the next one refreshes.
        if (mode == "twice" && fetches == 2) || directory.join("stop").exists() {
            return;
        }
    }
}

/// What a worker printed about its fetches.
pub(crate) fn printed(ended: &Ended) -> Vec<String> {
    let lines = ended
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("worker: "));
    lines.map(str::to_owned).collect()
}

/// Twenty processes refresh until the issuer has answered 500 times: the answered and the refused refreshes.
pub(crate) fn refresh_in_twenty_processes(
    world: &World,
    mut refreshes: impl FnMut() -> (usize, usize),
) -> (usize, usize) {
    let began = Instant::now();
    let workers: Vec<Child> = (0..20).map(|_| worker(world, "on")).collect();
    loop {
        let (answered, refused) = refreshes();
        if answered >= 500 || refused > 0 {
            break;
        }
        assert!(began.elapsed() < patience(Duration::from_secs(120)), "{answered}");
        std::thread::sleep(Duration::from_millis(10));
    }
    world.write("stop", "");
    for worker in workers {
        let ended = Ended::from(worker.wait_with_output().unwrap());
        let lines = printed(&ended);
        assert!(
            !lines.is_empty() && lines.iter().all(|line| line == "refreshed"),
            "{ended:?}"
        );
    }
    let (answered, refused) = refreshes();
    println!(
        "20 processes: {answered} refreshes, {refused} refused, in {:?}",
        began.elapsed()
    );
    (answered, refused)
}

/// Runs a process that refreshes, and kills it at a random moment after its first refresh. Returns the fetches that it printed.
pub(crate) fn kill_a_worker(world: &World) -> usize {
    let mut worker = worker(world, "on");
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let mut fetched = lines.filter(|line| line.as_ref().unwrap() == "worker: refreshed");
    assert_eq!(fetched.by_ref().take(2).count(), 2);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    std::thread::sleep(Duration::from_micros(
        u64::from(now.subsec_nanos()) / 100 % 60_000,
    ));
    worker.kill().unwrap();
    worker.wait().unwrap();
    2 + fetched.count()
}

#[test]
fn twenty_processes_use_each_refresh_token_once() {
    let login = Login::new();
    let (answered, refused) = refresh_in_twenty_processes(&login.world, || login.refreshes());
    assert!(
        answered >= 500 && refused == 0,
        "{answered} answered, {refused} refused"
    );
}

#[test]
fn a_process_that_is_killed_loses_no_login_but_between_the_answer_and_the_write() {
    let login = Login::new();
    let mut lost = 0;
    for round in 0..50 {
        kill_a_worker(&login.world);
        let next = Ended::from(worker(&login.world, "twice").wait_with_output().unwrap());
        if printed(&next) == ["refreshed", "refreshed"] {
            continue;
        }
        // The one moment: the token was used up, and its successor had arrived nowhere else yet.
        lost += 1;
        let requests = login.issuer.requests_of(TOKEN_PATH);
        let [.., used, refused] = requests.as_slice() else {
            panic!("{next:?}");
        };
        assert_eq!(
            used.field("refresh_token"),
            refused.field("refresh_token"),
            "{next:?}"
        );
        assert!(printed(&next)[1].contains("invalid_grant"), "{next:?}");
        login.log_in(&format!("login-{round}"));
    }
    let (answered, _) = login.refreshes();
    println!(
        "50 processes killed: {lost} logins lost between the answer and the write, 0 at other moments, {answered} refreshes"
    );
    assert!(lost <= 25 && answered >= 100, "{lost} {answered}");
}

#[test]
fn the_command_and_its_processes_share_the_login_and_other_caches_warn() {
    let login = Login::new();
    login.write_configuration("shared");
    let token = |words: &[&str]| {
        let ended = run(&mut login.kubex(words));
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        ended
    };
    token(&["token"]);
    token(&["token"]);
    assert_eq!(login.refreshes(), (1, 0));
    // kubectl's plugin: a second question of one client means that the server has rejected the token.
    for refreshes in [1, 2, 3] {
        let ended = run(login
            .kubex(&["exec", "--source", "login"])
            .env("KUBERNETES_EXEC_INFO", EXEC_INFO));
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert_eq!(login.refreshes(), (refreshes, 0));
    }
    token(&["token"]);
    assert_eq!(login.refreshes(), (3, 0));

    // Nothing of the tokens is readable in the store, and the list has no secret.
    let list = run(&mut login.kubex(&["cache", "list", "-ojson"]));
    assert!(
        list.stdout.contains("OIDC issuer") && !list.stdout.contains("refresh-"),
        "{list:?}"
    );
    for file in fs::read_dir(login.world.store()).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        assert!(!content.windows(8).any(|window| window == b"refresh-"));
    }

    // Clearing logs out: the refresh token of the configuration is used up.
    assert_eq!(run(&mut login.kubex(&["cache", "clear"])).status, Some(0));
    let ended = run(&mut login.kubex(&["token"]));
    assert!(
        ended.status == Some(5) && ended.stderr.contains("log in again"),
        "{ended:?}"
    );

    login.log_in("refresh-again");
    login.write_configuration("memory");
    let ended = run(&mut login.kubex(&["token"]));
    assert!(
        ended.status == Some(0) && ended.stderr.contains("a new refresh-token is not saved"),
        "{ended:?}"
    );
    drop(login.runtime);
}

#[test]
fn no_refresh_token_is_used_up_whose_successor_cannot_be_saved() {
    let login = Login::new();
    login.write_configuration("shared");
    run(&mut login.kubex(&["cache", "list"]));
    let kubex = crate::world::KUBEX;
    let mut full = login.world.program(
        Path::new("/bin/sh"),
        &["-c", &format!("trap '' XFSZ; ulimit -f 0; exec {kubex} token")],
    );
    full.env("REFRESH_TOKEN", "refresh-0")
        .env("KUBEX_CONFIG", login.world.path("kubex.yaml"));
    let ended = run(&mut full);
    assert!(
        ended.status == Some(5) && ended.stderr.contains("the refresh-token cannot be saved"),
        "{ended:?}"
    );
    assert_eq!(login.refreshes(), (0, 0));
    assert_eq!(run(&mut login.kubex(&["token"])).status, Some(0));
}
