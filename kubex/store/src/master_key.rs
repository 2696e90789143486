//! The key of the store. It is not beside the files that it encrypts: on Linux the kernel keeps it in the user's keyring,
//! which all logins of the user share and which is gone after a reboot.
//!
//! A container often has no keyring. Then the key is in a file of the user, which protects the credentials from other
//! users and not from a copy of the directory.

use std::time::Duration;

use kubex_core::Warning;
use kubex_core::text::shown_path;
use zeroize::Zeroizing;

use crate::directory::Directory;
use crate::location::KeyPlace;
use crate::lock::lock_within;
use crate::unshared::Unshared;

/// The file with the key, if there is no keyring.
const FILE: &str = "key";
/// The file that is locked while a key is created.
const LOCK: &str = "key.lock";
/// How long another process may take to create a key.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

pub(crate) type MasterKey = Zeroizing<[u8; 32]>;

/// Reads the key, or creates one. The warning is there once, when a file with the key was created because there is no
/// keyring.
pub(crate) fn read_or_create(
    directory: &Directory,
    place: KeyPlace,
) -> Result<(MasterKey, Option<Warning>), Unshared> {
    let ring = (place == KeyPlace::Keyring)
        .then(|| keyring::Ring::open(directory.path()))
        .flatten();
    if let Some(key) = ring.as_ref().and_then(keyring::Ring::read) {
        return Ok((key, None));
    }
    // Read again under the lock: another process may have created the key at the same time.
    let lock = directory.open_lock(LOCK)?;
    let is_locked = lock_within(&lock, LOCK_LIMIT);
    if !is_locked.map_err(|error| Unshared::from_io("lock a file in", directory.path(), &error))? {
        return Err(Unshared::new(
            format!(
                "another process has locked the key of \"{}\"",
                shown_path(directory.path())
            ),
            "end the process that is stopped",
        ));
    }
    if let Some(ring) = &ring {
        if let Some(key) = ring.read() {
            return Ok((key, None));
        }
        let key = random()?;
        if ring.write(&key) && ring.read().is_some_and(|read| *read == *key) {
            return Ok((key, None));
        }
    }
    if let Some(key) = read_file(directory)? {
        return Ok((key, None));
    }
    let key = random()?;
    directory.replace(FILE, key.as_ref())?;
    let warning = (place == KeyPlace::Keyring).then(|| {
        Warning::new(
            "cache-key-in-file",
            format_args!(
                "there is no keyring, so the key that encrypts the cached credentials is beside them, in \"{}\"; set \
                 KUBEX_CACHE_KEY=file if that is intended",
                shown_path(&directory.path().join(FILE))
            ),
        )
    });
    Ok((key, warning))
}

fn read_file(directory: &Directory) -> Result<Option<MasterKey>, Unshared> {
    let content = directory.read(FILE)?;
    Ok(content.and_then(|content| content.as_slice().try_into().ok().map(Zeroizing::new)))
}

fn random() -> Result<MasterKey, Unshared> {
    let mut key = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(key.as_mut())
        .map_err(|_| Unshared::new("the system has no random numbers", "check the system"))?;
    Ok(key)
}

#[cfg(target_os = "linux")]
mod keyring {
    use std::path::Path;

    use aws_lc_rs::digest;
    use linux_keyutils::{KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
    use zeroize::Zeroizing;

    use super::MasterKey;
    use crate::name::hexadecimal;

    /// The keyring of the user (`@u`).
    pub(super) struct Ring {
        ring: KeyRing,
        /// One key for each directory. Its path is not shown in the list of keys.
        description: String,
    }

    impl Ring {
        pub(super) fn open(directory: &Path) -> Option<Self> {
            let digest = digest::digest(&digest::SHA256, directory.as_os_str().as_encoded_bytes());
            let digest = hexadecimal(digest.as_ref().get(..8).unwrap_or_default());
            Some(Self {
                ring: KeyRing::from_special_id(KeyRingIdentifier::User, false).ok()?,
                description: format!("kubex-store:{digest}"),
            })
        }

        pub(super) fn read(&self) -> Option<MasterKey> {
            let key = self.ring.search(&self.description).ok()?;
            let mut bytes = Zeroizing::new([0; 32]);
            let length = key.read(&mut *bytes).ok()?;
            (length == bytes.len()).then_some(bytes)
        }

        /// Adds the key. Every process of the user may find and read it, also one whose session does not possess the
        /// keyring.
        pub(super) fn write(&self, key: &MasterKey) -> bool {
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

    #[cfg(test)]
    pub(super) fn forget(directory: &Path) {
        if let Some(ring) = Ring::open(directory)
            && let Ok(key) = ring.ring.search(&ring.description)
        {
            key.invalidate().unwrap();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod keyring {
    use std::path::Path;

    use super::MasterKey;

    /// There is none whose items a command reads without asking its user.
    pub(super) struct Ring;

    impl Ring {
        pub(super) fn open(_: &Path) -> Option<Self> {
            None
        }

        pub(super) fn read(&self) -> Option<MasterKey> {
            None
        }

        pub(super) fn write(&self, _: &MasterKey) -> bool {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Directory) {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::open(&parent.path().join("store")).unwrap();
        (parent, directory)
    }

    #[test]
    fn a_key_in_a_file_stays_the_same_and_a_damaged_one_is_replaced() {
        let (_parent, directory) = directory();
        let (first, warning) = read_or_create(&directory, KeyPlace::File).unwrap();
        assert!(warning.is_none());
        assert_eq!(read_or_create(&directory, KeyPlace::File).unwrap().0, first);
        directory.replace(FILE, b"short").unwrap();
        assert_ne!(read_or_create(&directory, KeyPlace::File).unwrap().0, first);
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[expect(clippy::print_stdout, reason = "a check that cannot run here says so")]
    fn a_key_in_the_keyring_is_in_no_file_and_another_one_follows_when_it_is_gone() {
        let (_parent, directory) = directory();
        let (first, warning) = read_or_create(&directory, KeyPlace::Keyring).unwrap();
        if warning.is_some() {
            println!("NOT TESTED: the kernel's keyring: this machine has none");
            return;
        }
        assert_eq!(directory.files().unwrap(), [LOCK]);
        assert_eq!(read_or_create(&directory, KeyPlace::Keyring).unwrap().0, first);
        keyring::forget(directory.path());
        assert_ne!(read_or_create(&directory, KeyPlace::Keyring).unwrap().0, first);
        keyring::forget(directory.path());
    }

    #[test]
    fn many_threads_create_one_key() {
        let (_parent, directory) = directory();
        let keys = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| read_or_create(&directory, KeyPlace::File).unwrap().0))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
