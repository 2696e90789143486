//! An input of a running fleet: its content when it was last read, and the time when it is read again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use kubex_core::{Error, ErrorKind, Host, Result};
use tokio::sync::Notify;

use crate::claim::{Claim, Claimed};
use crate::definition::Rules;
use crate::input::{Input, Kind};
use crate::loader::Loader;
use crate::snapshot::Snapshot;

/// How often an input is checked for changes.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long one check may take. A network file system may hang.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// How long a check may hold its claim. After this time, its runtime counts as standing still.
const LOOK_CLAIM: Duration = Duration::from_secs(40);

/// How long the update of the members may take without progress. It begins with a check, and with the wait for one.
pub(crate) const WORK_CLAIM: Duration = Duration::from_secs(120);

/// How often a check that waits for another check tests whether that one has ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The shortest time between two checks that members request. It is longer by this much for each file.
const MEMBERS_LOOK_EVERY: Duration = Duration::from_secs(1);
const MEMBERS_LOOK_EVERY_FOR_EACH_FILE: Duration = Duration::from_millis(1);

/// An input and its state.
#[derive(Debug)]
pub(crate) struct WatchedInput {
    pub(crate) name: Arc<str>,
    kind: Kind,
    access_providers: Option<PathBuf>,
    rules: Arc<Rules>,
    host: Host,
    /// The content that was last read. A check works on a copy, so that nothing is lost if it is interrupted.
    loader: Mutex<Loader>,
    looking: Claim,
    look_ended: Notify,
    latest: ArcSwap<Snapshot>,
    /// The snapshot that the members of the fleet correspond to.
    settled: ArcSwap<Snapshot>,
    times: Mutex<Times>,
    settling: Claim,
    /// The work at members that are broken.
    pub(crate) retrying: Claim,
    wake: Arc<Notify>,
}

/// The work that is due at an input.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) claimed: Claimed,
    /// Whether a regular check is due, and not only a change.
    pub(crate) is_regular: bool,
}

#[derive(Debug)]
struct Times {
    looked_at: Option<Duration>,
    next_look: Duration,
}

impl WatchedInput {
    pub(crate) fn new(input: Input, rules: Rules, host: Host, wake: &Arc<Notify>) -> Result<Self> {
        let Input {
            name,
            kind,
            access_providers,
            ..
        } = input;
        let rules = Arc::new(rules);
        if let Kind::Objects(objects) = &kind {
            objects.join(&rules, wake)?;
        }
        Ok(Self {
            name: name.into(),
            kind,
            access_providers,
            rules,
            host,
            loader: Mutex::default(),
            looking: Claim::default(),
            look_ended: Notify::new(),
            latest: ArcSwap::default(),
            settled: ArcSwap::default(),
            times: Mutex::new(Times {
                looked_at: None,
                next_look: Duration::ZERO,
            }),
            settling: Claim::default(),
            retrying: Claim::default(),
            wake: Arc::clone(wake),
        })
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn latest(&self) -> Arc<Snapshot> {
        self.latest.load_full()
    }

    /// Reads the input if it has changed. If another check is running, waits for that one first.
    pub(crate) async fn refresh(&self) {
        loop {
            let ended = self.look_ended.notified();
            if let Some(look) = self.looking.take(self.now(), LOOK_CLAIM) {
                return self.look(&look).await;
            }
            let _ = self.host.within(LOOK_AGAIN, ended).await;
        }
    }

    /// Reads the input for a member, unless it is being read or has just been read.
    pub(crate) async fn refresh_for_a_member(self: &Arc<Self>) {
        let (files, hangs) = {
            let loader = self.loader();
            (u32::try_from(loader.files()).unwrap_or(u32::MAX), loader.hangs())
        };
        if hangs {
            // Another check would only delay the member. The timer makes one later.
            return;
        }
        let shortest = MEMBERS_LOOK_EVERY.max(MEMBERS_LOOK_EVERY_FOR_EACH_FILE * files);
        let now = self.now();
        let is_recent = self.times(|times| {
            let is_recent = times
                .looked_at
                .is_none_or(|looked_at| now < looked_at.saturating_add(shortest));
            if !is_recent {
                // If many members ask at the same time, the first one checks.
                times.looked_at = Some(now);
            }
            is_recent
        });
        if is_recent {
            return;
        }
        let input = Arc::clone(self);
        let look = async move {
            if let Some(look) = input.looking.take(now, LOOK_CLAIM) {
                input.look(&look).await;
                if input.has_new() {
                    input.wake.notify_one();
                }
            }
        };
        // The time limit of the member ends its wait, but not the check.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(look).await),
            Err(_) => look.await,
        }
    }

    async fn look(&self, look: &Claimed) {
        self.times(|times| times.looked_at = Some(self.now()));
        let mut loader = self.loader().clone();
        let access_providers = self.access_providers.as_deref();
        let loading = loader.load(&self.kind, access_providers, &self.rules, &self.host);
        let is_in_time = self.host.within(LOOK_LIMIT, loading).await.is_ok();
        self.times(|times| times.looked_at = Some(self.now()));
        loader.set_hangs((!is_in_time).then(|| hangs(&self.name)));
        let snapshot = loader.take_snapshot().map(Arc::new);
        look.if_held(|| {
            if let Some(snapshot) = snapshot {
                self.latest.store(snapshot);
            }
            *self.loader() = loader;
        });
        look.give_up();
        self.look_ended.notify_waiters();
    }

    /// The work that is to be done at the input now, if there is some. The caller does it, and calls
    /// [`finish`](Self::finish).
    pub(crate) fn begin(&self, now: Duration) -> Option<Work> {
        let is_regular = self.times(|times| {
            let is_due = now >= times.next_look;
            if is_due {
                // Inputs that start at the same time are checked at different times.
                let is_first = times.next_look.is_zero();
                let most = LOOK_EVERY / if is_first { 2 } else { 10 };
                let less = most * u32::from(self.host.clock().random().to_le_bytes()[0]) / 256;
                times.next_look = now.saturating_add(LOOK_EVERY.saturating_sub(less));
            }
            is_due
        });
        if !is_regular && !self.has_new() {
            return None;
        }
        let claimed = self.settling.take(now, WORK_CLAIM)?;
        Some(Work { claimed, is_regular })
    }

    /// Wakes the timer if there is more work. Called after the claim of the last work was given up.
    pub(crate) fn finish(&self) {
        if self.has_new() {
            self.wake.notify_one();
        }
    }

    /// The snapshot that the members correspond to.
    pub(crate) fn settled(&self) -> Arc<Snapshot> {
        self.settled.load_full()
    }

    /// Records that the members correspond to this snapshot.
    pub(crate) fn set_settled(&self, snapshot: Arc<Snapshot>) {
        self.settled.store(snapshot);
    }

    /// Whether no work is running or waiting.
    pub(crate) fn is_settled(&self) -> bool {
        !self.has_new() && !self.settling.is_taken(self.now())
    }

    /// Whether there are new objects, or a snapshot that the members do not correspond to yet.
    fn has_new(&self) -> bool {
        let has_objects = matches!(&self.kind, Kind::Objects(objects) if objects.version() != self.loader().objects_version());
        has_objects || !Arc::ptr_eq(&self.settled(), &self.latest())
    }

    fn now(&self) -> Duration {
        self.host.now().monotonic
    }

    fn loader(&self) -> MutexGuard<'_, Loader> {
        // It is replaced as a whole, so a poisoned lock is safe to use.
        self.loader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_look(&self) -> Duration {
        self.times(|times| times.next_look)
    }

    fn times<T>(&self, use_them: impl FnOnce(&mut Times) -> T) -> T {
        // Each change is whole, so a poisoned lock is safe to use.
        use_them(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn hangs(name: &str) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format_args!(
            "the input \"{name}\" could not be read within {} s",
            LOOK_LIMIT.as_secs()
        ),
    )
    .with_help("check whether it is on a network file system that does not answer")
}
