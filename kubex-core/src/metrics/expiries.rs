//! When the credentials of each source expire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Identifies a handle in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HandleId(u64);

impl HandleId {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

static EXPIRIES: Mutex<Expiries> = Mutex::new(Expiries::none());

/// The expiries of all handles. Each change takes a time that grows with the logarithm of their number.
pub(super) struct Expiries {
    of_handle: BTreeMap<HandleId, (Arc<str>, SystemTime)>,
    of_source: BTreeMap<Arc<str>, BTreeSet<(SystemTime, HandleId)>>,
}

impl Expiries {
    const fn none() -> Self {
        Self {
            of_handle: BTreeMap::new(),
            of_source: BTreeMap::new(),
        }
    }

    /// Sets when the value of a handle expires. Returns the shortest time of its source.
    pub(super) fn set(id: HandleId, source: &Arc<str>, at: Option<SystemTime>) -> Option<SystemTime> {
        let mut expiries = lock();
        expiries.take(id);
        let of_source = expiries.of_source.entry(Arc::clone(source)).or_default();
        of_source.extend(at.map(|at| (at, id)));
        let shortest = of_source.first().map(|(at, _)| *at);
        expiries
            .of_handle
            .extend(at.map(|at| (id, (Arc::clone(source), at))));
        shortest
    }

    /// The handle no longer exists.
    pub(super) fn remove(id: HandleId) {
        lock().take(id);
    }

    /// The shortest time of each source.
    pub(super) fn shortest() -> Vec<(Arc<str>, Option<SystemTime>)> {
        let expiries = lock();
        let shortest = expiries.of_source.iter();
        shortest
            .map(|(source, handles)| (Arc::clone(source), handles.first().map(|(at, _)| *at)))
            .collect()
    }

    fn take(&mut self, id: HandleId) {
        if let Some((source, at)) = self.of_handle.remove(&id)
            && let Some(handles) = self.of_source.get_mut(&source)
        {
            handles.remove(&(at, id));
        }
    }
}

/// A panic cannot leave the table half changed, so a poisoned lock is safe to use.
fn lock() -> MutexGuard<'static, Expiries> {
    EXPIRIES.lock().unwrap_or_else(PoisonError::into_inner)
}
