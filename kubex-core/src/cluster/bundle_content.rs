//! The content of a CA bundle, kept once for all bundles with the same text.
//!
//! A fleet has thousands of clusters, and many of them have the same certificate authority. The table holds weak references
//! only: an entry is removed when the last user of its bundle is dropped.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use rustls_pki_types::CertificateDer;

use super::Authority;
use crate::credential::Certificates;
use crate::error::Result;
use crate::pem::Subject;

/// Bundles by the hash of their text. Two texts may have the same hash.
type Table = BTreeMap<u64, Vec<Weak<BundleContent>>>;

/// The bundles in use.
static SHARED: Mutex<Table> = Mutex::new(BTreeMap::new());

/// The number of the next bundle.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

/// The keys of the hash.
static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The text of a bundle, and what was read from it.
#[derive(Debug, Default)]
pub(super) struct BundleContent {
    pub(super) pem: Box<[u8]>,
    pub(super) certificates: Box<[CertificateDer<'static>]>,
    /// Which of the certificates are authorities, and when.
    pub(super) authorities: Box<[Authority]>,
    /// Descriptions of the blocks of the PEM that are not used.
    pub(super) ignored: Box<[String]>,
    /// No other text has this number. Zero for the bundle without a text.
    pub(super) number: u64,
    /// The entry of the table; `None` for a bundle that has none.
    entry: Option<u64>,
}

/// The bundle with this text: one that is in use, or a new one. `subject` is its name in an error.
pub(super) fn shared_or_read(pem: &[u8], subject: Subject<'_>) -> Result<Arc<BundleContent>> {
    let hash = STATE.hash_one(pem);
    let known = in_use(&table(), hash);
    if let Some(content) = with_text(&known, pem) {
        return Ok(content);
    }
    // The text may be large, so it is read without the lock.
    let (read, authorities) = Certificates::of_authorities(pem, subject)?;
    let (certificates, ignored) = read.into_parts();
    let content = Arc::new(BundleContent {
        pem: pem.into(),
        certificates: certificates.into(),
        authorities: authorities.into(),
        ignored: ignored.into(),
        number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
        entry: Some(hash),
    });
    let mut table = table();
    // Another thread may have read the same text meanwhile.
    let known = in_use(&table, hash);
    let first = with_text(&known, pem);
    if first.is_none() {
        table.entry(hash).or_default().push(Arc::downgrade(&content));
    }
    drop(table);
    Ok(first.unwrap_or(content))
}

/// The bundles in use whose text has this hash. They are dropped after the lock is released, because dropping the last user
/// of a bundle takes it.
fn in_use(table: &Table, hash: u64) -> Vec<Arc<BundleContent>> {
    let known = table.get(&hash).into_iter().flatten();
    known.filter_map(Weak::upgrade).collect()
}

fn with_text(known: &[Arc<BundleContent>], pem: &[u8]) -> Option<Arc<BundleContent>> {
    known.iter().find(|content| *content.pem == *pem).cloned()
}

impl Drop for BundleContent {
    fn drop(&mut self) {
        let Some(hash) = self.entry else { return };
        if let Entry::Occupied(mut known) = table().entry(hash) {
            known.get_mut().retain(|content| content.strong_count() > 0);
            if known.get().is_empty() {
                known.remove();
            }
        }
    }
}

/// A panic cannot leave the table half changed, so a poisoned lock is safe to use.
fn table() -> MutexGuard<'static, Table> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CaBundle;

    const PEM: &[u8] = include_bytes!("../faults/certificate.pem");

    /// A text that no other test reads.
    fn text(name: &str) -> Vec<u8> {
        [format!("# {name}\n").as_bytes(), PEM].concat()
    }

    fn is_known(pem: &[u8]) -> bool {
        table().contains_key(&STATE.hash_one(pem))
    }

    #[test]
    fn bundles_of_one_text_are_one_and_others_are_not() {
        let [one, same, other] = ["one", "one", "other"].map(|name| CaBundle::from_pem(&text(name)).unwrap());
        assert!(one.is_identical(&same));
        assert!(!one.is_identical(&other));
        assert_eq!(one.number(), same.number());
        assert_ne!(one.number(), other.number());
        assert_eq!(other.pem(), text("other"));
        assert_eq!(one.certificates(), other.certificates());
    }

    #[test]
    fn a_bundle_goes_with_its_last_user() {
        let pem = text("last user");
        let one = CaBundle::from_pem(&pem).unwrap();
        let same = one.clone();
        drop(one);
        assert!(is_known(&pem));
        drop(same);
        assert!(!is_known(&pem));
        assert!(CaBundle::from_pem(b"# last user, without a certificate").is_err());
        assert!(!is_known(b"# last user, without a certificate"));
    }

    #[test]
    fn bundles_that_come_and_go_at_once_leave_nothing_behind() {
        let pem = text("come and go");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        assert_eq!(CaBundle::from_pem(&pem).unwrap().pem(), pem);
                    }
                });
            }
        });
        assert!(!is_known(&pem));
    }
}
