//! An input of a running fleet: what it contained when it was read last, and when it is read again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use kubex_core::{Error, ErrorKind, Host, Result};
use tokio::sync::Notify;

use crate::definition::Rules;
use crate::input::{Input, Kind};
use crate::loader::Loader;
use crate::snapshot::Snapshot;

/// How often an input is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long one look may take. A network file system may hang.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// The shortest time between two looks that members ask for, and how much longer it is for each file.
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
    loader: tokio::sync::Mutex<Loader>,
    latest: ArcSwap<Snapshot>,
    /// The snapshot that the members of the fleet were settled by. It is locked while they are.
    pub(crate) settled: tokio::sync::Mutex<Arc<Snapshot>>,
    times: Mutex<Times>,
    /// The number of files, for the time between two looks.
    files: AtomicU64,
    has_new: AtomicBool,
    is_at_work: AtomicBool,
    wake: Arc<Notify>,
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
            loader: tokio::sync::Mutex::default(),
            latest: ArcSwap::default(),
            settled: tokio::sync::Mutex::default(),
            times: Mutex::new(Times {
                looked_at: None,
                next_look: Duration::ZERO,
            }),
            files: AtomicU64::new(0),
            has_new: AtomicBool::new(true),
            is_at_work: AtomicBool::new(false),
            wake: Arc::clone(wake),
        })
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn latest(&self) -> Arc<Snapshot> {
        self.latest.load_full()
    }

    /// Reads the input if it has changed.
    pub(crate) async fn refresh(&self) {
        let looking = async {
            let mut loader = self.loader.lock().await;
            self.times(|times| times.looked_at = Some(self.host.now().monotonic));
            let access_providers = self.access_providers.as_deref();
            let snapshot = loader
                .load(&self.kind, access_providers, &self.rules, &self.host)
                .await;
            self.files.store(loader.files() as u64, Ordering::Relaxed);
            snapshot
        };
        match self.host.within(LOOK_LIMIT, looking).await {
            Ok(None) => {}
            Ok(Some(snapshot)) => self.set_latest(snapshot),
            Err(_) => {
                let mut snapshot = Snapshot::clone(&self.latest());
                snapshot.problems = vec![hangs(&self.name)];
                self.set_latest(snapshot);
            }
        }
    }

    /// Reads the input for a member that needs it, unless that happens now or has just happened.
    pub(crate) async fn refresh_for_a_member(&self) {
        let files = u32::try_from(self.files.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let shortest = MEMBERS_LOOK_EVERY.max(MEMBERS_LOOK_EVERY_FOR_EACH_FILE * files);
        let now = self.host.now().monotonic;
        let is_recent = self.times(|times| {
            times
                .looked_at
                .is_none_or(|looked_at| now < looked_at.saturating_add(shortest))
        });
        if is_recent || self.loader.try_lock().is_err() {
            return;
        }
        self.refresh().await;
        if self.has_new.load(Ordering::Acquire) {
            self.wake.notify_one();
        }
    }

    fn set_latest(&self, snapshot: Snapshot) {
        self.latest.store(Arc::new(snapshot));
        self.has_new.store(true, Ordering::Release);
    }

    /// Whether the input is to be looked at now, or has something new. The caller then does it, and calls
    /// [`finish`](Self::finish).
    pub(crate) fn begin(&self, now: Duration) -> bool {
        let has_objects = matches!(&self.kind, Kind::Objects(objects) if objects.has_changed());
        let is_due = self.times(|times| {
            let is_due = now >= times.next_look;
            if is_due {
                // Inputs that begin together are looked at apart from each other.
                let is_first = times.next_look.is_zero();
                let most = LOOK_EVERY / if is_first { 2 } else { 10 };
                let less = most * u32::from(self.host.clock().random().to_le_bytes()[0]) / 256;
                times.next_look = now.saturating_add(LOOK_EVERY.saturating_sub(less));
            }
            is_due
        });
        let is_wanted = is_due || has_objects || self.has_new.load(Ordering::Acquire);
        is_wanted && !self.is_at_work.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn finish(&self) {
        self.is_at_work.store(false, Ordering::Release);
        let has_objects = matches!(&self.kind, Kind::Objects(objects) if objects.has_changed());
        if has_objects || self.has_new.load(Ordering::Acquire) {
            self.wake.notify_one();
        }
    }

    /// The latest snapshot, which the caller settles the members by.
    pub(crate) fn take_new(&self) -> Arc<Snapshot> {
        self.has_new.store(false, Ordering::Release);
        self.latest()
    }

    /// Whether nothing is under way or waits to be done.
    pub(crate) fn is_settled(&self) -> bool {
        let has_objects = matches!(&self.kind, Kind::Objects(objects) if objects.has_changed());
        !has_objects && !self.has_new.load(Ordering::Acquire) && !self.is_at_work.load(Ordering::Acquire)
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
