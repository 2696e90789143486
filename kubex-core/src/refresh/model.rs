//! The board under every order of its steps: a model check with `shuttle`.
//!
//! The very source of `shared.rs` is compiled here once more, over locks that let another task run wherever one
//! could. Up to three tasks ask, reject and give up, while fetches land beside them; shuttle tries thousands of
//! orders (one after the other, by chance, and by changes of priority) and fails when tasks wait for ever. The driver is played in small: it is
//! the same steps as in `mod.rs` and `flight.rs`, without a runtime, a clock or a source.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use shuttle::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use shuttle::{check_dfs, check_pct, check_random};
use tokio::sync::watch;

use super::policy;
use crate::credential::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Moment;
use crate::refresh::FetchReason;

#[allow(dead_code, clippy::duplicate_mod)]
#[path = "shared_state.rs"]
mod shared_state;

/// What `sync.rs` is for the real shared, with a switch of tasks at each use.
mod sync {
    use std::sync::Arc;

    pub(super) use shuttle::sync::Mutex;
    use shuttle::sync::atomic::{AtomicBool, Ordering};

    pub(super) struct Announcements<T>(tokio::sync::watch::Sender<T>, AtomicBool);

    impl<T> Announcements<T> {
        pub(super) fn new(first: T) -> Self {
            Self(tokio::sync::watch::Sender::new(first), AtomicBool::new(false))
        }

        pub(super) fn subscribe(&self) -> tokio::sync::watch::Receiver<T> {
            self.0.subscribe()
        }

        pub(super) fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) {
            // The first to come here may be the last to go on.
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

use shared_state::{Answer, Asked, FetchResult, Item, SharedState};

#[derive(Clone)]
struct Token {
    number: usize,
    expires_at: Option<Timestamp>,
    generation: Generation,
    expired_on_arrival: bool,
}

impl Item for Token {
    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
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

    fn numbered(self, generation: Generation, expired_on_arrival: bool, _: &Arc<str>) -> Self {
        Self {
            generation,
            expired_on_arrival,
            ..self
        }
    }
}

/// What one fetch brings.
#[derive(Clone, Copy)]
enum Brings {
    /// Another token, that lives for so many seconds or for ever.
    New(Option<u64>),
    /// The token of the first fetch.
    TheFirst,
    Nothing,
}

struct World {
    shared: SharedState<Token>,
    seconds: AtomicU64,
    in_flight: AtomicUsize,
    pilots: shuttle::sync::Mutex<Vec<shuttle::future::JoinHandle<()>>>,
    reasons: shuttle::sync::Mutex<Vec<FetchReason>>,
    script: Vec<Brings>,
    /// Whether a token may expire between the look at the clock and the landing.
    is_slow_to_land: bool,
}

impl World {
    fn playing(script: impl Into<Vec<Brings>>) -> Arc<Self> {
        Arc::new(Self::new(script))
    }

    fn new(script: impl Into<Vec<Brings>>) -> Self {
        Self {
            shared: SharedState::new(),
            seconds: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            pilots: shuttle::sync::Mutex::new(Vec::new()),
            reasons: shuttle::sync::Mutex::new(Vec::new()),
            script: script.into(),
            is_slow_to_land: false,
        }
    }

    fn now(&self) -> Moment {
        let span = Duration::from_secs(self.seconds.load(Ordering::SeqCst));
        Moment {
            wall: Timestamp::UNIX_EPOCH + span,
            monotonic: span,
        }
    }

    fn fetches(&self) -> usize {
        self.reasons.lock().unwrap().len()
    }

    fn fetches_because(&self, reason: FetchReason) -> usize {
        let reasons = self.reasons.lock().unwrap();
        reasons.iter().filter(|why| **why == reason).count()
    }

    /// What `RefreshCell::current` does.
    async fn current(self: &Arc<Self>) -> Result<Arc<Token>> {
        if let Some(token) = self.shared.peek(self.now()) {
            return Ok(token);
        }
        let fetched = match self.ask() {
            Answer::Ready(answer) => return answer,
            Answer::Wait(flight, _) => self.wait(flight).await,
        };
        match &fetched {
            Ok(token) if self.shared.is_rejected(token.generation) => match self.ask() {
                Answer::Ready(answer) => answer,
                Answer::Wait(flight, _) => self.wait(flight).await,
            },
            _ => fetched,
        }
    }

    fn ask(self: &Arc<Self>) -> Answer<Token> {
        let Asked { answer, take_off } = self.shared.ask(self.now());
        if let Some((why, sender)) = take_off {
            let world = Arc::clone(self);
            let pilot = shuttle::future::spawn(async move { world.fly(why, &sender) });
            self.pilots.lock().unwrap().push(pilot);
        }
        answer
    }

    async fn wait(&self, mut flight: watch::Receiver<FetchResult<Token>>) -> Result<Arc<Token>> {
        let landed = flight.wait_for(Option::is_some).await;
        let landing = landed.expect("a flight ended without an answer").clone().unwrap();
        landing.or_else(|error| self.shared.served(self.now()).or(Err(error)))
    }

    /// What a pilot does.
    fn fly(&self, why: FetchReason, sender: &watch::Sender<FetchResult<Token>>) {
        assert_eq!(
            self.in_flight.fetch_add(1, Ordering::SeqCst),
            0,
            "two fetches at once"
        );
        let run = {
            let mut reasons = self.reasons.lock().unwrap();
            reasons.push(why);
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
            Brings::New(lifetime) => Ok(token(run, lifetime)),
            Brings::TheFirst => Ok(token(0, None)),
            Brings::Nothing => Err(Error::new(ErrorKind::Unavailable, "nothing")),
        };
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        let late = Error::new(ErrorKind::Expired, "late");
        let landed = self.shared.land(fetched, late, &Arc::from(""), self.now(), 0);
        sender.send_replace(Some(landed.landing));
    }

    /// Asks so many times, rejecting what it gets, and watches that nothing goes backwards.
    async fn use_it(self: Arc<Self>, times: usize, rejects: bool) {
        let changes = self.shared.changes();
        let (mut newest_kept, mut newest_told) = (Generation::default(), Generation::default());
        for _ in 0..times {
            let asked_at = self.now();
            if let Ok(token) = self.current().await {
                assert!(
                    token.expired_on_arrival
                        || token.expires_at.is_none_or(|end| end > asked_at.wall)
                        || self.is_slow_to_land,
                    "an expired token was served"
                );
                if !token.expired_on_arrival {
                    assert!(token.generation >= newest_kept, "an older token came back");
                    newest_kept = token.generation;
                }
                if rejects {
                    self.shared.reject(token.generation);
                }
            }
            let told = *changes.borrow();
            assert!(
                told >= newest_told,
                "subscribers were told of an older generation"
            );
            newest_told = told;
        }
    }

    /// When all is done: who subscribes knows of what is held, and nobody is left behind.
    fn assert_settled(&self) {
        let pilots = std::mem::take(&mut *self.pilots.lock().unwrap());
        run(pilots);
        if let Some(token) = self.shared.last() {
            assert_eq!(*self.shared.changes().borrow(), token.generation);
        }
    }
}

/// Runs these tasks to their end, then lets those in the background end too.
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

/// Looks at a future so many times, then drops it.
async fn give_up_after(looks: usize, future: impl Future) {
    let mut future = pin!(future);
    let mut left = looks;
    std::future::poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

const ORDERS: usize = 1000;

fn many_orders(check: fn()) {
    check_random(check, ORDERS);
    check_pct(check, ORDERS, 3);
}

#[test]
fn a_cold_start_is_one_fetch() {
    check_dfs(
        || {
            let world = World::playing([Brings::New(None)]);
            let tasks = (0..2)
                .map(|_| task(Arc::clone(&world).use_it(1, false)))
                .collect();
            run(tasks);
            assert_eq!(world.fetches(), 1);
            world.assert_settled();
        },
        Some(ORDERS),
    );
    many_orders(|| {
        let world = World::playing([Brings::New(None)]);
        let tasks = (0..3)
            .map(|_| task(Arc::clone(&world).use_it(2, false)))
            .collect();
        run(tasks);
        assert_eq!(world.fetches(), 1);
        world.assert_settled();
    });
}

#[test]
fn any_number_of_rejections_is_one_fetch_in_ten_seconds() {
    many_orders(|| {
        let world = World::playing([Brings::New(None)]);
        let tasks = (0..3).map(|_| task(Arc::clone(&world).use_it(3, true))).collect();
        run(tasks);
        assert_eq!(world.fetches_because(FetchReason::First), 1);
        assert!(world.fetches_because(FetchReason::Rejected) <= 1, "a storm");
        assert_eq!(world.fetches(), 2);
        world.assert_settled();
    });
}

#[test]
fn a_rejection_is_never_forgotten() {
    many_orders(|| {
        let world = World::playing([Brings::New(Some(100)), Brings::TheFirst, Brings::New(None)]);
        let first = shuttle::future::block_on(world.current()).unwrap().generation;
        world.seconds.store(90, Ordering::SeqCst);
        let rejector = {
            let world = Arc::clone(&world);
            task(async move {
                world.shared.reject(first);
            })
        };
        run(vec![
            task(Arc::clone(&world).use_it(1, false)),
            rejector,
            task(Arc::clone(&world).use_it(1, false)),
        ]);
        let last = shuttle::future::block_on(world.current()).unwrap();
        // Whether the rejection came before, in or after the refresh: somebody asked anew because of it, or the
        // refresh had brought something else.
        assert!(
            world.fetches_because(FetchReason::Rejected) == 1 || last.generation > first,
            "the rejected token is served on"
        );
        world.assert_settled();
    });
}

#[test]
fn expiry_failures_and_lateness_in_between_leave_nobody_behind() {
    many_orders(|| {
        let world = World::playing([
            Brings::New(Some(20)),
            Brings::Nothing,
            Brings::New(Some(0)),
            Brings::New(Some(20)),
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
            task(Arc::clone(&world).use_it(4, false)),
            task(Arc::clone(&world).use_it(4, true)),
            clock,
        ]);
        world.assert_settled();
    });
}

#[test]
fn who_gives_up_takes_nothing_along() {
    many_orders(|| {
        let world = World::playing([Brings::New(None)]);
        let mut tasks = Vec::new();
        for looks in 0..2 {
            let world = Arc::clone(&world);
            tasks.push(task(async move { give_up_after(looks, world.current()).await }));
        }
        tasks.push(task(Arc::clone(&world).use_it(1, false)));
        run(tasks);
        assert_eq!(world.fetches(), 1);
        world.assert_settled();
    });
}

#[test]
fn subscribers_are_told_of_each_newest_generation_and_never_of_an_older_one() {
    many_orders(|| {
        let world = Arc::new(World {
            is_slow_to_land: true,
            ..World::new([Brings::New(Some(2))])
        });
        let tasks = (0..3).map(|_| {
            let world = Arc::clone(&world);
            task(async move {
                for _ in 0..3 {
                    world.seconds.fetch_add(2, Ordering::SeqCst);
                    Arc::clone(&world).use_it(1, false).await;
                }
            })
        });
        run(tasks.collect());
        world.assert_settled();
    });
}
