//! One handle for all who ask for the same.
//!
//! Two client configurations with the same plugin for the same cluster share one credential and one fetch at a
//! time, as in client-go, where such a cache lives as long as the process. Here the table only knows who is
//! there: its entries hold nothing alive, and each goes when the last user of its handle goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::CredentialFeed;
use crate::refresh::RefreshCell;
use crate::sharing_key::SharingKey;

/// What is shared.
type Handle = RefreshCell<CredentialFeed>;

/// Who is there. Nothing in it keeps a handle, and it is empty when nobody has one.
static SHARED: Mutex<BTreeMap<Arc<SharingKey>, Weak<Handle>>> = Mutex::new(BTreeMap::new());

/// A handle's entry in the table.
#[derive(Debug)]
pub(super) struct Lease(Arc<SharingKey>);

/// The handle of that key, or a new one where nobody has it. `make` must not ask for another.
pub(super) fn one_of(key: SharingKey, make: impl FnOnce(Lease) -> Arc<Handle>) -> Arc<Handle> {
    let mut shared = lock();
    if let Some(live) = shared.get(&key).and_then(Weak::upgrade) {
        return live;
    }
    let key = Arc::new(key);
    let live = make(Lease(Arc::clone(&key)));
    shared.insert(key, Arc::downgrade(&live));
    live
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut shared = lock();
        // Somebody may have made a new one since the last user of this one went.
        if shared.get(&self.0).is_some_and(|live| live.strong_count() == 0) {
            shared.remove(&self.0);
        }
    }
}

/// A panic while it was held cannot have left the table half changed.
fn lock() -> MutexGuard<'static, BTreeMap<Arc<SharingKey>, Weak<Handle>>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::host::{Host, PluginPolicy, PluginRules, SimulatedHost};
    use crate::{Cluster, Credential, CredentialSource, Credentials, FetchRequest, Result, ServerUrl};

    #[derive(Debug)]
    struct Role(&'static str);

    #[async_trait]
    impl CredentialSource for Role {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
            Credential::bearer(self.0.into())
        }

        fn describe(&self) -> String {
            self.0.to_owned()
        }

        fn sharing_key(&self, cluster: &Cluster) -> Option<SharingKey> {
            Some(SharingKey::new("role").with(self.0).with(cluster.server.as_str()))
        }
    }

    fn live(role: &'static str, server: &str, host: Host) -> Credentials {
        let cluster = Cluster::new(ServerUrl::parse(server).unwrap());
        Credentials::live(Arc::new(Role(role)), Arc::new(cluster), host)
    }

    /// How many of jane's and john's handles for `https://a` are known.
    fn entries_of(world: &SimulatedHost) -> usize {
        let cluster = Cluster::new(ServerUrl::parse("https://a").unwrap());
        let key_of = |role| {
            world
                .host()
                .distinguish(Role(role).sharing_key(&cluster).unwrap())
        };
        let known = lock();
        ["jane", "john"]
            .into_iter()
            .filter(|role| known.contains_key(&key_of(*role)))
            .count()
    }

    async fn is_one(one: &Credentials, other: &Credentials) -> bool {
        Arc::ptr_eq(&one.current().await.unwrap(), &other.current().await.unwrap())
    }

    #[tokio::test]
    async fn equal_ones_are_one_and_different_ones_are_not() {
        let world = SimulatedHost::new();
        let first = live("jane", "https://a", world.host());
        assert!(is_one(&first, &live("jane", "https://a", world.host())).await);
        assert!(!is_one(&first, &live("john", "https://a", world.host())).await);
        assert!(!is_one(&first, &live("jane", "https://b", world.host())).await);

        let elsewhere = SimulatedHost::new();
        assert!(!is_one(&first, &live("jane", "https://a", elsewhere.host())).await);
        let changed = world.host().with_variable("LOGIN", Some("john"));
        assert!(!is_one(&first, &live("jane", "https://a", changed)).await);
        let ruled = PluginRules::new().policy(PluginPolicy::deny_all());
        let ruled = world.host().with_plugin_rules(ruled);
        assert!(!is_one(&first, &live("jane", "https://a", ruled)).await);
        world.attach_terminal();
        assert!(!is_one(&first, &live("jane", "https://a", world.host())).await);
    }

    #[tokio::test]
    async fn an_entry_goes_with_its_last_user() {
        let world = SimulatedHost::new();
        let first = live("jane", "https://a", world.host());
        let second = live("jane", "https://a", world.host());
        let other = live("john", "https://a", world.host());
        assert_eq!(entries_of(&world), 2);
        drop(first);
        assert_eq!(entries_of(&world), 2);
        drop(second);
        assert_eq!(entries_of(&world), 1);
        drop(other);
        assert_eq!(entries_of(&world), 0);
    }

    #[test]
    fn ones_that_come_and_go_at_once_leave_nothing_behind() {
        let world = SimulatedHost::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        drop(live("jane", "https://a", world.host()));
                    }
                });
            }
        });
        assert_eq!(entries_of(&world), 0);
    }
}
