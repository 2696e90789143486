//! One handle for all who ask for the same.
//!
//! Two client configurations with the same plugin for the same cluster share one credential and one fetch at a
//! time, as in client-go, where such a cache lives as long as the process. Here the table only knows who is
//! there: its entries hold nothing alive, and each goes when the last user of its handle goes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use zeroize::Zeroizing;

use super::CredentialFeed;
use crate::live::Live;

/// What is shared.
type Handle = Live<CredentialFeed>;

/// What a credential source is known by: a list of texts, which may be secrets. Two sources are the same when
/// all of them are.
///
/// ```
/// use kubex_core::credentials::SharingKey;
/// let key = |role: &str| SharingKey::new("vault").with(role);
/// assert_eq!(key("deployer"), key("deployer"));
/// assert_ne!(key("deployer"), key("reader"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharingKey(Vec<Part>);

/// A copy of its own, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
struct Part(Zeroizing<Vec<u8>>);

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_slice().cmp(other.0.as_slice())
    }
}

impl SharingKey {
    /// The key of a provider that is registered under this name.
    pub fn new(provider: &str) -> Self {
        Self(Vec::new()).with(provider)
    }

    /// Adds a part.
    #[must_use]
    pub fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        self.0.push(Part(Zeroizing::new(part.as_ref().to_vec())));
        self
    }
}

impl fmt::Debug for SharingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharingKey")
            .field("parts", &self.0.len())
            .finish_non_exhaustive()
    }
}

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

    fn entries_of(world: &SimulatedHost) -> usize {
        let world = world.host().distinguish(SharingKey(Vec::new())).0;
        lock().keys().filter(|key| key.0.contains(&world[0])).count()
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

    #[test]
    fn a_key_shows_no_part() {
        let shown = format!("{:?}", SharingKey::new("vault").with("s3cret"));
        assert!(!shown.contains("s3cret") && !shown.contains("115"), "{shown}");
    }
}
