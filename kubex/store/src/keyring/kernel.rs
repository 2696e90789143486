//! The user's keyring of the Linux kernel (`@u`). All logins of the user share it, and it is empty after a reboot.

use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use zeroize::Zeroizing;

use super::{Found, Keyring};
use crate::master_key::MasterKey;

/// The keyring, and the name of the store's key in it.
pub(super) struct Kernel {
    ring: KeyRing,
    description: String,
}

impl Kernel {
    /// `None` if there is no keyring, as in many containers.
    pub(super) fn open(store: &str) -> Option<Self> {
        Some(Self {
            ring: KeyRing::from_special_id(KeyRingIdentifier::User, false).ok()?,
            description: format!("kubex-store:{store}"),
        })
    }
}

impl Keyring for Kernel {
    fn read(&self) -> Found {
        let mut bytes = Zeroizing::new([0; 32]);
        let found = self.ring.search(&self.description);
        match found.and_then(|key| key.read(&mut *bytes)) {
            Ok(32) => Found::Key(bytes),
            Err(KeyError::AccessDenied | KeyError::PermissionDenied) => Found::Refused,
            _ => Found::Missing,
        }
    }

    /// Every process of the user may find and read the key, also one whose session does not possess the keyring.
    fn write(&self, key: &MasterKey) -> bool {
        let Ok(added) = self.ring.add_key(&self.description, key.as_ref()) else {
            return false;
        };
        let rights = KeyPermissionsBuilder::builder()
            .posessor(Permission::ALL)
            .user(Permission::VIEW | Permission::READ | Permission::SEARCH)
            .build();
        added.set_perms(rights).is_ok()
    }
}

/// Removes the key of a store.
#[cfg(test)]
pub(super) fn forget(store: &str) {
    if let Some(kernel) = Kernel::open(store)
        && let Ok(key) = kernel.ring.search(&kernel.description)
    {
        key.invalidate().unwrap();
    }
}
