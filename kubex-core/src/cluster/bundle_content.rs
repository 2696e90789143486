//! The content of a CA bundle, kept once for all bundles with the same text.
//!
//! A fleet has thousands of clusters, and many of them have the same certificate authority. The table holds weak references
//! only: an entry is removed when the last user of its bundle is dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustls_pki_types::CertificateDer;

use super::Authority;
use crate::credential::Certificates;
use crate::error::Result;
use crate::pem::Subject;
use crate::sharing_key::SharingKey;

/// The bundles in use, by the digest of their text.
static SHARED: Mutex<BTreeMap<SharingKey, Weak<BundleContent>>> = Mutex::new(BTreeMap::new());

/// The text of a bundle, and what was read from it.
#[derive(Debug, Default)]
pub(super) struct BundleContent {
    pub(super) pem: Box<[u8]>,
    pub(super) certificates: Box<[CertificateDer<'static>]>,
    /// Which of the certificates are authorities, and when.
    pub(super) authorities: Box<[Authority]>,
    /// Descriptions of the blocks of the PEM that are not used.
    pub(super) ignored: Box<[String]>,
    /// The entry of the table; `None` for a bundle that has none.
    entry: Option<SharingKey>,
}

/// The bundle with this text: one that is in use, or a new one. `subject` is its name in an error.
pub(super) fn shared_or_read(pem: &[u8], subject: Subject<'_>) -> Result<Arc<BundleContent>> {
    let key = SharingKey::new("ca-bundle").with(pem).closed();
    if let Some(content) = table().get(&key).and_then(Weak::upgrade) {
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
        entry: Some(key.clone()),
    });
    let mut table = table();
    // Another thread may have read the same text meanwhile.
    if let Some(first) = table.get(&key).and_then(Weak::upgrade) {
        drop(table);
        return Ok(first);
    }
    table.insert(key, Arc::downgrade(&content));
    drop(table);
    Ok(content)
}

impl Drop for BundleContent {
    fn drop(&mut self) {
        let Some(key) = &self.entry else { return };
        let mut table = table();
        // A new bundle with the same text may have been read since the last user of this one was dropped.
        if table.get(key).is_some_and(|content| content.strong_count() == 0) {
            table.remove(key);
        }
    }
}

/// A panic cannot leave the table half changed, so a poisoned lock is safe to use.
fn table() -> MutexGuard<'static, BTreeMap<SharingKey, Weak<BundleContent>>> {
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
        table().contains_key(&SharingKey::new("ca-bundle").with(pem).closed())
    }

    #[test]
    fn bundles_of_one_text_are_one_and_others_are_not() {
        let [one, same, other] = ["one", "one", "other"].map(|name| CaBundle::from_pem(&text(name)).unwrap());
        assert!(one.is_identical(&same));
        assert!(!one.is_identical(&other));
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
