//! The keyring of the platform, which keeps the key of the store apart from the files that it encrypts.
//!
//! | platform | keyring | who can read the key |
//! |---|---|---|
//! | Linux | the kernel's, of the user (`@u`); it is empty after a reboot | every process of the user |
//! | macOS | the login keychain | the program that added it |
//! | Windows | the Credential Manager | every process of the user's session |
//!
//! A keyring that is locked, or that has to ask its user first, refuses: no dialog ever opens. Other platforms have none.

use std::path::Path;

use aws_lc_rs::digest;

use crate::master_key::MasterKey;
use crate::name::hexadecimal;

#[cfg(any(target_os = "macos", windows, test))]
mod item;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(any(target_os = "macos", windows))]
mod native;

#[cfg(test)]
pub(crate) use item::Item;

/// What a keyring has under the name of the store.
pub(crate) enum Found {
    Key(MasterKey),
    /// Nothing, or something that is not a key.
    Missing,
    /// The keyring is locked, or denies this program its item.
    Refused,
}

/// A keyring, with the item of one store.
pub(crate) trait Keyring {
    /// Looks for the key.
    fn read(&self) -> Found;

    /// Adds the key, in the place of an item that is not one. `false`: the keyring did not take it.
    fn write(&self, key: &MasterKey) -> bool;
}

/// The keyring of the platform, with the item of the store in this directory. `None` if there is no keyring.
pub(crate) fn open(directory: &Path) -> Option<Box<dyn Keyring>> {
    platform(&name(directory))
}

/// The name of a store. The path of its directory cannot be read from it.
fn name(directory: &Path) -> String {
    let digest = digest::digest(&digest::SHA256, directory.as_os_str().as_encoded_bytes());
    hexadecimal(digest.as_ref().get(..8).unwrap_or_default())
}

/// Removes the key from the kernel's keyring.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn forget(directory: &Path) {
    kernel::forget(&name(directory));
}

#[cfg(target_os = "linux")]
fn platform(store: &str) -> Option<Box<dyn Keyring>> {
    Some(Box::new(kernel::Kernel::open(store)?))
}

#[cfg(any(target_os = "macos", windows))]
fn platform(store: &str) -> Option<Box<dyn Keyring>> {
    Some(Box::new(item::Item::new(native::entry(store).ok()?)))
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn platform(_: &str) -> Option<Box<dyn Keyring>> {
    None
}
