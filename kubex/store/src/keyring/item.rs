//! An item of a keyring that the crate `keyring-core` reaches: those of macOS and Windows, and that of the tests.

use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::{Found, Keyring};
use crate::master_key::MasterKey;

/// The item of one store.
pub(crate) struct Item(Entry);

impl Item {
    pub(crate) fn new(entry: Entry) -> Self {
        Self(entry)
    }
}

impl Keyring for Item {
    fn read(&self) -> Found {
        match without_dialogs(|| self.0.get_secret().map(Zeroizing::new)) {
            // Only a key has its length.
            Some(Ok(secret)) => secret
                .as_slice()
                .try_into()
                .map_or(Found::Missing, |key| Found::Key(Zeroizing::new(key))),
            Some(Err(Error::NoEntry)) => Found::Missing,
            Some(Err(_)) | None => Found::Refused,
        }
    }

    fn write(&self, key: &MasterKey) -> bool {
        matches!(without_dialogs(|| self.0.set_secret(key.as_ref())), Some(Ok(())))
    }
}

/// Runs with a keyring that refuses where it would ask its user. `None` if that cannot be arranged.
#[cfg(target_os = "macos")]
fn without_dialogs<T>(work: impl FnOnce() -> T) -> Option<T> {
    super::native::without_dialogs(work)
}

/// Only macOS asks.
#[cfg(not(target_os = "macos"))]
#[expect(clippy::unnecessary_wraps, reason = "macOS may be unable to")]
fn without_dialogs<T>(work: impl FnOnce() -> T) -> Option<T> {
    Some(work())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyring_core::{CredentialStore, mock};

    use super::*;

    fn entry() -> Entry {
        let store: Arc<CredentialStore> = mock::Store::new().unwrap();
        Entry::new_in_store(&store, "kubex-store", "0123456789abcdef").unwrap()
    }

    fn fails_next(entry: &Entry, error: Error) {
        entry
            .as_any()
            .downcast_ref::<mock::Cred>()
            .unwrap()
            .set_error(error);
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let item = Item::new(entry());
        assert!(matches!(item.read(), Found::Missing));
        let key = Zeroizing::new([7; 32]);
        assert!(item.write(&key));
        assert!(matches!(item.read(), Found::Key(read) if *read == *key));
    }

    #[test]
    fn an_item_of_another_length_is_not_a_key() {
        let item = Item::new(entry());
        for length in [0, 1, 31, 33, 64, 4096] {
            item.0.set_secret(&vec![7; length]).unwrap();
            assert!(matches!(item.read(), Found::Missing), "{length}");
        }
        assert!(item.write(&Zeroizing::new([8; 32])));
        assert!(matches!(item.read(), Found::Key(_)));
    }

    #[test]
    fn a_locked_or_denied_item_is_refused_and_not_missing() {
        let item = Item::new(entry());
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        for error in [
            Error::NoStorageAccess(Box::new(denied())),
            Error::PlatformFailure(Box::new(denied())),
            Error::Ambiguous(Vec::new()),
        ] {
            fails_next(&item.0, error);
            assert!(matches!(item.read(), Found::Refused));
        }
        fails_next(&item.0, Error::NoStorageAccess(Box::new(denied())));
        assert!(!item.write(&Zeroizing::new([7; 32])));
        assert!(matches!(item.read(), Found::Missing));
    }
}
