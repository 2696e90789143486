//! The narrow places of the live handle: where two of its rules meet.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use kubex_core::faults::{Act, FaultySource};
use kubex_core::host::SimulatedHost;
use kubex_core::{
    Cluster, Credential, CredentialSource, Credentials, ErrorKind, ExposeSecret, FetchReason, ServerUrl,
};
use tracing_subscriber::fmt::MakeWriter;

const SECOND: Duration = Duration::from_secs(1);

fn live(world: &SimulatedHost, source: &Arc<FaultySource>) -> Credentials {
    let source: Arc<dyn CredentialSource> = source.clone();
    let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    Credentials::live(source, Arc::new(cluster), world.host())
}

fn bearer(token: &str) -> Act {
    Act::returns(Credential::bearer(token.into()).unwrap())
}

async fn given(credentials: &Credentials) -> (u64, String) {
    let credential = credentials.current().await.unwrap();
    let token = credential.token().unwrap().expose_secret().to_owned();
    (credential.generation().number(), token)
}

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn is_ready<T>(future: impl Future<Output = T>) -> bool {
    pin!(future)
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[tokio::test]
async fn a_generation_is_never_used_twice_nor_smaller_than_one_before() {
    let world = SimulatedHost::new();
    let minute = Duration::from_secs(60);
    let source = FaultySource::playing([
        bearer("one").lasting(minute),
        bearer("too-late").expired_for(minute),
        bearer("one").lasting(minute),
        bearer("two").lasting(minute),
    ]);
    let credentials = live(&world, &source);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(given(&credentials).await);
        world.advance(61 * SECOND);
    }
    let expected = [(1, "one"), (2, "too-late"), (3, "one"), (4, "two")];
    assert_eq!(seen, expected.map(|(number, token)| (number, token.to_owned())));
}

#[tokio::test]
async fn a_look_that_hangs_is_waited_for_once_and_briefly() {
    let world = SimulatedHost::new();
    let source = FaultySource::playing_within(
        5 * SECOND,
        [bearer("old").with_revalidate_after(60 * SECOND), Act::hangs()],
    );
    let credentials = live(&world, &source);
    given(&credentials).await;

    world.advance(61 * SECOND);
    let waiting = tokio::spawn({
        let credentials = credentials.clone();
        async move { given(&credentials).await }
    });
    settle().await;
    world.advance(SECOND);
    settle().await;
    assert!(
        waiting.is_finished(),
        "the first look is waited for, for a second"
    );
    assert_eq!(waiting.await.unwrap().1, "old");

    for _ in 0..600 {
        assert!(is_ready(credentials.current()), "no caller waits again");
        settle().await;
        world.advance(SECOND);
    }
    let runs = source.runs();
    assert!(
        (8..=20).contains(&runs),
        "it is looked at all the same: {runs} runs"
    );

    source.play([bearer("new").with_revalidate_after(60 * SECOND)]);
    world.advance(66 * SECOND);
    given(&credentials).await;
    settle().await;
    world.advance(66 * SECOND);
    assert_eq!(given(&credentials).await.1, "new");
}

#[tokio::test]
async fn what_came_expired_does_not_displace_what_is_valid() {
    let world = SimulatedHost::new();
    let source = FaultySource::playing([
        bearer("good")
            .lasting(Duration::from_secs(3600))
            .with_revalidate_after(60 * SECOND),
        bearer("expired").expired_for(Duration::from_secs(1)),
    ]);
    let credentials = live(&world, &source);
    assert_eq!(given(&credentials).await.1, "good");
    world.advance(61 * SECOND);
    assert_eq!(
        given(&credentials).await.1,
        "good",
        "this caller waited for the look"
    );
    assert_eq!(source.runs(), 2);
    assert_eq!(given(&credentials).await, (1, "good".to_owned()));
}

#[tokio::test]
async fn one_look_at_the_clock_decides_so_that_no_answer_contradicts_itself() {
    let world = SimulatedHost::new();
    let source = FaultySource::playing([
        bearer("good").lasting(Duration::from_secs(100)),
        Act::fails(ErrorKind::Unavailable),
    ]);
    let credentials = live(&world, &source);
    given(&credentials).await;
    world.advance(98 * SECOND);
    // The first look is the request path's; by the machine's the credential is valid for a moment.
    world.set_reading_takes(Duration::from_millis(900));
    assert_eq!(given(&credentials).await.1, "good");
}

#[tokio::test]
async fn a_rejection_while_a_refresh_is_under_way_is_not_forgotten() {
    let world = SimulatedHost::new();
    let minute = Duration::from_secs(60);
    let source = FaultySource::playing([
        bearer("same").lasting(minute),
        bearer("same").lasting(minute).taking(SECOND),
        bearer("other").lasting(minute),
    ]);
    let credentials = live(&world, &source);
    let first = credentials.current().await.unwrap();
    world.advance(55 * SECOND);
    given(&credentials).await;
    settle().await;
    credentials.invalidate(first.generation());
    world.advance(SECOND);
    settle().await;

    assert_eq!(given(&credentials).await.1, "other");
    assert_eq!(
        source.reasons(),
        [FetchReason::First, FetchReason::Expiring, FetchReason::Rejected]
    );
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn warnings(&self) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("WARN")).count()
    }
}

#[tokio::test]
async fn each_change_of_state_is_one_warning() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let world = SimulatedHost::new();
    let expired = bearer("late").expired_for(Duration::from_secs(1));
    let source = FaultySource::playing([expired]);
    let credentials = live(&world, &source);
    for _ in 0..10 {
        credentials.current().await.unwrap();
        world.advance(61 * SECOND);
    }
    assert_eq!((source.runs(), log.warnings()), (10, 1), "expired ten times");

    source.play([Act::fails(ErrorKind::Unavailable)]);
    for _ in 0..10 {
        credentials.current().await.unwrap_err();
        world.advance(61 * SECOND);
    }
    assert_eq!((source.runs(), log.warnings()), (20, 1), "still no credential");

    source.play([Act::token()]);
    credentials.current().await.unwrap();
    assert_eq!(log.warnings(), 1, "the recovery is not a warning");
    drop(guard);
}

#[tokio::test]
async fn refreshes_that_bring_the_same_credential_are_spaced() {
    let world = SimulatedHost::new();
    let end = world.host().now().wall + Duration::from_secs(3600);
    let cached = Credential::bearer("cached".into())
        .unwrap()
        .with_expiry(Some(end));
    let source = FaultySource::playing([Act::returns(cached)]);
    let credentials = live(&world, &source);
    let mut times = Vec::new();
    for tenth in 0..36_000_u32 {
        let runs = source.runs();
        assert!(is_ready(credentials.current()) || tenth == 0);
        settle_a_little().await;
        if source.runs() > runs {
            times.push(tenth / 10);
        }
        world.advance(SECOND / 10);
    }
    assert!(times.len() <= 6, "a plugin with a cache was run at {times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 10), "{times:?}");
}

async fn settle_a_little() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}
