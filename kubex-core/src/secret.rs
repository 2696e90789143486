//! Secret values: redacted in `Debug`, wiped on drop, not serializable, and masked in every text that Kubex prints.
//!
//! While a [`SecretString`] exists, [`sanitize`](crate::text::sanitize) recognizes its text in a message, even if it is
//! encoded, and masks it. For this purpose, a keyed hash of the text is kept. Reading a [`SecretString`] or [`SecretBytes`]
//! requires a call of [`ExposeSecret::expose_secret`], which is easy to find in a review. [`WipedString`] and [`SecretBuffer`]
//! are for text and bytes that may contain a secret, but are read without this call.
//!
//! | type | use it for | `Debug` | wiped on drop | masked in messages |
//! |---|---|---|---|---|
//! | [`SecretString`] | a token, a password | redacted | yes | yes |
//! | [`SecretBytes`] | the content of a file that may contain secrets | redacted | yes | no |
//! | [`SecretBuffer`] | bytes that arrive in pieces | redacted | yes | no |
//! | [`WipedString`] | a text that may contain a secret | redacted | yes | no |
//!
//! ```
//! use kubex_core::{ExposeSecret, SecretString};
//! use kubex_core::text::sanitize;
//!
//! let token = SecretString::from("a-long-and-secret-token".to_owned());
//! assert!(!format!("{token:?}").contains("a-long"));
//! // While it exists, no message of Kubex shows it, whatever code writes the message.
//! assert!(!sanitize("the plugin printed a-long-and-secret-token").contains("a-long"));
//! assert_eq!(token.expose_secret(), "a-long-and-secret-token");
//! ```

mod buffer;
pub(crate) mod known;
pub(crate) mod spelling;

use std::fmt;
use std::ops::Deref;

pub use buffer::SecretBuffer;
pub use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize as _, Zeroizing};

use known::Listing;

/// A secret text. While it exists, it is masked in every text that Kubex prints. A secret of fewer than eight bytes is not
/// masked.
///
/// ```
/// use kubex_core::SecretString;
/// use kubex_core::text::sanitize;
/// let secret = SecretString::from("correct-horse-7");
/// assert_eq!(sanitize("cannot log in with correct-horse-7"), "cannot log in with [masked]");
/// drop(secret);
/// assert_eq!(sanitize("cannot log in with correct-horse-7"), "cannot log in with correct-horse-7");
/// ```
#[derive(Default)]
pub struct SecretString {
    text: secrecy::SecretString,
    listing: Listing,
}

impl SecretString {
    /// Creates a text that is redacted and wiped, but not masked in other texts. Use it for a text that may or may not
    /// be secret, such as the value of a plugin's variable: masking every `eu-west-1` would make messages useless.
    ///
    /// ```
    /// use kubex_core::SecretString;
    /// use kubex_core::text::sanitize;
    ///
    /// let region = SecretString::unlisted("eu-west-1");
    /// assert_eq!(sanitize("no cluster in eu-west-1"), "no cluster in eu-west-1");
    /// assert!(!format!("{region:?}").contains("eu-west-1"));
    /// ```
    pub fn unlisted(text: impl Into<Box<str>>) -> Self {
        Self {
            text: secrecy::SecretString::from(text.into()),
            listing: Listing::default(),
        }
    }

    fn listed(text: secrecy::SecretString) -> Self {
        let listing = Listing::new(text.expose_secret().as_bytes());
        Self { text, listing }
    }
}

impl ExposeSecret<str> for SecretString {
    fn expose_secret(&self) -> &str {
        self.text.expose_secret()
    }
}

impl From<Box<str>> for SecretString {
    fn from(text: Box<str>) -> Self {
        Self::listed(text.into())
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self::listed(text.into())
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self::listed(text.into())
    }
}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        secrecy::SecretString::deserialize(deserializer).map(Self::listed)
    }
}

impl Clone for SecretString {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            listing: self.listing.again(),
        }
    }
}

impl Drop for SecretString {
    fn drop(&mut self) {
        self.listing.remove(self.text.expose_secret().as_bytes());
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString([REDACTED])")
    }
}

/// Secret bytes, such as the content of a file or a private key in DER. `Debug` never shows them.
///
/// Unlike a [`SecretString`], they are not masked in messages, because most of them are whole documents. Only the key of a
/// client certificate is masked there.
///
/// They can be [converted to text](Self::into_text) without a copy.
#[derive(Default)]
pub struct SecretBytes {
    bytes: Vec<u8>,
    listing: Listing,
}

impl SecretBytes {
    fn unlisted(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            listing: Listing::default(),
        }
    }

    /// Masks this secret in every text that Kubex prints, while the secret exists.
    #[must_use]
    pub(crate) fn listed(mut self) -> Self {
        self.listing.remove(&self.bytes);
        self.listing = Listing::new(&self.bytes);
        self
    }

    /// Converts the bytes to text without a copy. The text is [unlisted](SecretString::unlisted): it is not masked in
    /// messages.
    ///
    /// ```
    /// use kubex_core::{ExposeSecret as _, SecretBytes};
    ///
    /// let text = SecretBytes::from(b"abc".to_vec()).into_text()?;
    /// assert_eq!(text.expose_secret(), "abc");
    /// # Ok::<(), std::str::Utf8Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the bytes are not UTF-8. They are wiped.
    pub fn into_text(mut self) -> Result<SecretString, std::str::Utf8Error> {
        self.listing.remove(&self.bytes);
        match String::from_utf8(std::mem::take(&mut self.bytes)) {
            Ok(text) => Ok(SecretString::unlisted(text)),
            Err(error) => {
                let why = error.utf8_error();
                drop(Self::unlisted(error.into_bytes()));
                Err(why)
            }
        }
    }
}

impl ExposeSecret<[u8]> for SecretBytes {
    fn expose_secret(&self) -> &[u8] {
        &self.bytes
    }
}

impl Clone for SecretBytes {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            listing: self.listing.again(),
        }
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self::unlisted(bytes);
        }
        // Shrinking a buffer may leave a copy behind, so the bytes are copied and the old buffer is wiped.
        let copy = bytes.as_slice().to_vec();
        drop(Self::unlisted(bytes));
        Self::unlisted(copy)
    }
}

impl From<Box<[u8]>> for SecretBytes {
    fn from(bytes: Box<[u8]>) -> Self {
        Self::unlisted(bytes.into_vec())
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.listing.remove(&self.bytes);
        // Slices are wiped as a whole, which is faster than byte by byte.
        self.bytes.as_mut_slice().zeroize();
        self.bytes.spare_capacity_mut().zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([REDACTED])")
    }
}

/// A text that may contain a secret, such as a value of a document. It is redacted in `Debug`, wiped on drop, and read
/// like a `str`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WipedString(Zeroizing<Box<str>>);

impl WipedString {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for WipedString {
    fn from(text: String) -> Self {
        if text.len() == text.capacity() {
            return Self(Zeroizing::new(text.into_boxed_str()));
        }
        // Shrinking a text may leave a copy behind, so it is copied and the old one is wiped.
        Self::from(Zeroizing::new(text).as_str())
    }
}

impl From<&str> for WipedString {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
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
        assert_eq!(bytes.bytes.capacity(), 6);
        assert!(!format!("{bytes:?}").contains("s3cret"));
    }
}
