//! Secret values: redacted in `Debug`, wiped on drop, not serializable.
//!
//! [`SecretString`] is the `secrecy` crate's type; [`SecretBytes`] behaves alike. Reading a secret takes an explicit
//! [`ExposeSecret::expose_secret`], which is easy to find in a review. [`WipedString`] is for text that may contain a
//! secret and is read like any other.

use std::fmt;
use std::ops::Deref;

pub use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

/// Secret bytes: a file that may contain a key, a private key in DER.
///
/// Unlike the bytes of `secrecy` they can [become a text](Self::into_text) in place, so that a large file is not in memory
/// twice.
#[derive(Clone, Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Converts the bytes to a text in place, without a copy.
    ///
    /// # Errors
    /// If the bytes are not UTF-8; they are wiped then.
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
        // Shrinking a buffer may leave a copy behind, so the bytes are copied and the old buffer is wiped.
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
        // Slices are wiped as a whole, which is faster than byte by byte.
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([REDACTED])")
    }
}

/// Text of a document, which may be a secret: it is wiped on drop and redacted in `Debug`, and read like a `str`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WipedString(Zeroizing<String>);

impl WipedString {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for WipedString {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for WipedString {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for WipedString {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WipedString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WipedString([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_a_text_in_place() {
        let bytes = SecretBytes::from(b"s3cret".to_vec());
        let place = bytes.expose_secret().as_ptr();
        let text = bytes.into_text().unwrap();
        assert_eq!(text.expose_secret(), "s3cret");
        assert_eq!(text.expose_secret().as_ptr(), place);
        assert!(SecretBytes::from(vec![0xff]).into_text().is_err());
    }

    #[test]
    fn bytes_are_not_shown_and_keep_no_spare_capacity() {
        let mut roomy = Vec::with_capacity(100);
        roomy.extend_from_slice(b"s3cret");
        let bytes = SecretBytes::from(roomy);
        assert_eq!(bytes.expose_secret(), b"s3cret");
        assert_eq!(bytes.0.capacity(), 6);
        assert!(!format!("{bytes:?}").contains("s3cret"));
    }
}
