//! The key of the store. The [keyring](crate::keyring) of the platform keeps it, and not the directory with the encrypted
//! files.
//!
//! A container often has no keyring, and some keyrings refuse a program. Then the key is in a file of the user. This protects
//! the credentials from other users, but not from a copy of the directory. If such a file exists, every program uses it and no
//! keyring, so that a store has only one key. Two programs with different keys would share nothing, and use the same refresh
//! token twice.

use std::time::Duration;

use kubex_core::Warning;
use kubex_core::text::shown_path;
use zeroize::Zeroizing;

use crate::directory::Directory;
use crate::keyring::{self, Found, Keyring};
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

/// Reads the key, or creates one. Returns a warning only when it has just created a file with the key, because no keyring
/// stored the key.
pub(crate) fn read_or_create(
    directory: &Directory,
    place: KeyPlace,
) -> Result<(MasterKey, Option<Warning>), Unshared> {
    match place {
        KeyPlace::File => Ok((find(directory, None)?.0, None)),
        KeyPlace::Keyring => find(directory, keyring::open(directory.path()).as_deref()),
    }
}

/// The key in the file or in the keyring, or a new one.
fn find(
    directory: &Directory,
    keyring: Option<&dyn Keyring>,
) -> Result<(MasterKey, Option<Warning>), Unshared> {
    if let Some(key) = read_file(directory)? {
        return Ok((key, None));
    }
    if let Some(Found::Key(key)) = keyring.map(Keyring::read) {
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
            "end that process; it may be stopped",
        ));
    }
    if let Some(key) = read_file(directory)? {
        return Ok((key, None));
    }
    let mut why = "there is no keyring";
    if let Some(keyring) = keyring {
        match keyring.read() {
            Found::Key(key) => return Ok((key, None)),
            Found::Missing => {
                let key = random()?;
                if keyring.write(&key) && matches!(keyring.read(), Found::Key(read) if *read == *key) {
                    return Ok((key, None));
                }
                why = "the keyring does not keep the key";
            }
            Found::Refused => why = "the keyring is locked or denies this program its key",
        }
    }
    let key = random()?;
    directory.replace(FILE, key.as_ref())?;
    let warning = Warning::new(
        "cache-key-in-file",
        format_args!(
            "{why}, so the key that encrypts the cached credentials is stored in the same directory, in \"{}\"; set \
             KUBEX_CACHE_KEY=file if that is intended",
            shown_path(&directory.path().join(FILE))
        ),
    );
    Ok((key, Some(warning)))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyring_core::{CredentialStore, Entry, mock};

    use super::*;
    use crate::keyring::Item;

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

    /// A keyring of the same kind as those of macOS and Windows, in memory.
    fn memory() -> Arc<CredentialStore> {
        mock::Store::new().unwrap()
    }

    fn item(keyring: &Arc<CredentialStore>) -> Entry {
        Entry::new_in_store(keyring, "kubex-store", "0123456789abcdef").unwrap()
    }

    #[test]
    fn a_key_in_an_item_is_in_no_file_and_stays_the_same() {
        let (_parent, directory) = directory();
        let keyring = memory();
        let first = find(&directory, Some(&Item::new(item(&keyring)))).unwrap();
        assert!(first.1.is_none());
        assert_eq!(directory.files().unwrap(), [LOCK]);
        assert_eq!(item(&keyring).get_secret().unwrap(), first.0.as_slice());
        let second = find(&directory, Some(&Item::new(item(&keyring)))).unwrap();
        assert_eq!(second.0, first.0);
    }

    #[test]
    fn a_damaged_item_is_replaced() {
        let (_parent, directory) = directory();
        let keyring = memory();
        for damaged in [&[][..], &[7; 31], &[7; 33]] {
            item(&keyring).set_secret(damaged).unwrap();
            let (key, warning) = find(&directory, Some(&Item::new(item(&keyring)))).unwrap();
            assert!(warning.is_none());
            assert_eq!(item(&keyring).get_secret().unwrap(), key.as_slice());
        }
        assert_eq!(directory.files().unwrap(), [LOCK]);
    }

    /// A keyring that is locked.
    struct Locked;

    impl Keyring for Locked {
        fn read(&self) -> Found {
            Found::Refused
        }

        fn write(&self, _: &MasterKey) -> bool {
            panic!("what refuses to be read may belong to another program, and is not replaced");
        }
    }

    /// A keyring that has no key afterwards, whether it says so or not.
    struct Forgetful {
        claims_to_write: bool,
    }

    impl Keyring for Forgetful {
        fn read(&self) -> Found {
            Found::Missing
        }

        fn write(&self, _: &MasterKey) -> bool {
            self.claims_to_write
        }
    }

    #[test]
    fn a_keyring_that_refuses_or_forgets_gives_way_to_a_file_with_one_warning() {
        let forgetful = |claims_to_write| Forgetful { claims_to_write };
        let keyrings: [(Option<&dyn Keyring>, &str); 4] = [
            (Some(&Locked), "is locked or denies"),
            (Some(&forgetful(true)), "does not keep the key"),
            (Some(&forgetful(false)), "does not keep the key"),
            (None, "there is no keyring"),
        ];
        for (keyring, why) in keyrings {
            let (_parent, directory) = directory();
            let (first, warning) = find(&directory, keyring).unwrap();
            let warning = warning.unwrap();
            assert_eq!(warning.id(), "cache-key-in-file");
            assert!(warning.message().contains(why), "{warning}");
            assert_eq!(directory.files().unwrap(), [FILE, LOCK]);
            let (second, warning) = find(&directory, keyring).unwrap();
            assert!(second == first && warning.is_none(), "{why}");
        }
    }

    #[test]
    fn programs_of_which_one_is_refused_have_one_key() {
        let (_parent, directory) = directory();
        let keyring = memory();
        let before = find(&directory, Some(&Item::new(item(&keyring)))).unwrap().0;
        let refused = find(&directory, Some(&Locked)).unwrap().0;
        assert_ne!(refused, before);
        assert_eq!(
            find(&directory, Some(&Item::new(item(&keyring)))).unwrap().0,
            refused
        );
        assert_eq!(find(&directory, None).unwrap().0, refused);
    }

    #[test]
    fn many_threads_create_one_key() {
        let keyring = memory();
        for is_in_keyring in [false, true] {
            let (_parent, directory) = directory();
            let create = || {
                let item = Item::new(item(&keyring));
                find(&directory, is_in_keyring.then_some(&item as &dyn Keyring))
                    .unwrap()
                    .0
            };
            let keys = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap())
                    .collect::<Vec<_>>()
            });
            assert!(keys.iter().all(|key| *key == keys[0]), "{is_in_keyring}");
            assert_eq!(
                directory.files().unwrap().contains(&FILE.to_owned()),
                !is_in_keyring
            );
        }
    }
}
