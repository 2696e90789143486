//! The keyrings of macOS and Windows: which one holds the item, and that it opens no dialog.

use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Result};

/// The name under which a person sees the items.
const SERVICE: &str = "kubex-store";

/// The item of a store in the login keychain.
#[cfg(target_os = "macos")]
pub(super) fn entry(store: &str) -> Result<Entry> {
    let keychain: Arc<CredentialStore> = apple_native_keyring_store::keychain::Store::new()?;
    Entry::new_in_store(&keychain, SERVICE, store)
}

/// The item of a store in the Credential Manager. It stays on this machine, as the files that it encrypts do.
#[cfg(windows)]
pub(super) fn entry(store: &str) -> Result<Entry> {
    let manager: Arc<CredentialStore> = windows_native_keyring_store::Store::new()?;
    let local = std::collections::HashMap::from([("persistence", "Local")]);
    Entry::new_in_store_with_modifiers(&manager, SERVICE, store, &local)
}

/// The keychain asks its user before it gives an item to another program than the one that added it, which an update makes
/// of the same program. A plugin of kubectl must not wait for that.
#[cfg(target_os = "macos")]
pub(super) fn without_dialogs<T>(work: impl FnOnce() -> T) -> Option<T> {
    use std::sync::{Mutex, PoisonError};

    use security_framework::os::macos::keychain::SecKeychain;

    /// The setting is one of the process, so one thread at a time changes it.
    static SETTING: Mutex<()> = Mutex::new(());

    let _changing = SETTING.lock().unwrap_or_else(PoisonError::into_inner);
    // If the program has forbidden dialogs itself, they stay forbidden.
    let _forbidden = if SecKeychain::user_interaction_allowed().ok()? {
        Some(SecKeychain::disable_user_interaction().ok()?)
    } else {
        None
    };
    Some(work())
}
