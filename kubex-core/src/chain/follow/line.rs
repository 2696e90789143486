//! A followed configuration from one permission to the next: one source, one server, one identity.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use crate::cluster::Cluster;
use crate::configuration::ClientConfiguration;
use crate::report::FollowedChange;

/// The most changes that a report contains.
const MAX_CHANGES: usize = 20;

/// The state that the clones of a followed configuration share. It ends when a change that needs a permission is adopted: the
/// handles of this line then keep their values, and the successor has its own handles. No credential can thus reach another
/// server.
pub(crate) struct Line {
    /// The cluster, with the route of the last answer that was adopted.
    pub(super) cluster: ArcSwap<Cluster>,
    /// Boxed, because most lines never end.
    end: OnceLock<Box<End>>,
    /// Whether the program has requested a check for changes.
    is_due: AtomicBool,
    changes: Mutex<Vec<FollowedChange>>,
}

struct End {
    last: Last,
    successor: ClientConfiguration,
}

/// The last configuration of a line that has ended.
#[derive(Clone)]
pub(super) struct Last {
    pub(super) configuration: ClientConfiguration,
    pub(super) epoch: u64,
}

impl Line {
    pub(super) fn new(cluster: Arc<Cluster>, changes: Vec<FollowedChange>) -> Self {
        Self {
            cluster: ArcSwap::new(cluster),
            end: OnceLock::new(),
            is_due: AtomicBool::new(false),
            changes: Mutex::new(changes),
        }
    }

    pub(super) fn end(&self, last: Last, successor: ClientConfiguration) {
        // The follower ends each line once, under its lock.
        let _ = self.end.set(Box::new(End { last, successor }));
    }

    /// The next fetch resolves the chain again.
    pub(crate) fn make_due(&self) {
        self.is_due.store(true, Ordering::Release);
    }

    pub(super) fn take_due(&self) -> bool {
        self.is_due.swap(false, Ordering::AcqRel)
    }

    pub(super) fn last(&self) -> Option<&Last> {
        self.end.get().map(|end| &end.last)
    }

    pub(crate) fn successor(&self) -> Option<&ClientConfiguration> {
        self.end.get().map(|end| &end.successor)
    }

    pub(crate) fn current_cluster(&self) -> Arc<Cluster> {
        self.cluster.load_full()
    }

    /// The newest changes, oldest first.
    pub(crate) fn changes(&self) -> Vec<FollowedChange> {
        // A change is added whole, so a poisoned lock is safe to use.
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn add(&self, outcome: &'static str, details: String) -> FollowedChange {
        let change = FollowedChange { outcome, details };
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.len() >= MAX_CHANGES {
            changes.remove(0);
        }
        changes.push(change.clone());
        change
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("has_ended", &self.last().is_some())
            .finish_non_exhaustive()
    }
}
