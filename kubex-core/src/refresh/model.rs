//! Model check of the shared state with `shuttle`: the rules hold for every order of its steps.
//!
//! The source of `shared_state.rs` is compiled a second time, with locks that let another task run at every use. Up to
//! three tasks request, reject and give up while fetches complete beside them, on one runtime or on two of which one
//! stops. Shuttle tries thousands of schedules (exhaustive, random, and by changes of priority) and fails if tasks wait for ever. The tasks take the same steps as
//! `mod.rs` and `fetch_task.rs`, without a runtime, a clock or a source.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use shuttle::{check_dfs, check_pct, check_random};

use super::policy;
use crate::credential::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::faults::give_up_after;
use crate::host::Moment;
use crate::refresh::FetchReason;

#[allow(dead_code, clippy::duplicate_mod)]
#[path = "shared_state.rs"]
mod shared_state;

/// Replaces `sync.rs` with primitives that switch tasks at each use.
mod sync {
    use std::sync::Arc;

    pub(super) use shuttle::sync::Mutex;
    use shuttle::sync::atomic::{AtomicBool, Ordering};

    pub(super) struct ChangeSender<T>(tokio::sync::watch::Sender<T>, AtomicBool);

    impl<T> ChangeSender<T> {
        pub(super) fn new(first: T) -> Self {
            Self(tokio::sync::watch::Sender::new(first), AtomicBool::new(false))
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

    fn with_fetch_details(self, generation: Generation, expired_on_arrival: bool, _: &Arc<str>) -> Self {
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
        let expired = Error::new(ErrorKind::Expired, "expired on arrival");
        let finished = self
            .shared
            .complete(fetch.number, fetched, expired, &Arc::from(""), self.now(), 0);
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

#[test]
fn a_cold_start_is_one_fetch() {
    check_dfs(
        || {
            let world = World::with_script([Fetch::New(None)]);
            let tasks = (0..2)
                .map(|_| task(Arc::clone(&world).use_token(1, false)))
                .collect();
            run(tasks);
            assert_eq!(world.fetches(), 1);
            world.assert_settled();
        },
        Some(SCHEDULES),
    );
    many_schedules(|| {
        let world = World::with_script([Fetch::New(None)]);
        let tasks = (0..3)
            .map(|_| task(Arc::clone(&world).use_token(2, false)))
            .collect();
        run(tasks);
        assert_eq!(world.fetches(), 1);
        world.assert_settled();
    });
}

#[test]
fn any_number_of_rejections_is_one_fetch_in_ten_seconds() {
    many_schedules(|| {
        let world = World::with_script([Fetch::New(None)]);
        let tasks = (0..3)
            .map(|_| task(Arc::clone(&world).use_token(3, true)))
            .collect();
        run(tasks);
        assert_eq!(world.fetches_because(FetchReason::First), 1);
        assert!(
            world.fetches_because(FetchReason::Rejected) <= 1,
            "more than one fetch for rejections"
        );
        assert_eq!(world.fetches(), 2);
        world.assert_settled();
    });
}

#[test]
fn a_rejection_is_never_forgotten() {
    many_schedules(|| {
        let world = World::with_script([Fetch::New(Some(100)), Fetch::First, Fetch::New(None)]);
        let first = shuttle::future::block_on(world.current()).unwrap().generation;
        world.seconds.store(90, Ordering::SeqCst);
        let rejector = {
            let world = Arc::clone(&world);
            task(async move {
                world.shared.reject(first);
            })
        };
        run(vec![
            task(Arc::clone(&world).use_token(1, false)),
            rejector,
            task(Arc::clone(&world).use_token(1, false)),
        ]);
        let last = shuttle::future::block_on(world.current()).unwrap();
        // Whether the rejection came before, during or after the refresh: either it caused a fetch, or the refresh
        // returned a different token.
        assert!(
            world.fetches_because(FetchReason::Rejected) == 1 || last.generation > first,
            "the rejected token is still served"
        );
        world.assert_settled();
    });
}

#[test]
fn expiry_failures_and_late_tokens_leave_no_caller_waiting() {
    many_schedules(|| {
        let world = World::with_script([
            Fetch::New(Some(20)),
            Fetch::Fails,
            Fetch::New(Some(0)),
            Fetch::New(Some(20)),
        ]);
        let clock = {
            let world = Arc::clone(&world);
            task(async move {
                for _ in 0..8 {
                    world.seconds.fetch_add(4, Ordering::SeqCst);
                    shuttle::future::yield_now().await;
                }
            })
        };
        run(vec![
            task(Arc::clone(&world).use_token(4, false)),
            task(Arc::clone(&world).use_token(4, true)),
            clock,
        ]);
        world.assert_settled();
    });
}

#[test]
fn a_caller_that_gives_up_does_not_cancel_the_fetch() {
    many_schedules(|| {
        let world = World::with_script([Fetch::New(None)]);
        let mut tasks = Vec::new();
        for polls in 0..2 {
            let world = Arc::clone(&world);
            tasks.push(task(async move { give_up_after(polls, world.current()).await }));
        }
        tasks.push(task(Arc::clone(&world).use_token(1, false)));
        run(tasks);
        assert_eq!(world.fetches(), 1);
        world.assert_settled();
    });
}

#[test]
fn subscribers_are_notified_of_the_newest_generation_and_never_of_an_older_one() {
    many_schedules(|| {
        let world = Arc::new(World {
            completes_late: true,
            ..World::new([Fetch::New(Some(2))])
        });
        let tasks = (0..3).map(|_| {
            let world = Arc::clone(&world);
            task(async move {
                for _ in 0..3 {
                    world.seconds.fetch_add(2, Ordering::SeqCst);
                    Arc::clone(&world).use_token(1, false).await;
                }
            })
        });
        run(tasks.collect());
        world.assert_settled();
    });
}

#[test]
fn a_runtime_that_stops_holds_up_no_caller_on_another_one() {
    many_schedules(|| {
        let world = World::with_stopping_runtime([Fetch::New(Some(1_000_000))]);
        let served = Arc::new(AtomicUsize::new(0));
        let first = {
            let world = Arc::clone(&world);
            task(async move { drop(world.current_on(Runtime::Stopping).await) })
        };
        let others = (0..2).map(|_| {
            let (world, served) = (Arc::clone(&world), Arc::clone(&served));
            task(async move {
                let token = world.current_on(Runtime::Running).await.unwrap();
                assert!(
                    token.expires_at.unwrap() > world.now().wall,
                    "an expired token was served"
                );
                let again = world.current_on(Runtime::Running).await.unwrap();
                assert!(again.generation >= token.generation, "an older token came back");
                served.fetch_add(1, Ordering::SeqCst);
            })
        });
        let mut tasks: Vec<_> = others.collect();
        let clock = {
            let (world, served) = (Arc::clone(&world), Arc::clone(&served));
            task(async move {
                world.stands_still.store(true, Ordering::SeqCst);
                // Both are served, however long the first runtime is blocked.
                while served.load(Ordering::SeqCst) < 2 {
                    world.seconds.fetch_add(10, Ordering::SeqCst);
                    shuttle::future::yield_now().await;
                }
            })
        };
        tasks.push(clock);
        run(tasks);
        assert_eq!(served.load(Ordering::SeqCst), 2);
        let held = world.shared.held().unwrap().generation;

        // When the runtime goes on, its late result displaces nothing.
        world.stands_still.store(false, Ordering::SeqCst);
        run(vec![first]);
        world.assert_settled();
        assert_eq!(
            world.shared.held().unwrap().generation,
            held,
            "a late result was used"
        );
    });
}

#[test]
fn a_caller_with_an_expired_token_takes_over_from_a_runtime_that_stopped() {
    many_schedules(|| {
        let world = World::with_stopping_runtime([Fetch::New(Some(5)), Fetch::New(None)]);
        shuttle::future::block_on(world.current()).unwrap();
        world.seconds.store(6, Ordering::SeqCst);
        world.stands_still.store(true, Ordering::SeqCst);
        // It asks and stops before its fetch begins.
        let Access::Wait(_) = world.request(Runtime::Stopping) else {
            panic!("there is nothing valid to serve");
        };
        let others = (0..2).map(|_| {
            let world = Arc::clone(&world);
            task(async move {
                assert!(
                    world
                        .current_on(Runtime::Running)
                        .await
                        .unwrap()
                        .expires_at
                        .is_none()
                );
            })
        });
        let mut tasks: Vec<_> = others.collect();
        let clock = Arc::clone(&world);
        tasks.push(task(async move {
            for _ in 0..11 {
                clock.seconds.fetch_add(10, Ordering::SeqCst);
                shuttle::future::yield_now().await;
            }
        }));
        run(tasks);
        assert_eq!(world.fetches(), 2, "one of them took over");
        world.stands_still.store(false, Ordering::SeqCst);
        world.assert_settled();
    });
}
