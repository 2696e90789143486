//! Model check of the shared state with `shuttle`: the rules hold for every order of its steps.
//!
//! The source of `shared_state.rs` is compiled a second time, with locks that let another task run at every use. Up to
//! three tasks request, reject and give up while fetches complete beside them, on one runtime or on two of which one
//! stops. Shuttle tries
//! thousands of schedules (exhaustive, random, and by changes of priority) and fails if tasks wait for ever. The tasks take
//! the same steps as `mod.rs` and `fetch_task.rs`, without a runtime, a clock or a source.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use shuttle::{check_pct, check_random};

use super::policy;
use crate::credential::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::refresh::FetchReason;

#[allow(dead_code, clippy::duplicate_mod)]
#[path = "shared_state.rs"]
mod shared_state;

mod one_runtime;
mod stopping_runtime;

/// Replaces `sync.rs` with primitives that switch tasks at each use.
mod sync {
    use std::sync::Arc;

    pub(super) use shuttle::sync::Mutex;
    use shuttle::sync::atomic::{AtomicBool, Ordering};

    pub(super) struct ChangeSender<T>(tokio::sync::watch::Sender<T>, Arc<AtomicBool>);

    impl<T> Clone for ChangeSender<T> {
        fn clone(&self) -> Self {
            Self(self.0.clone(), Arc::clone(&self.1))
        }
    }

    impl<T> ChangeSender<T> {
        pub(super) fn new(first: T) -> Self {
            Self(tokio::sync::watch::Sender::new(first), Arc::default())
        }

        pub(super) fn subscribe(&self) -> tokio::sync::watch::Receiver<T> {
            self.0.subscribe()
        }

        pub(super) fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) {
            // Delays the first caller, so that a later one may overtake it.
            if !self.1.swap(true, Ordering::SeqCst) {
                for _ in 0..10 {
                    shuttle::thread::yield_now();
                }
            }
            self.0.send_if_modified(modify);
        }
    }

    pub(super) struct Slot<T>(Mutex<Option<Arc<T>>>);

    impl<T> Slot<T> {
        pub(super) fn empty() -> Self {
            Self(Mutex::new(None))
        }

        pub(super) fn load(&self) -> Option<Arc<T>> {
            self.0.lock().unwrap().clone()
        }

        pub(super) fn store(&self, value: Option<Arc<T>>) {
            *self.0.lock().unwrap() = value;
        }
    }
}

use shared_state::{Access, NewFetch, Pending, Refreshable, Response, SharedState};

#[derive(Clone)]
struct Token {
    number: usize,
    expires_at: Option<SystemTime>,
    generation: Generation,
    expired_on_arrival: bool,
}

impl Refreshable for Token {
    fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    fn renew_by(&self) -> Option<SystemTime> {
        None
    }

    fn revalidate_after(&self) -> Option<Duration> {
        None
    }

    fn is_same(&self, other: &Self) -> bool {
        self.number == other.number
    }

    fn generation(&self) -> Generation {
        self.generation
    }

    fn with_fetch_details(self, generation: Generation, expired_on_arrival: bool) -> Self {
        Self {
            generation,
            expired_on_arrival,
            ..self
        }
    }
}

/// The result of one fetch.
#[derive(Clone, Copy)]
enum Fetch {
    /// A new token that is valid for this many seconds, or for ever.
    New(Option<u64>),
    /// The token of the first fetch.
    First,
    Fails,
}

/// The runtime that a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runtime {
    Running,
    /// It is blocked at some moment, and may continue much later.
    Stopping,
}

/// The time limit of a fetch, longer than any model lasts whose runtimes all run.
const LIMIT: Duration = Duration::from_secs(100);

struct World {
    shared: SharedState<Token>,
    seconds: AtomicU64,
    in_flight: AtomicUsize,
    tasks: shuttle::sync::Mutex<Vec<shuttle::future::JoinHandle<()>>>,
    reasons: shuttle::sync::Mutex<Vec<FetchReason>>,
    script: Vec<Fetch>,
    /// Whether there is a runtime that stops. Callers then look at the clock while they wait.
    may_stop: bool,
    /// Whether the runtime [`Runtime::Stopping`] is blocked: none of its tasks runs.
    stands_still: AtomicBool,
    /// Whether a token may expire between the reading of the clock and the end of the fetch.
    completes_late: bool,
}

impl World {
    fn with_script(script: impl Into<Vec<Fetch>>) -> Arc<Self> {
        Arc::new(Self::new(script))
    }

    fn with_stopping_runtime(script: impl Into<Vec<Fetch>>) -> Arc<Self> {
        Arc::new(Self {
            may_stop: true,
            ..Self::new(script)
        })
    }

    fn new(script: impl Into<Vec<Fetch>>) -> Self {
        Self {
            shared: SharedState::new(policy::RejectionLimit::default()),
            seconds: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            tasks: shuttle::sync::Mutex::new(Vec::new()),
            reasons: shuttle::sync::Mutex::new(Vec::new()),
            script: script.into(),
            may_stop: false,
            stands_still: AtomicBool::new(false),
            completes_late: false,
        }
    }

    fn now(&self) -> Moment {
        let span = Duration::from_secs(self.seconds.load(Ordering::SeqCst));
        Moment {
            wall: SystemTime::UNIX_EPOCH + span,
            monotonic: span,
        }
    }

    fn fetches(&self) -> usize {
        self.reasons.lock().unwrap().len()
    }

    fn fetches_because(&self, reason: FetchReason) -> usize {
        let reasons = self.reasons.lock().unwrap();
        reasons.iter().filter(|other| **other == reason).count()
    }

    /// What `RefreshCell::current` does.
    async fn current(self: &Arc<Self>) -> Result<Arc<Token>> {
        self.current_on(Runtime::Running).await
    }

    async fn current_on(self: &Arc<Self>, runtime: Runtime) -> Result<Arc<Token>> {
        if let Some(token) = self.shared.fresh(self.now().into(), Arc::clone) {
            return Ok(token);
        }
        let mut was_rejected = false;
        loop {
            self.stop_with(runtime).await;
            let pending = match self.request(runtime) {
                Access::Ready(result) => return result,
                Access::Wait(pending) => pending,
            };
            match self.wait(pending, runtime).await {
                Some(Ok(token)) if !was_rejected && self.shared.is_rejected(token.generation) => {
                    was_rejected = true;
                }
                Some(result) => return result,
                None => {}
            }
        }
    }

    fn request(self: &Arc<Self>, runtime: Runtime) -> Access<Token> {
        let Response { access, fetch, .. } = self.shared.request(self.now(), LIMIT);
        if let Some(fetch) = fetch {
            let world = Arc::clone(self);
            let task = shuttle::future::spawn(async move { world.fetch(fetch, runtime).await });
            self.tasks.lock().unwrap().push(task);
        }
        access
    }

    /// `None` if the fetch is lost.
    async fn wait(&self, pending: Pending<Token>, runtime: Runtime) -> Option<Result<Arc<Token>>> {
        let mut result = pending.result;
        if !self.may_stop {
            let ended = result.wait_for(Option::is_some).await;
            let ended = ended.expect("a fetch ended without a result").clone().unwrap();
            return Some(self.or_held_if_valid(ended));
        }
        loop {
            // A clock that stands still with its runtime ends no wait.
            self.stop_with(runtime).await;
            if let Some(ended) = result.borrow_and_update().clone() {
                return Some(self.or_held_if_valid(ended));
            }
            if self.now().monotonic >= pending.lost_at {
                return None;
            }
            shuttle::future::yield_now().await;
        }
    }

    fn or_held_if_valid(&self, result: Result<Arc<Token>>) -> Result<Arc<Token>> {
        result.or_else(|error| self.shared.valid_or_last_error(self.now()).or(Err(error)))
    }

    fn has_stopped(&self, runtime: Runtime) -> bool {
        runtime == Runtime::Stopping && self.stands_still.load(Ordering::SeqCst)
    }

    /// Stands still for as long as the runtime does.
    async fn stop_with(&self, runtime: Runtime) {
        while self.has_stopped(runtime) {
            shuttle::future::yield_now().await;
        }
    }

    /// What `FetchTask` does.
    async fn fetch(&self, fetch: NewFetch<Token>, runtime: Runtime) {
        self.stop_with(runtime).await;
        if runtime == Runtime::Running {
            assert_eq!(
                self.in_flight.fetch_add(1, Ordering::SeqCst),
                0,
                "two fetches at once"
            );
        }
        let run = {
            let mut reasons = self.reasons.lock().unwrap();
            reasons.push(fetch.reason);
            reasons.len() - 1
        };
        let now = self.now();
        let token = |number, lifetime: Option<u64>| Token {
            number,
            expires_at: lifetime.map(|seconds| now.wall + Duration::from_secs(seconds)),
            generation: Generation::default(),
            expired_on_arrival: false,
        };
        let fetched = match self.script[run.min(self.script.len() - 1)] {
            Fetch::New(lifetime) => Ok(token(run, lifetime)),
            Fetch::First => Ok(token(0, None)),
            Fetch::Fails => Err(Error::new(ErrorKind::Unavailable, "the fetch fails")),
        };
        if runtime == Runtime::Running {
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
        }
        self.stop_with(runtime).await;
        let expired = || Error::new(ErrorKind::Expired, "expired on arrival");
        let finished = self
            .shared
            .complete(fetch.number, fetched, expired, self.now(), 0);
        if let Some(finished) = finished {
            fetch.sender.send_replace(Some(finished.result));
        }
    }

    /// Requests the token this many times, optionally rejects it, and checks that generations never go backwards.
    async fn use_token(self: Arc<Self>, times: usize, rejects: bool) {
        let changes = self.shared.changes();
        let (mut newest_used, mut newest_announced) = (Generation::default(), Generation::default());
        for _ in 0..times {
            let requested_at = self.now();
            if let Ok(token) = self.current().await {
                assert!(
                    token.expired_on_arrival
                        || token.expires_at.is_none_or(|end| end > requested_at.wall)
                        || self.completes_late,
                    "an expired token was served"
                );
                if !token.expired_on_arrival {
                    assert!(token.generation >= newest_used, "an older token came back");
                    newest_used = token.generation;
                }
                if rejects {
                    self.shared.reject(token.generation);
                }
            }
            let announced = *changes.borrow();
            assert!(
                announced >= newest_announced,
                "subscribers were notified of an older generation"
            );
            newest_announced = announced;
        }
    }

    /// At the end: every fetch has ended, and subscribers know the generation of the held token.
    fn assert_settled(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap());
        run(tasks);
        if let Some(token) = self.shared.held() {
            assert_eq!(*self.shared.changes().borrow(), token.generation);
        }
    }
}

/// Runs these tasks to their end.
fn run(tasks: Vec<shuttle::future::JoinHandle<()>>) {
    shuttle::future::block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

fn task(future: impl Future<Output = ()> + Send + 'static) -> shuttle::future::JoinHandle<()> {
    shuttle::future::spawn(future)
}

const SCHEDULES: usize = 1000;

fn many_schedules(check: fn()) {
    check_random(check, SCHEDULES);
    check_pct(check, SCHEDULES, 3);
}
