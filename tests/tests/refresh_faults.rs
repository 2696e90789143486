//! Refreshing under faults: one test for each fault, by its number in the list of faults that Kubex survives.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use kubex::{
    CaBundle, Chain, ClientConfiguration, Cluster, CredentialSource, Credentials, ErrorKind, FetchReason,
    Host, Options, ServerUrl, Source, Trust,
};
use kubex_core::faults::{Act, FaultySource, plugin};
use kubex_core::host::SimulatedHost;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::log::Log;
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn live_on(host: Host, source: Arc<dyn CredentialSource>) -> Credentials {
    let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    Credentials::live(source, Arc::new(cluster), host)
}

fn live(world: &SimulatedHost, source: &Arc<FaultySource>) -> Credentials {
    live_on(world.host(), source.clone())
}

fn lasting(seconds: u64) -> Act {
    Act::token().lasting(Duration::from_secs(seconds))
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// What a client is configured with whose tokens come from this source.
fn configured(server: &ApiServer, source: Arc<dyn CredentialSource>) -> ClientConfiguration {
    let mut cluster = Cluster::new(ServerUrl::parse(server.url()).unwrap());
    cluster.trust = Trust::CaBundle(CaBundle::from_pem(server.ca_pem().as_bytes()).unwrap());
    let builder = ClientConfiguration::builder(cluster).source(source);
    builder.build(&Host::real()).unwrap()
}

#[tokio::test]
async fn row_19_ten_thousand_callers_at_a_cold_start_are_one_run() {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    world.install_program("/usr/bin/login");
    world.set_process_time(SECOND);
    world.run_processes(plugin::prints(
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}"#,
    ));
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("command", "login");
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(Source::new("plugin").provider("exec").options(options))
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    assert_eq!(world.runs(), 0, "resolving runs nothing");
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let configuration = configuration.clone();
            tokio::spawn(async move {
                configuration
                    .credentials()
                    .current()
                    .await
                    .map(|it| it.generation())
            })
        })
        .collect();
    for _ in 0..100 {
        settle().await;
        world.advance(SECOND / 10);
        if callers.iter().all(tokio::task::JoinHandle::is_finished) {
            break;
        }
    }
    for caller in callers {
        assert!(caller.is_finished(), "a caller waits for ever");
        assert_eq!(caller.await.unwrap().unwrap().number(), 1);
    }
    println!("10000 callers: {} run", world.runs());
    assert_eq!(world.runs(), 1);
}

#[tokio::test]
async fn row_20_expiry_under_load_fails_no_request_and_is_one_run_a_lifetime() {
    const LIFETIME: u32 = 100;
    const TIME: u32 = 10_000;

    let world = SimulatedHost::new();
    let source = FaultySource::playing([lasting(LIFETIME.into()).taking(3 * SECOND)]);
    let credentials = live(&world, &source);
    let first = tokio::spawn({
        let credentials = credentials.clone();
        async move { credentials.current().await.map(drop) }
    });
    settle().await;
    world.advance(3 * SECOND);
    first.await.unwrap().unwrap();

    let mut served = 0_usize;
    for tick in 0..TIME * 4 {
        world.set_random(u64::from(tick) * 7919);
        for _ in 0..10 {
            let credential = credentials.current().await.unwrap();
            assert!(credential.expires_at().unwrap() > world.host().now().wall);
            served += 1;
        }
        settle().await;
        world.advance(SECOND / 4);
    }
    // A token is renewed after 80 to 82 s of its 100.
    let most = TIME.div_ceil(80) + 1;
    println!("{served} requests in {TIME} s: {} runs, 0 failed", source.runs());
    assert!(source.runs() <= most as usize, "{} runs", source.runs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_21_a_thousand_rejections_of_one_generation_are_one_refresh() {
    let world = SimulatedHost::new();
    let source = FaultySource::playing([Act::token()]);
    let credentials = live(&world, &source);
    let first = credentials.current().await.unwrap().generation();
    let barrier = Arc::new(tokio::sync::Barrier::new(1000));
    let requests: Vec<_> = (0..1000)
        .map(|_| {
            let (credentials, barrier) = (credentials.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                credentials.invalidate(first);
                credentials.current().await.map(|it| it.generation().number())
            })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap(), 2);
    }
    assert_eq!(source.runs(), 2);

    // A server that says 401 for ever.
    let before = source.runs();
    for _ in 0..1000 {
        let credential = credentials.current().await.unwrap();
        credentials.invalidate(credential.generation());
        world.advance(SECOND / 10);
    }
    let runs = source.runs() - before;
    println!("1000 rejections in 100 s: {runs} runs");
    assert!((9..=11).contains(&runs), "{runs} runs in 100 s");

    // The same through a client: each request is sent twice at the most.
    // Over HTTP/2 a 401 tears the connection down, and reqwest itself sends some requests once more.
    let server = ApiServer::builder().http2(false).start().await.unwrap();
    server.reject_all(true);
    let source = FaultySource::playing([Act::token()]);
    let client = kubex::reqwest::Client::new(&configured(&server, source.clone())).unwrap();
    for _ in 0..100 {
        let answer = client.get("/version").unwrap().send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(source.runs(), 2, "within ten seconds");
    assert_eq!(server.requests().len(), 101);
    server.shutdown().await;
}

#[tokio::test]
async fn row_22_a_forbidden_response_does_not_cause_a_refresh() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("token-1", User::new("jane"));
    server.answer("/secret", StatusCode::FORBIDDEN, json!({ "kind": "Status" }));
    let source = FaultySource::playing([Act::token()]);
    let client = kubex::reqwest::Client::new(&configured(&server, source.clone())).unwrap();
    for _ in 0..20 {
        let answer = client.get("/secret").unwrap().send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!((source.runs(), server.requests().len()), (1, 20));
    server.shutdown().await;
}

#[tokio::test]
async fn row_23_a_source_that_fails_is_one_warning_a_state_then_a_typed_error_and_recovery_within_a_back_off()
{
    let (log, guard) = Log::capture();
    let world = SimulatedHost::new();
    let source = FaultySource::playing([lasting(1000), Act::fails(ErrorKind::Unavailable)]);
    let credentials = live(&world, &source);
    credentials.current().await.unwrap();
    while world.host().now().monotonic < 1000 * SECOND {
        credentials.current().await.unwrap();
        settle().await;
        world.advance(SECOND);
    }
    assert_eq!(log.lines("WARN").len(), 1, "{:?}", log.lines("WARN"));

    world.advance(59 * SECOND);
    let error = credentials.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(text.contains("the source fails on purpose"), "the cause: {text}");
    assert!(text.contains("the last one expired"), "the age: {text}");
    let warnings = log.lines("WARN");
    let of_state = |has_valid| warnings.iter().filter(|line| line.contains(has_valid)).count();
    assert_eq!(
        (
            of_state("has_valid=true"),
            of_state("has_valid=false"),
            warnings.len()
        ),
        (1, 1, 2),
        "{warnings:?}"
    );

    source.play([lasting(1000)]);
    let repaired = world.host().now().monotonic;
    while credentials.current().await.is_err() {
        world.advance(SECOND);
    }
    let took = world.host().now().monotonic.saturating_sub(repaired);
    println!("recovered {took:?} after the repair");
    assert!(took <= 60 * SECOND, "it took {took:?}");
    assert_eq!(log.lines("WARN").len(), 2);
    assert_eq!(log.lines("INFO").len(), 1, "it works again");
    drop(guard);
}

#[tokio::test]
async fn each_fetch_is_one_event_with_the_names_that_are_documented() {
    let (log, guard) = Log::capture();
    let world = SimulatedHost::new();
    let source = FaultySource::playing([lasting(100).taking(SECOND)]);
    let credentials = live(&world, &source);
    let waiting = tokio::spawn({
        let credentials = credentials.clone();
        async move { credentials.current().await }
    });
    settle().await;
    world.advance(SECOND);
    let first = waiting.await.unwrap().unwrap();
    credentials.invalidate(first.generation());
    drop(guard);
    let [fetched] = &log.lines("outcome=\"fetched\"")[..] else {
        panic!("one event: {:?}", log.lines(""));
    };
    for field in [
        "kubex::credentials",
        "source=",
        "reason=\"first\"",
        "duration_ms=1000",
        "generation=1",
        "seconds_to_expiry=100",
        "failures=0",
        "has_valid=true",
    ] {
        assert!(fetched.contains(field), "{field} in {fetched}");
    }
    assert_eq!(log.lines("outcome=\"rejected\"").len(), 1);
}

#[tokio::test]
async fn row_25_a_panic_inside_a_source_is_an_error_for_all_waiting_callers_and_the_handle_is_usable() {
    let world = SimulatedHost::new();
    let source = FaultySource::playing([Act::panics().taking(SECOND), Act::token()]);
    let credentials = live(&world, &source);
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let credentials = credentials.clone();
            tokio::spawn(async move { credentials.current().await.map(drop) })
        })
        .collect();
    settle().await;
    world.advance(SECOND);
    for caller in waiting {
        let error = caller.await.expect("no panic comes out").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Aborted);
    }
    world.advance(SECOND);
    assert!(credentials.current().await.is_ok());
    assert_eq!(source.runs(), 2);
}

#[tokio::test]
async fn row_26_clock_steps_and_sleep_serve_nothing_expired_and_cause_no_storm() {
    for (what, forward, back, most) in [
        ("an hour forward", HOUR, Duration::ZERO, 1),
        ("an hour back", Duration::ZERO, HOUR, 0),
        ("a sleep of twelve hours", 12 * HOUR, Duration::ZERO, 1),
    ] {
        let world = SimulatedHost::new();
        let source = FaultySource::playing([lasting(900)]);
        let credentials = live(&world, &source);
        credentials.current().await.unwrap();
        world.advance(100 * SECOND);
        world.set_wall_clock(world.host().now().wall + forward - back);
        for _ in 0..100 {
            let credential = credentials.current().await.unwrap();
            assert!(
                credential.expires_at().unwrap() > world.host().now().wall,
                "{what}"
            );
            settle().await;
        }
        assert_eq!(source.runs(), 1 + most, "{what}");
        // Afterwards all goes on as before: one run a lifetime.
        for _ in 0..1800 {
            credentials.current().await.unwrap();
            settle().await;
            world.advance(SECOND);
        }
        println!(
            "{what}: {most} extra run, {} in the half hour after",
            source.runs() - 1 - most
        );
        assert!(source.runs() <= 1 + most + 3, "{what}: {} runs", source.runs());
        assert!(!source.reasons()[1..].contains(&FetchReason::First), "{what}");
    }

    // What the issuer's clock calls fresh and this one calls expired is used once, and causes no storm.
    let world = SimulatedHost::new();
    let source = FaultySource::playing([Act::token().expired_for(HOUR)]);
    let credentials = live(&world, &source);
    let mut used = 0;
    for _ in 0..600 {
        used += usize::from(credentials.current().await.is_ok());
        world.advance(SECOND);
    }
    println!(
        "expired on arrival for 600 s: {} runs, {used} used",
        source.runs()
    );
    assert_eq!(used, source.runs());
    assert!(source.runs() <= 17, "{} runs in 600 s", source.runs());
}
