//! Encrypts and decrypts the files of the store: AES-256-GCM with a random nonce.
//!
//! The name of the slot and the kind of the file are authenticated too, so that a file that was copied to another slot is
//! not read.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::name::{Name, short};

/// The beginning of every file: the format, and its version.
const MAGIC: &[u8; 4] = b"KXS1";
const KEY_ID: usize = 16;

/// The keys of the store, derived from its one key.
pub(crate) struct Keys {
    /// Which key it is. A file of another key counts as missing.
    id: [u8; KEY_ID],
    names: hmac::Key,
    content: RandomizedNonceKey,
}

impl Keys {
    /// Derives the keys. `None` if the library refuses, which it does not for a key of this length.
    pub(crate) fn derive(master: &[u8; 32]) -> Option<Self> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"kubex store 1");
        let pseudorandom = salt.extract(master);
        let derive = |purpose: &[u8]| {
            let mut key = Zeroizing::new([0_u8; 32]);
            let purpose = [purpose];
            pseudorandom
                .expand(&purpose, hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut *key))
                .ok()?;
            Some(key)
        };
        Some(Self {
            id: short(derive(b"id")?.as_ref()),
            names: hmac::Key::new(hmac::HMAC_SHA256, derive(b"names")?.as_ref()),
            content: RandomizedNonceKey::new(&AES_256_GCM, derive(b"content")?.as_ref()).ok()?,
        })
    }

    /// The key of the digests.
    pub(crate) fn names(&self) -> &hmac::Key {
        &self.names
    }

    /// Encrypts the content of a file.
    pub(crate) fn seal(&self, name: Name, kind: &str, content: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        let mut content = content;
        // Sealing appends the tag, and a vector that grew would leave its content behind.
        content.reserve_exact(AES_256_GCM.tag_len());
        let aad = Aad::from(associated(name, kind));
        let nonce = self.content.seal_in_place_append_tag(aad, &mut *content).ok()?;
        Some([MAGIC.as_slice(), &self.id, nonce.as_ref(), &content].concat())
    }

    /// Decrypts a file. `None` if it is damaged, or was encrypted with another key or for another slot.
    pub(crate) fn open(&self, name: Name, kind: &str, file: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let rest = file.strip_prefix(MAGIC)?.strip_prefix(&self.id)?;
        let (nonce, content) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = Zeroizing::new(content.to_vec());
        let aad = Aad::from(associated(name, kind));
        let length = self.content.open_in_place(nonce, aad, &mut content).ok()?.len();
        content.truncate(length);
        Some(content)
    }
}

fn associated(name: Name, kind: &str) -> Vec<u8> {
    [name.bytes(), kind.as_bytes()].concat()
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[cfg(test)]
mod tests {
    use kubex_core::credentials::StoreIdentity;

    use super::*;

    fn sealed() -> (Keys, Name, Vec<u8>) {
        let keys = Keys::derive(&[7; 32]).unwrap();
        let name = Name::new(keys.names(), &StoreIdentity::new("exec", "aws"));
        let file = keys
            .seal(name, "credential", Zeroizing::new(b"s3cret".to_vec()))
            .unwrap();
        (keys, name, file)
    }

    #[test]
    fn what_is_sealed_is_opened_only_in_its_place_and_with_its_key() {
        let (keys, name, file) = sealed();
        assert_eq!(
            keys.open(name, "credential", &file).unwrap().as_slice(),
            b"s3cret"
        );
        assert!(!file.windows(6).any(|window| window == b"s3cret"));
        assert!(keys.open(name, "outcome", &file).is_none());
        let other = Name::new(
            keys.names(),
            &StoreIdentity::new("exec", "aws").with("role", "other"),
        );
        assert!(keys.open(other, "credential", &file).is_none());
        assert!(
            Keys::derive(&[8; 32])
                .unwrap()
                .open(name, "credential", &file)
                .is_none()
        );
    }

    #[test]
    fn a_file_that_is_cut_or_changed_anywhere_is_not_read() {
        let (keys, name, file) = sealed();
        for end in 0..file.len() {
            assert!(keys.open(name, "credential", &file[..end]).is_none(), "{end}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(keys.open(name, "credential", &changed).is_none(), "{at}");
        }
    }
}
