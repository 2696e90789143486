//! Turns: limits how many plugins of a fleet run at the same time, and decides which one is next.
//!
//! | rule | why |
//! |---|---|
//! | at most N run at once | a thousand plugins that start together exhaust a machine and time out |
//! | first come, first served, and each cluster waits at most once | a cluster with many requests does not delay the others |
//! | a run that takes longer than 5 s while others wait is ended, and starts again as a slow one | a plugin that hangs gives its place up |
//! | the slow ones have at most half of the places; if there is only one place, they may have it | the other half is always free for the rest |
//! | a slow one that completes in less than 5 s is no longer slow | |
//! | a run that uses up a secret, such as a refresh token, is never ended, and counts as slow | the new secret would be lost |
//! | a place is given up when its time is over, whatever its runtime does | a runtime that stands still does not block the others |
//!
//! Sources that only read files take no turn.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kubex_core::{Error, ErrorKind, Host, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a run may take while others wait, before it counts as slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a fetch waits for its turn.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How often a fetch that waits looks for places whose time is over, and one that runs looks for others that wait.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The places of a fleet.
#[derive(Debug)]
pub(crate) struct Turns {
    places: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
    number: usize,
    /// The number of fetches that wait for a place and are not slow.
    waiting: AtomicUsize,
    held: Mutex<Held>,
}

/// The places that are taken, each with the end of its time.
#[derive(Debug, Default)]
struct Held {
    next: u64,
    taken: BTreeMap<u64, (Duration, Vec<OwnedSemaphorePermit>)>,
    most: usize,
}

/// A place, which is given up on drop.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    turns: &'t Turns,
    number: u64,
}

impl Turns {
    /// Permits this many plugins at the same time, and at least one.
    pub(crate) fn new(number: usize) -> Self {
        let number = number.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(number)),
            slow_places: Arc::new(Semaphore::new((number / 2).max(1))),
            number,
            waiting: AtomicUsize::new(0),
            held: Mutex::default(),
        }
    }

    /// The highest number of plugins that have run at the same time so far.
    pub(crate) fn most(&self) -> usize {
        self.held().most
    }

    pub(crate) async fn take(&self, is_slow: bool, time: Duration, host: &Host) -> Result<Turn<'_>> {
        let began = host.now().monotonic;
        let _waiting = (!is_slow).then(|| Waiting::new(&self.waiting));
        let mut wait = Box::pin(async {
            let slow = if is_slow {
                Some(Arc::clone(&self.slow_places).acquire_owned().await)
            } else {
                None
            };
            (slow, Arc::clone(&self.places).acquire_owned().await)
        });
        loop {
            // The place in the queue is kept while this loop checks for lost places.
            if let Ok((slow, place)) = host.within(LOOK_AGAIN, &mut wait).await {
                // The semaphores are never closed.
                let permits = slow.into_iter().chain([place]).flatten().collect();
                return Ok(self.hold(permits, host.now().monotonic.saturating_add(time)));
            }
            let now = host.now().monotonic;
            self.give_up_lost_places(now);
            if now.saturating_sub(began) > LONGEST_WAIT {
                let number = self.number;
                return Err(Error::new(
                    ErrorKind::TimedOut,
                    format_args!(
                        "the plugin was not started within {} s, because {number} plugins of the fleet were running, \
                         which is the limit",
                        LONGEST_WAIT.as_secs()
                    ),
                )
                .with_help("let more run at once with plugins_at_once, or use plugins that are faster"));
            }
        }
    }

    fn hold(&self, permits: Vec<OwnedSemaphorePermit>, until: Duration) -> Turn<'_> {
        let mut held = self.held();
        let number = held.next;
        held.next += 1;
        held.taken.insert(number, (until, permits));
        held.most = held.most.max(held.taken.len());
        Turn { turns: self, number }
    }

    fn give_up_lost_places(&self, now: Duration) {
        self.held().taken.retain(|_, (until, _)| now < *until);
    }

    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // No change can be left half done, so a poisoned lock is safe to use.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch that waits for a place.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn new(number: &'w AtomicUsize) -> Self {
        number.fetch_add(1, Ordering::Relaxed);
        Self(number)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.held().taken.remove(&self.number);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use async_trait::async_trait;
    use kubex_core::host::SimulatedHost;
    use kubex_core::{Cluster, Credential, CredentialSource, Credentials, FetchRequest, ServerUrl};

    use super::*;
    use crate::in_turn::InTurn;

    /// A plugin that takes this long, and counts how many run at once.
    #[derive(Debug)]
    struct Plugin {
        takes: Duration,
        running: Arc<(AtomicUsize, AtomicUsize)>,
    }

    struct Running<'r>(&'r AtomicUsize);

    impl Drop for Running<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[async_trait]
    impl CredentialSource for Plugin {
        async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
            let (now, most) = &*self.running;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _running = Running(now);
            let hangs = request
                .host
                .within(Duration::from_secs(30), request.host.clock().sleep(self.takes));
            if hangs.await.is_err() {
                return Err(Error::new(ErrorKind::TimedOut, "the plugin hangs"));
            }
            Credential::bearer("abc".into())
        }

        fn describe(&self) -> String {
            "a plugin".to_owned()
        }
    }

    pub(crate) struct Bench {
        pub(crate) world: SimulatedHost,
        pub(crate) turns: Arc<Turns>,
        running: Arc<(AtomicUsize, AtomicUsize)>,
    }

    impl Bench {
        pub(crate) fn new(places: usize) -> Self {
            Self {
                world: SimulatedHost::new(),
                turns: Arc::new(Turns::new(places)),
                running: Arc::default(),
            }
        }

        pub(crate) fn credentials(&self, takes: u64) -> Credentials {
            let plugin = Plugin {
                takes: Duration::from_secs(takes),
                running: Arc::clone(&self.running),
            };
            let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
            let source = InTurn::wrap(Arc::new(plugin), &self.turns);
            Credentials::live(source, Arc::new(cluster), self.world.host())
        }

        /// Starts a request.
        pub(crate) fn ask(credentials: &Credentials) -> tokio::task::JoinHandle<Result<Arc<Credential>>> {
            let credentials = credentials.clone();
            tokio::spawn(async move { credentials.current().await })
        }

        /// Lets this many seconds pass.
        pub(crate) async fn pass(&self, seconds: u64) {
            for _ in 0..seconds {
                for _ in 0..60 {
                    tokio::task::yield_now().await;
                }
                self.world.advance(Duration::from_secs(1));
            }
            for _ in 0..60 {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn at_most_so_many_run_at_once_and_all_get_their_turn() {
        let bench = Bench::new(3);
        let all: Vec<_> = (0..30).map(|_| bench.credentials(1)).collect();
        let asked: Vec<_> = all.iter().map(Bench::ask).collect();
        bench.pass(12).await;
        for one in asked {
            assert!(one.await.unwrap().is_ok());
        }
        assert_eq!(bench.running.1.load(Ordering::SeqCst), 3);
        assert_eq!(bench.turns.most(), 3);
    }

    #[tokio::test]
    async fn plugins_that_hang_give_their_places_to_others() {
        let bench = Bench::new(4);
        let hanging: Vec<_> = (0..20).map(|_| bench.credentials(1000)).collect();
        let good: Vec<_> = (0..20).map(|_| bench.credentials(1)).collect();
        let _hang: Vec<_> = hanging.iter().map(Bench::ask).collect();
        bench.pass(1).await;
        let asked: Vec<_> = good.iter().map(Bench::ask).collect();
        // 20 that hang for 5 s each, and 20 s of work, in 2 to 4 places.
        bench.pass(65).await;
        assert!(asked.iter().all(tokio::task::JoinHandle::is_finished));
        assert!(bench.running.1.load(Ordering::SeqCst) <= 4);

        // Those that are known to hang have half of the places, so nothing is delayed from now on.
        let late: Vec<_> = (0..2).map(|_| bench.credentials(1)).collect();
        let asked: Vec<_> = late.iter().map(Bench::ask).collect();
        bench.pass(2).await;
        assert!(asked.iter().all(tokio::task::JoinHandle::is_finished));
    }

    #[tokio::test]
    async fn a_slow_plugin_keeps_its_place_while_none_waits() {
        let bench = Bench::new(1);
        let slow = bench.credentials(20);
        let asked = Bench::ask(&slow);
        bench.pass(21).await;
        assert!(asked.is_finished());
    }

    #[tokio::test]
    async fn a_place_whose_runtime_stands_still_is_given_up() {
        let bench = Bench::new(1);
        let host = bench.world.host();
        // It is never polled again, and never dropped.
        let stuck = bench
            .turns
            .take(false, Duration::from_secs(35), &host)
            .await
            .unwrap();
        let other = bench.credentials(1);
        let asked = Bench::ask(&other);
        bench.pass(30).await;
        assert!(!asked.is_finished());
        bench.pass(10).await;
        assert!(asked.is_finished());
        drop(stuck);
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_an_error_that_says_so() {
        let bench = Bench::new(1);
        let host = bench.world.host();
        let _stuck = bench
            .turns
            .take(false, Duration::from_secs(3600), &host)
            .await
            .unwrap();
        let other = bench.credentials(1);
        let asked = Bench::ask(&other);
        bench.pass(305).await;
        let error = asked.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.message().contains("was not started within"), "{error}");
    }
}
