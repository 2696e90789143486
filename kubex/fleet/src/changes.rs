//! The changes of a fleet, as a stream. Several unread changes of one member become one, so that a subscription is never longer
//! than the fleet.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::fleet::{Fleet, LATE};
use crate::member::Member;

/// A change of a fleet: a member was added, changed or removed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// A new member. Its [configuration](Member::configuration) is an error if the member is broken.
    Added(Member),
    /// A member with a new configuration, because its server, identity or trust has changed, or because a broken member was
    /// repaired. The earlier configuration stays as it was. A new credential of the same identity is not reported.
    Changed(Member),
    /// The name of a removed member. Its configuration keeps its last credential until the credential expires or is
    /// rejected.
    Removed(Arc<str>),
}

impl Change {
    /// Returns the name of the member.
    pub fn name(&self) -> &str {
        match self {
            Self::Added(member) | Self::Changed(member) => member.name(),
            Self::Removed(name) => name,
        }
    }
}

/// A subscription to the changes of a fleet. It first returns an [`Added`](Change::Added) for each existing member.
///
/// If a member changes several times before the program reads the change, the program gets one change with the newest
/// state.
pub struct Changes {
    pub(crate) fleet: Fleet,
    pub(crate) subscriber: Arc<Subscriber>,
}

impl Changes {
    /// Waits for the next change. If the future is dropped, no change is lost.
    pub async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.subscriber.take() {
                return change;
            }
            self.fleet.keep_looking();
            // The runtime of the timer may come to stand still, and this one then takes the timer over.
            let notified = self.subscriber.notify.notified();
            let _ = self.fleet.host().within(LATE, notified).await;
        }
    }

    /// Returns the next change without waiting, or `None` if there is no change yet.
    pub fn try_next(&mut self) -> Option<Change> {
        self.subscriber.take()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("pending", &self.subscriber.pending().by_name.len())
            .finish_non_exhaustive()
    }
}

/// The changes that one subscription has not returned yet.
#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    pending: Mutex<Pending>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    order: VecDeque<Arc<str>>,
    by_name: HashMap<Arc<str>, Change>,
}

impl Subscriber {
    pub(crate) fn put(&self, change: Change) {
        let mut pending = self.pending();
        let name: Arc<str> = match &change {
            Change::Added(member) | Change::Changed(member) => member.shared_name(),
            Change::Removed(name) => Arc::clone(name),
        };
        let Some(earlier) = pending.by_name.remove(&name) else {
            pending.order.push_back(Arc::clone(&name));
            pending.by_name.insert(name, change);
            drop(pending);
            self.notify.notify_one();
            return;
        };
        let joined = match (earlier, change) {
            (Change::Added(_), Change::Removed(_)) => {
                pending.order.retain(|other| *other != name);
                return;
            }
            (Change::Added(_), Change::Changed(member)) => Change::Added(member),
            (Change::Removed(_), Change::Added(member)) => Change::Changed(member),
            (_, change) => change,
        };
        pending.by_name.insert(name, joined);
    }

    fn take(&self) -> Option<Change> {
        let mut pending = self.pending();
        let name = pending.order.pop_front()?;
        pending.by_name.remove(&name)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Each change is whole, so a poisoned lock is safe to use.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subscriptions of a fleet.
#[derive(Debug, Default)]
pub(crate) struct Subscribers(Vec<Weak<Subscriber>>);

impl Subscribers {
    pub(crate) fn add(&mut self, subscriber: &Arc<Subscriber>) {
        self.0.retain(|other| other.strong_count() > 0);
        self.0.push(Arc::downgrade(subscriber));
    }

    pub(crate) fn put(&self, change: &Change) {
        for subscriber in self.0.iter().filter_map(Weak::upgrade) {
            subscriber.put(change.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use kubex_core::{Error, ErrorKind, Origin};

    use super::*;

    fn member(name: &str) -> Member {
        let error = Error::new(ErrorKind::MissingCluster, "no server");
        Member::new(name.into(), Origin::code(), Err(error))
    }

    #[test]
    fn changes_that_were_not_read_are_joined() {
        let added = || Change::Added(member("a"));
        let changed = || Change::Changed(member("a"));
        let removed = || Change::Removed("a".into());
        let cases: [(Vec<Change>, &str); 6] = [
            (vec![added(), changed(), changed()], "Added"),
            (vec![added(), removed()], "nothing"),
            (vec![added(), removed(), added()], "Added"),
            (vec![removed(), added()], "Changed"),
            (vec![changed(), removed()], "Removed"),
            (vec![changed(), removed(), added(), changed()], "Changed"),
        ];
        for (changes, expected) in cases {
            let subscriber = Subscriber::default();
            for change in changes {
                subscriber.put(change);
            }
            let found = match subscriber.take() {
                Some(Change::Added(_)) => "Added",
                Some(Change::Changed(_)) => "Changed",
                Some(Change::Removed(_)) => "Removed",
                None => "nothing",
            };
            assert_eq!(found, expected);
            assert!(subscriber.take().is_none());
        }
    }

    #[test]
    fn a_subscriber_that_never_reads_holds_at_most_one_change_for_each_member() {
        let subscriber = Subscriber::default();
        for _ in 0..1000 {
            subscriber.put(Change::Added(member("a")));
            subscriber.put(Change::Removed("a".into()));
            subscriber.put(Change::Changed(member("b")));
        }
        assert!(subscriber.pending().order.len() <= 2);
    }
}
