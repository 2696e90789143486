//! Values that must never be shown.
//!
//! Text is kept by the `secrecy` crate's type, bytes by one that behaves alike: their `Debug` is redacted, they are
//! wiped from memory on drop, and they cannot be serialized. Reading one takes an explicit
//! [`ExposeSecret::expose_secret`], which is easy to find in a review.

use std::fmt;

pub use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroize as _;

/// Bytes that must never be shown: a file that may hold a key, a private key in DER.
///
/// Unlike the bytes of `secrecy` they can [become a text](Self::into_text) where they are, so that a large file is
/// not in memory twice.
#[derive(Clone, Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// The same as a text, without a copy of it. Bytes that are no UTF-8 are wiped.
    ///
    /// # Errors
    /// Where they are no UTF-8.
    pub fn into_text(mut self) -> Result<SecretString, std::str::Utf8Error> {
        match String::from_utf8(std::mem::take(&mut self.0)) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                let why = error.utf8_error();
                drop(Self(error.into_bytes()));
                Err(why)
            }
        }
    }
}

impl ExposeSecret<[u8]> for SecretBytes {
    fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes);
        }
        // Shrinking a buffer in place may leave a copy behind.
        Self(Self(bytes).expose_secret().to_vec())
    }
}

impl From<Box<[u8]>> for SecretBytes {
    fn from(bytes: Box<[u8]>) -> Self {
        Self(bytes.into_vec())
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        // As slices they are wiped at once, and not byte by byte.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_text_they_are_in_the_same_place() {
        let bytes = SecretBytes::from(b"s3cret".to_vec());
        let place = bytes.expose_secret().as_ptr();
        let text = bytes.into_text().unwrap();
        assert_eq!(text.expose_secret(), "s3cret");
        assert_eq!(text.expose_secret().as_ptr(), place);
        assert!(SecretBytes::from(vec![0xff]).into_text().is_err());
    }

    #[test]
    fn bytes_are_not_shown_and_keep_no_room_to_spare() {
        let mut roomy = Vec::with_capacity(100);
        roomy.extend_from_slice(b"s3cret");
        let bytes = SecretBytes::from(roomy);
        assert_eq!(bytes.expose_secret(), b"s3cret");
        assert_eq!(bytes.0.capacity(), 6);
        assert!(!format!("{bytes:?}").contains("s3cret"));
    }
}
