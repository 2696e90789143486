//! Turns: how many plugins of a fleet run at once, and whose turn it is.
//!
//! | rule | why |
//! |---|---|
//! | at most N run at once | a thousand plugins that start together exhaust a machine and time out |
//! | first come, first served, and each cluster waits at most once | a cluster that is asked for often delays no other |
//! | a run that takes longer than 5 s while others wait is ended, and starts anew among the slow ones | a plugin that hangs gives its place up |
//! | the slow ones have at most half of the places | however many hang, the others have the other half |
//! | a slow one that becomes fast is fast again | |
//! | a place is given up when its time is over, whatever its runtime does | a runtime that stands still holds nothing up |
//!
//! Sources that only read files take no turn.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::{
    Cluster, Credential, CredentialSource, Error, ErrorKind, FetchRequest, Host, Origin, Result, Warning,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a run may take while others wait, before it counts as slow.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a fetch waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How often a fetch that waits looks for places whose time is over, and one that runs looks for others that wait.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The places of a fleet.
#[derive(Debug)]
pub(crate) struct Turns {
    places: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
    number: usize,
    /// How many wait for a place and are not slow.
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
struct Turn<'t> {
    turns: &'t Turns,
    number: u64,
}

impl Turns {
    /// At most this many at once, and at least one.
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

    /// The most that have run at once so far.
    pub(crate) fn most(&self) -> usize {
        self.held().most
    }

    async fn take(&self, is_slow: bool, time: Duration, host: &Host) -> Result<Turn<'_>> {
        let began = host.now().monotonic;
        let _waiting = (!is_slow).then(|| Waiting::new(&self.waiting));
        let mut wait = Box::pin(async {
            let slow = if is_slow { Some(Arc::clone(&self.slow_places).acquire_owned().await) } else { None };
            (slow, Arc::clone(&self.places).acquire_owned().await)
        });
        loop {
            // The place in the line is kept from one look to the next.
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
                        "the plugin had no turn within {} s, because {number} plugins of the fleet run at once",
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

    fn has_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Each change is whole, so a poisoned lock is safe to use.
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

/// A credential source that takes a turn for each fetch.
#[derive(Debug)]
pub(crate) struct InTurn {
    source: Arc<dyn CredentialSource>,
    turns: Arc<Turns>,
    is_slow: AtomicBool,
}

impl InTurn {
    /// The source itself if it only reads files.
    pub(crate) fn new(source: Arc<dyn CredentialSource>, turns: &Arc<Turns>) -> Arc<dyn CredentialSource> {
        if source.only_reads_files() {
            return source;
        }
        Arc::new(Self {
            source,
            turns: Arc::clone(turns),
            is_slow: AtomicBool::new(false),
        })
    }

    fn longest_run(&self, host: &Host) -> Duration {
        self.source.deadline_on(host).saturating_add(self.source.time_to_end(host))
    }
}

#[async_trait]
impl CredentialSource for InTurn {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let host = request.host;
        let time = self.longest_run(host);
        if !self.is_slow.load(Ordering::Relaxed) {
            let turn = self.turns.take(false, time, host).await?;
            let mut fetch = Box::pin(self.source.fetch(request));
            if let Ok(fetched) = host.within(PATIENCE, &mut fetch).await {
                return fetched;
            }
            self.is_slow.store(true, Ordering::Relaxed);
            while !self.turns.has_waiting() {
                if let Ok(fetched) = host.within(LOOK_AGAIN, &mut fetch).await {
                    return fetched;
                }
            }
            // The run is ended before its place is given up.
            drop(fetch);
            drop(turn);
        }
        let _turn = self.turns.take(true, time, host).await?;
        let began = host.now().monotonic;
        let fetched = self.source.fetch(request).await;
        if host.now().monotonic.saturating_sub(began) < PATIENCE && fetched.is_ok() {
            self.is_slow.store(false, Ordering::Relaxed);
        }
        fetched
    }

    fn describe(&self) -> String {
        self.source.describe()
    }

    fn deadline(&self) -> Duration {
        self.source.deadline().saturating_add(LONGEST_WAIT)
    }

    fn deadline_on(&self, host: &Host) -> Duration {
        // The first wait and run may be in vain.
        self.longest_run(host).saturating_add(LONGEST_WAIT * 2 + PATIENCE)
    }

    fn time_to_end(&self, host: &Host) -> Duration {
        self.source.time_to_end(host)
    }

    fn sharing_key(&self, cluster: &Cluster) -> Option<SharingKey> {
        self.source.sharing_key(cluster)
    }

    async fn store_identity(&self, host: &Host, cluster: &Cluster) -> Option<StoreIdentity> {
        self.source.store_identity(host, cluster).await
    }

    fn origin(&self) -> Option<&Origin> {
        self.source.origin()
    }

    async fn warnings(&self, host: &Host) -> Vec<Warning> {
        self.source.warnings(host).await
    }

    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        self.source.check(host).await
    }
}
