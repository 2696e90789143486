//! The credential that each thread used last.
//!
//! Reading the shared state takes two atomic writes, and most threads use one credential again and again. So a thread keeps
//! a reference to it, which counts until the state publishes a newer snapshot, and for one tick of the coarse clocks: within
//! a tick, no clock can reach a limit that it has not reached yet.
//!
//! The reference is weak, so that a thread that sends no more requests keeps no secret in memory.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use super::CredentialFetcher;
use crate::credential::Credential;
use crate::refresh::RefreshCell;

thread_local! {
    static LAST_USED: RefCell<LastUsed> = const { RefCell::new(LastUsed::NONE) };
}

struct LastUsed {
    /// The number of the cell, and the version of its snapshot.
    version: (u64, u64),
    /// The tick in which the credential was fresh.
    tick: u64,
    credential: Weak<Credential>,
    /// The number of the cell that was last looked for and not found.
    missed: u64,
}

impl LastUsed {
    const NONE: Self = Self {
        version: (0, 0),
        tick: 0,
        credential: Weak::new(),
        missed: 0,
    };

    #[inline]
    fn get(&self, version: (u64, u64), tick: u64) -> Option<Arc<Credential>> {
        let is_it = self.version == version && self.tick == tick;
        is_it.then(|| self.credential.upgrade()).flatten()
    }

    /// Keeps the credential if its cell is used twice in a row. A thread that uses many cells in turn keeps none.
    fn set(&mut self, version: (u64, u64), tick: u64, credential: &Arc<Credential>) {
        if self.version == version {
            self.tick = tick;
        } else if self.missed == version.0 {
            *self = Self {
                version,
                tick,
                credential: Arc::downgrade(credential),
                missed: 0,
            };
        } else {
            self.missed = version.0;
        }
    }
}

/// The current credential of this cell, if it is fresh.
#[inline]
pub(super) fn fresh(cell: &RefreshCell<CredentialFetcher>) -> Option<Arc<Credential>> {
    let Some(tick) = cell.host().clock().tick() else {
        return cell.fresh(Arc::clone);
    };
    let version = cell.version();
    // There is none during the destruction of a thread.
    let last_used = LAST_USED.try_with(|last_used| last_used.borrow().get(version, tick));
    last_used.ok().flatten().or_else(|| read(cell, version, tick))
}

#[cold]
fn read(cell: &RefreshCell<CredentialFetcher>, version: (u64, u64), tick: u64) -> Option<Arc<Credential>> {
    let credential = cell.fresh(Arc::clone)?;
    let _ = LAST_USED.try_with(|last_used| last_used.borrow_mut().set(version, tick, &credential));
    Some(credential)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use crate::{Cluster, Credential, CredentialSource, Credentials, FetchRequest, Host, Result, ServerUrl};

    use super::*;

    #[derive(Debug, Default)]
    struct Counter(AtomicU32);

    #[async_trait::async_trait]
    impl CredentialSource for Counter {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            Credential::bearer(format!("token-{number}").into())
        }

        fn describe(&self) -> String {
            "a counter".into()
        }
    }

    fn credentials() -> Credentials {
        let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
        Credentials::live(Arc::new(Counter::default()), Arc::new(cluster), Host::real())
    }

    /// The version of the cell that this thread used last.
    fn kept() -> (u64, u64) {
        LAST_USED.with_borrow(|last_used| last_used.version)
    }

    #[tokio::test]
    async fn a_thread_keeps_the_credential_of_the_cell_that_it_uses_twice_in_a_row() {
        if Host::real().clock().tick().is_none() {
            println!("NOT TESTED: the clock of this system has no ticks");
            return;
        }
        let (one, other) = (credentials(), credentials());
        let (first, second) = (one.current().await.unwrap(), other.current().await.unwrap());
        for _ in 0..3 {
            assert!(Arc::ptr_eq(&one.current().await.unwrap(), &first));
            assert!(Arc::ptr_eq(&other.current().await.unwrap(), &second));
        }
        assert_eq!(kept(), (0, 0), "cells in turn are not kept");
        for _ in 0..3 {
            assert!(Arc::ptr_eq(&one.current().await.unwrap(), &first));
        }
        assert_ne!(kept(), (0, 0));
        assert!(Arc::ptr_eq(&other.current().await.unwrap(), &second));
    }

    #[tokio::test]
    async fn what_a_thread_keeps_does_not_outlive_the_handle() {
        let credentials = credentials();
        for _ in 0..5 {
            credentials.current().await.unwrap();
        }
        let held = Arc::downgrade(&credentials.current().await.unwrap());
        assert!(held.upgrade().is_some());
        drop(credentials);
        assert!(held.upgrade().is_none());
    }

    #[tokio::test]
    async fn a_rejected_credential_is_not_found_within_the_same_tick() {
        let credentials = credentials();
        for number in 1..5 {
            for _ in 0..3 {
                assert_eq!(credentials.current().await.unwrap().generation().number(), number);
            }
            let rejected = credentials.current().await.unwrap().generation();
            credentials.accept(rejected);
            credentials.invalidate(rejected);
            assert!(credentials.with_fresh(|_| ()).is_none());
        }
    }
}
