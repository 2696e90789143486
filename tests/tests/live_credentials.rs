//! What a live handle promises, on the simulated clock: no real sleep, no real process.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::host::SimulatedHost;
use kubex_core::{
    Cluster, Credential, CredentialSource, Credentials, Error, ErrorKind, ExposeSecret, FetchReason,
    FetchRequest, Result, ServerUrl,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Gives `token-1`, `token-2`, ... of the lifetime it was told, or fails while it is told to.
#[derive(Debug, Default)]
struct Issuer {
    lifetime: Option<Duration>,
    takes_seconds: AtomicU64,
    issued: AtomicUsize,
    is_broken: AtomicBool,
    panics: AtomicBool,
}

impl Issuer {
    fn issued(&self) -> usize {
        self.issued.load(Ordering::SeqCst)
    }

    fn breaks(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }
}

#[async_trait]
impl CredentialSource for Issuer {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(!self.panics.load(Ordering::SeqCst), "a bug in a provider");
        let takes = SECOND * u32::try_from(self.takes_seconds.load(Ordering::SeqCst)).unwrap();
        if !takes.is_zero() {
            request.host.clock().sleep(takes).await;
        }
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the issuer is away"));
        }
        let expires_at = self.lifetime.map(|lifetime| request.host.now().wall + lifetime);
        Ok(Credential::bearer(format!("token-{number}").into())?.with_expiry(expires_at))
    }

    fn describe(&self) -> String {
        "an issuer".into()
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(30)
    }
}

fn live(world: &SimulatedHost, issuer: &Arc<Issuer>) -> Credentials {
    let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    Credentials::live(issuer.clone(), Arc::new(cluster), world.host())
}

async fn token(credentials: &Credentials) -> String {
    credentials
        .current()
        .await
        .unwrap()
        .token()
        .unwrap()
        .expose_secret()
        .to_owned()
}

/// Lets the tasks of the current-thread runtime run until they wait for something.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Whether the future is ready at the first look.
fn is_ready<T>(future: impl Future<Output = T>) -> bool {
    pin!(future)
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[tokio::test]
async fn a_thousand_callers_of_an_expired_credential_cause_one_fetch() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer {
        lifetime: Some(100 * SECOND),
        takes_seconds: 1.into(),
        ..Issuer::default()
    });
    let credentials = live(&world, &issuer);
    let first = tokio::spawn({
        let credentials = credentials.clone();
        async move { token(&credentials).await }
    });
    settle().await;
    world.advance(SECOND);
    assert_eq!(first.await.unwrap(), "token-1");

    world.advance(200 * SECOND);
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let credentials = credentials.clone();
            tokio::spawn(async move { token(&credentials).await })
        })
        .collect();
    settle().await;
    world.advance(SECOND);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "token-2");
    }
    assert_eq!(issuer.issued(), 2);
}

#[tokio::test]
async fn no_caller_waits_for_a_refresh_that_hangs_while_the_old_credential_is_valid() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer {
        lifetime: Some(100 * SECOND),
        ..Issuer::default()
    });
    let credentials = live(&world, &issuer);
    assert_eq!(token(&credentials).await, "token-1");

    issuer.takes_seconds.store(3600, Ordering::SeqCst);
    world.advance(85 * SECOND);
    for _ in 0..1000 {
        assert!(is_ready(credentials.current()));
    }
    settle().await;
    assert_eq!(issuer.issued(), 2, "the refresh is under way");
    world.advance(10 * SECOND);
    for _ in 0..1000 {
        assert!(is_ready(credentials.current()));
    }

    // Once the old one has expired they wait, and the flight ends by its own deadline.
    let waiting = tokio::spawn(async move { credentials.current().await.map(drop) });
    world.advance(6 * SECOND);
    settle().await;
    world.advance(30 * SECOND);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(issuer.issued(), 2);
}

#[tokio::test]
async fn a_failing_refresh_serves_the_old_credential_and_recovers_within_one_back_off() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer {
        lifetime: Some(100 * SECOND),
        ..Issuer::default()
    });
    let credentials = live(&world, &issuer);
    assert_eq!(token(&credentials).await, "token-1");

    issuer.breaks(true);
    world.advance(85 * SECOND);
    for _ in 0..10 {
        assert_eq!(token(&credentials).await, "token-1");
        settle().await;
    }
    assert_eq!(issuer.issued(), 2, "one try, then the back-off");

    world.advance(15 * SECOND);
    let error = credentials.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let tries = issuer.issued();
    for _ in 0..1000 {
        assert_eq!(
            credentials.current().await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
    assert_eq!(
        issuer.issued(),
        tries,
        "callers within the back-off get the error at once"
    );

    issuer.breaks(false);
    world.advance(4 * SECOND);
    assert!(token(&credentials).await.starts_with("token-"));
}

#[tokio::test]
async fn a_thousand_rejections_of_one_generation_cause_one_fetch() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer::default());
    let credentials = live(&world, &issuer);
    let first = credentials.current().await.unwrap();
    for _ in 0..1000 {
        credentials.invalidate(first.generation());
        credentials.current().await.unwrap();
    }
    assert_eq!(issuer.issued(), 2);

    // A server that rejects whatever it is given gets a new credential every 10 s at most.
    let mut rejected = 0;
    for _ in 0..600 {
        let credential = credentials.current().await.unwrap();
        credentials.invalidate(credential.generation());
        rejected += 1;
        world.advance(Duration::from_millis(100));
    }
    assert_eq!(rejected, 600);
    assert!(
        (7..=9).contains(&issuer.issued()),
        "60 s of rejections took {} fetches",
        issuer.issued()
    );
}

#[tokio::test]
async fn the_reason_of_a_fetch_is_reported() {
    #[derive(Debug, Default)]
    struct Listener(std::sync::Mutex<Vec<FetchReason>>);

    #[async_trait]
    impl CredentialSource for Listener {
        async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
            self.0.lock().unwrap().push(request.reason);
            Ok(Credential::bearer("t".into())?.with_expiry(Some(request.host.now().wall + 60 * SECOND)))
        }

        fn describe(&self) -> String {
            "a listener".into()
        }
    }

    let world = SimulatedHost::new();
    let listener = Arc::new(Listener::default());
    let cluster = Arc::new(Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap()));
    let credentials = Credentials::live(listener.clone(), cluster, world.host());
    let first = credentials.current().await.unwrap();
    credentials.invalidate(first.generation());
    credentials.current().await.unwrap();
    world.advance(120 * SECOND);
    credentials.current().await.unwrap();
    assert_eq!(
        *listener.0.lock().unwrap(),
        [FetchReason::First, FetchReason::Rejected, FetchReason::Expiring]
    );
}

#[tokio::test]
async fn a_clock_that_is_set_or_a_laptop_that_slept_never_yields_an_expired_credential() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer {
        lifetime: Some(900 * SECOND),
        ..Issuer::default()
    });
    let credentials = live(&world, &issuer);
    assert_eq!(token(&credentials).await, "token-1");

    // Twelve hours of sleep: only the wall clock moved.
    world.set_wall_clock(world.host().now().wall + 12 * HOUR);
    assert_eq!(token(&credentials).await, "token-2");

    // The clock is set back by an hour: only the monotonic one tells the age.
    world.set_wall_clock(world.host().now().wall - HOUR);
    assert_eq!(token(&credentials).await, "token-2");
    world.advance(901 * SECOND);
    assert_eq!(token(&credentials).await, "token-3");
    assert_eq!(issuer.issued(), 3);
}

#[tokio::test]
async fn a_caller_that_is_dropped_does_not_affect_the_others() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer {
        takes_seconds: 1.into(),
        ..Issuer::default()
    });
    let credentials = live(&world, &issuer);
    for _ in 0..100 {
        let waiting = tokio::spawn({
            let credentials = credentials.clone();
            async move { credentials.current().await.map(drop) }
        });
        settle().await;
        waiting.abort();
    }
    let patient = tokio::spawn({
        let credentials = credentials.clone();
        async move { token(&credentials).await }
    });
    settle().await;
    world.advance(SECOND);
    assert_eq!(patient.await.unwrap(), "token-1");
    assert_eq!(issuer.issued(), 1);
}

#[test]
fn a_runtime_that_is_shut_down_in_mid_flight_leaves_the_handle_usable() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer {
        takes_seconds: 1.into(),
        ..Issuer::default()
    });
    let credentials = live(&world, &issuer);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        drop(tokio::spawn({
            let credentials = credentials.clone();
            async move { credentials.current().await.map(drop) }
        }));
        settle().await;
    });
    drop(runtime);

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let waiting = tokio::spawn(async move { token(&credentials).await });
        settle().await;
        world.advance(SECOND);
        assert_eq!(waiting.await.unwrap(), "token-2");
    });
}

/// Looks for the answer for two seconds at the most; a runtime takes a moment to be gone.
fn answer_without_runtime<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..2000 {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("there was no answer in two seconds");
}

#[test]
fn asking_in_a_runtime_that_is_gone_is_an_error_and_not_a_deadlock() {
    let world = SimulatedHost::new();
    let credentials = live(&world, &Arc::new(Issuer::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let entered = handle.enter();
    assert_eq!(
        answer_without_runtime(credentials.current()).unwrap_err().kind(),
        ErrorKind::Aborted
    );
    drop(entered);

    // Outside of any runtime.
    let error = answer_without_runtime(credentials.current()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoRuntime);
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[tokio::test]
async fn a_source_that_panics_is_an_error_and_the_handle_stays_usable() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer::default());
    issuer.panics.store(true, Ordering::SeqCst);
    let credentials = live(&world, &issuer);
    assert_eq!(
        credentials.current().await.unwrap_err().kind(),
        ErrorKind::Aborted
    );
    issuer.panics.store(false, Ordering::SeqCst);
    world.advance(SECOND);
    assert_eq!(token(&credentials).await, "token-2");
}

#[tokio::test]
async fn subscribers_learn_of_each_new_generation() {
    let world = SimulatedHost::new();
    let issuer = Arc::new(Issuer {
        lifetime: Some(100 * SECOND),
        ..Issuer::default()
    });
    let credentials = live(&world, &issuer);
    let mut changes = credentials.changes();
    assert!(!is_ready(changes.next()));
    credentials.current().await.unwrap();
    assert_eq!(changes.next().await.number(), 1);
    world.advance(101 * SECOND);
    credentials.current().await.unwrap();
    assert_eq!(changes.next().await.number(), 2);
}

#[tokio::test]
async fn a_fixed_credential_needs_no_clock_and_no_runtime_task() {
    let credentials = Credentials::fixed(Credential::bearer("t".into()).unwrap());
    assert!(is_ready(credentials.current()));
    assert!(credentials.is_fixed());
}
