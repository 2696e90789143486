//! Runtimes that stand still, are gone, or cannot do what a fetch needs: they hold up only those who ask on them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kubex::{
    CaBundle, Cluster, Credential, CredentialSource, Credentials, Error, ErrorKind, ExposeSecret,
    FetchRequest, Host, LiveTrust, Result, ServerUrl, TrustSource,
};
use kubex_tests::machine::patience;
use tokio::runtime::{Builder, Runtime};

const SECOND: Duration = Duration::from_secs(1);

/// Returns tokens after a moment, by the timers of the runtime that it runs on.
#[derive(Debug)]
struct Issuer {
    deadline: Duration,
    takes: Duration,
    lifetime: Option<Duration>,
    runs: AtomicUsize,
}

impl Issuer {
    fn new(deadline: Duration, takes: Duration) -> Self {
        Self {
            deadline,
            takes,
            lifetime: None,
            runs: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl CredentialSource for Issuer {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        request.host.clock().sleep(self.takes).await;
        let credential = Credential::bearer(format!("token-{run}").into())?;
        Ok(credential.with_expiry(self.lifetime.map(|span| request.host.now().wall + span)))
    }

    fn describe(&self) -> String {
        "an issuer".into()
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }
}

fn live(source: Arc<dyn CredentialSource>) -> Credentials {
    let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    Credentials::live(source, Arc::new(cluster), Host::real())
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Asks on a runtime that then stands still: its only thread leaves it in the middle of the fetch.
fn ask_and_stand_still<T: Send + 'static>(asking: impl Future<Output = T> + Send + 'static) -> Runtime {
    let frozen = current_thread();
    frozen.block_on(async {
        drop(tokio::spawn(asking));
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    });
    frozen
}

/// How long the call takes, and its result.
fn timed<T>(call: impl Future<Output = T>) -> (Duration, T) {
    let begun = Instant::now();
    let result = current_thread().block_on(call);
    (begun.elapsed(), result)
}

fn token(credential: &Credential) -> &str {
    credential.token().unwrap().expose_secret()
}

/// The limit of a wait: the deadline and one second, more on a machine under load.
fn limit(deadline: Duration) -> Duration {
    deadline + patience(SECOND)
}

#[test]
fn a_caller_is_served_although_the_runtime_that_fetches_stands_still_100_of_100() {
    let deadline = Duration::from_millis(500);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            std::thread::spawn(move || {
                let issuer = Arc::new(Issuer::new(deadline, Duration::from_millis(20)));
                let credentials = live(issuer.clone());
                let _frozen = ask_and_stand_still({
                    let credentials = credentials.clone();
                    async move { credentials.current().await.map(drop) }
                });
                assert_eq!(issuer.runs.load(Ordering::SeqCst), 1, "it began there");
                let (took, credential) = timed(credentials.current());
                assert_eq!(token(&credential.unwrap()), "token-1", "the caller took over");
                took
            })
        })
        .collect();
    let took: Vec<Duration> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    let slowest = took.iter().max().unwrap();
    println!("100 of 100 served, the slowest after {slowest:?}");
    assert!(*slowest < limit(deadline), "{slowest:?}");
}

#[test]
fn a_caller_is_refused_in_time_if_the_next_fetch_does_not_end_either() {
    let deadline = Duration::from_millis(300);
    let credentials = live(Arc::new(Issuer::new(deadline, 3600 * SECOND)));
    let _frozen = ask_and_stand_still({
        let credentials = credentials.clone();
        async move { credentials.current().await.map(drop) }
    });
    let (took, result) = timed(credentials.current());
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(took < limit(deadline), "{took:?}");
}

#[test]
fn an_expired_credential_is_renewed_although_the_runtime_that_renews_it_stands_still() {
    let deadline = Duration::from_millis(300);
    let issuer = Issuer {
        lifetime: Some(Duration::from_millis(400)),
        ..Issuer::new(deadline, Duration::from_millis(20))
    };
    let credentials = live(Arc::new(issuer));
    let other = current_thread();
    other.block_on(credentials.current()).unwrap();
    std::thread::sleep(Duration::from_millis(450));
    let _frozen = ask_and_stand_still({
        let credentials = credentials.clone();
        async move { credentials.current().await.map(drop) }
    });
    let begun = Instant::now();
    let credential = other.block_on(credentials.current()).unwrap();
    assert_eq!(token(&credential), "token-2");
    assert!(begun.elapsed() < limit(deadline), "{:?}", begun.elapsed());
}

#[test]
fn a_runtime_that_goes_on_later_displaces_nothing() {
    let deadline = Duration::from_millis(200);
    let credentials = live(Arc::new(Issuer::new(deadline, Duration::from_millis(20))));
    let frozen = ask_and_stand_still({
        let credentials = credentials.clone();
        async move { credentials.current().await.map(drop) }
    });
    let second = current_thread().block_on(credentials.current()).unwrap();
    frozen.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
    let held = credentials.peek().unwrap();
    assert_eq!(token(&held), token(&second));
    assert_eq!(held.generation(), second.generation());
}

#[test]
fn a_caller_takes_over_at_once_from_a_runtime_that_is_shut_down() {
    let deadline = 30 * SECOND;
    let credentials = live(Arc::new(Issuer::new(deadline, Duration::from_millis(20))));
    let frozen = ask_and_stand_still({
        let credentials = credentials.clone();
        async move { credentials.current().await.map(drop) }
    });
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn({
        let credentials = credentials.clone();
        move || sender.send(timed(credentials.current()))
    });
    std::thread::sleep(Duration::from_millis(100));
    drop(frozen);
    let (_, credential) = receiver.recv_timeout(patience(10 * SECOND)).unwrap();
    assert_eq!(token(&credential.unwrap()), "token-1");
}

/// A CA bundle that is read slowly.
#[derive(Debug)]
struct SlowBundle(AtomicUsize);

#[async_trait]
impl TrustSource for SlowBundle {
    async fn fetch(&self, host: &Host) -> Result<CaBundle> {
        self.0.fetch_add(1, Ordering::SeqCst);
        host.clock().sleep(Duration::from_millis(20)).await;
        Err(Error::new(ErrorKind::UnreadableFile, "it cannot be read"))
    }

    fn describe(&self) -> String {
        "a slow bundle".into()
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(300)
    }
}

#[test]
fn a_ca_bundle_is_read_again_although_the_runtime_that_reads_it_stands_still() {
    let source = Arc::new(SlowBundle(AtomicUsize::new(0)));
    let trust = LiveTrust::live(
        CaBundle::from_pem(CA.as_bytes()).unwrap(),
        source.clone(),
        Host::real(),
    );
    trust.invalidate(trust.try_current().generation());
    let _frozen = ask_and_stand_still({
        let trust = trust.clone();
        async move { drop(trust.current().await) }
    });
    assert_eq!(source.0.load(Ordering::SeqCst), 1);
    let (took, _) = timed(trust.current());
    assert_eq!(source.0.load(Ordering::SeqCst), 2, "the caller took over");
    assert!(took < limit(Duration::from_millis(300)), "{took:?}");
}

const CA: &str = include_str!("frozen_runtime/ca.crt");

#[test]
fn a_caller_outside_of_tokio_gets_a_typed_error_and_changes_nothing_for_the_others() {
    let issuer = Arc::new(Issuer::new(SECOND, Duration::ZERO));
    let credentials = live(issuer.clone());
    let asking = credentials.current();
    let mut asking = std::pin::pin!(asking);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = asking.as_mut().poll(&mut context) else {
        panic!("it is an error at once");
    };
    assert_eq!(error.kind(), ErrorKind::NoRuntime, "{error}");
    assert!(credentials.try_current().is_none());
    assert_eq!(issuer.runs.load(Ordering::SeqCst), 0);
    current_thread().block_on(credentials.current()).unwrap();
}

#[test]
fn a_caller_on_a_runtime_without_timers_gets_a_typed_error_and_changes_nothing_for_the_others() {
    let issuer = Arc::new(Issuer::new(SECOND, Duration::ZERO));
    let credentials = live(issuer.clone());
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .build()
            .unwrap(),
    ] {
        let error = runtime.block_on(credentials.current()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoRuntime, "{error}");
        assert!(
            error.help().is_some_and(|help| help.contains("enable_time")),
            "{error}"
        );
    }
    assert_eq!(issuer.runs.load(Ordering::SeqCst), 0);
    current_thread().block_on(credentials.current()).unwrap();
}

#[test]
fn a_runtime_whose_blocking_threads_are_all_in_use_is_an_error() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (release, released) = mpsc::channel::<()>();
    drop(runtime.spawn_blocking(move || released.recv().is_ok()));
    // A link is always followed on a blocking thread.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    std::os::unix::fs::symlink("nothing", &path).unwrap();
    let error = runtime
        .block_on(async { kubex::configure_from_kubeconfig().path(&path).await })
        .map(drop)
        .unwrap_err();
    drop(release);
    let problems: Vec<_> = error.problems().map(Error::kind).collect();
    assert!(problems.contains(&ErrorKind::RuntimeBusy), "{error}");
    assert!(error.to_string().contains("max_blocking_threads"), "{error}");
}
