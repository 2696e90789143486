//! The table of shared handles: equal credential sources share one credential.
//!
//! Two client configurations with the same plugin for the same cluster share one credential and one fetch at a time, as
//! in client-go. In client-go the cache lives as long as the process. Here the entries are weak: an entry is removed
//! when the last user of its handle is dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::CredentialFetcher;
use crate::refresh::RefreshCell;
use crate::sharing_key::SharingKey;

/// A handle that may be shared.
type Handle = RefreshCell<CredentialFetcher>;

/// The handles in use, by key.
static SHARED: Mutex<BTreeMap<SharingKey, Weak<Handle>>> = Mutex::new(BTreeMap::new());

/// Removes a handle's entry from the table on drop.
#[derive(Debug)]
pub(super) struct Lease(SharingKey);

/// The handle with this key, or a new one. `make` must not call this function.
pub(super) fn shared_or_new(key: SharingKey, make: impl FnOnce(Lease) -> Arc<Handle>) -> Arc<Handle> {
    let mut shared = lock();
    if let Some(handle) = shared.get(&key).and_then(Weak::upgrade) {
        return handle;
    }
    let handle = make(Lease(key.clone()));
    shared.insert(key, Arc::downgrade(&handle));
    handle
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut shared = lock();
        // A new handle with the same key may have been made since the last user of this one was dropped.
        if shared
            .get(&self.0)
            .is_some_and(|handle| handle.strong_count() == 0)
        {
            shared.remove(&self.0);
        }
    }
}

/// A panic cannot leave the table half changed, so a poisoned lock is safe to use.
fn lock() -> MutexGuard<'static, BTreeMap<SharingKey, Weak<Handle>>> {
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
        let key_of = |role| world.host().add_to(Role(role).sharing_key(&cluster).unwrap());
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
