//! Decodes bytes to text: UTF-8 or UTF-16, without the byte order mark, wiped on drop.

use std::fmt;
use std::sync::Arc;

use kubex_core::{ExposeSecret, SecretBytes, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Problem, ReadError};

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The decoded text of a document, without its byte order mark. Clones share the text. It is wiped when the last clone
/// is dropped.
///
/// A text in UTF-8 is checked, but not copied.
#[derive(Clone)]
pub struct Text {
    text: Arc<SecretString>,
    start: usize,
}

impl Text {
    /// Decodes bytes: UTF-8, or UTF-16 with a byte order mark.
    ///
    /// # Errors
    /// Returns [`Problem::Encoding`] if the bytes are neither.
    pub fn new(content: SecretBytes) -> Result<Self, ReadError> {
        let decoded = match content.expose_secret() {
            [0xff, 0xfe, rest @ ..] => Some(from_utf16(rest, u16::from_le_bytes)),
            [0xfe, 0xff, rest @ ..] => Some(from_utf16(rest, u16::from_be_bytes)),
            _ => None,
        };
        let start = if decoded.is_none() && content.expose_secret().starts_with(MARK) {
            MARK.len()
        } else {
            0
        };
        let text = match decoded {
            Some(text) => text
                .ok_or(ReadError::new(Problem::Encoding, 0))
                .map(SecretString::unlisted)?,
            None => content
                .into_text()
                .map_err(|error| ReadError::new(Problem::Encoding, error.valid_up_to()))?,
        };
        Ok(Self {
            text: Arc::new(text),
            start,
        })
    }

    /// Returns the text. All spans are ranges of this text.
    pub fn as_str(&self) -> &str {
        self.text.expose_secret().get(self.start..).unwrap_or_default()
    }
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Zeroizing<Vec<u16>> = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect());
    rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self {
            text: Arc::new(SecretString::unlisted(text)),
            start: 0,
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.as_str().len())
    }
}

/// Text that differs from the document's: escapes, folded lines, decoded base64.
///
/// One buffer contains it, which is wiped on drop, and also when it moves to a larger allocation.
#[derive(Default)]
pub(crate) struct Decoded(String);

impl Decoded {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    pub(crate) fn push_str(&mut self, text: &str) {
        let needed = self.0.len() + text.len();
        if needed > self.0.capacity() {
            let mut larger = String::with_capacity(needed.max(self.0.capacity() * 2).max(64));
            larger.push_str(&self.0);
            wipe(std::mem::replace(&mut self.0, larger));
        }
        self.0.push_str(text);
    }
}

/// Wipes a text as a slice, which is faster than one byte at a time.
fn wipe(text: String) {
    let mut bytes = text.into_bytes();
    bytes.as_mut_slice().zeroize();
    bytes.spare_capacity_mut().zeroize();
}

impl Drop for Decoded {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.0));
    }
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoded({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        for bytes in [
            "a: ü\r\n".as_bytes().to_vec(),
            "\u{feff}a: ü\r\n".as_bytes().to_vec(),
            utf16("\u{feff}a: ü\r\n", u16::to_le_bytes),
            utf16("\u{feff}a: ü\r\n", u16::to_be_bytes),
        ] {
            assert_eq!(Text::new(bytes.into()).unwrap().as_str(), "a: ü\r\n");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_with_their_place() {
        let error = Text::new(b"a: \xff".to_vec().into()).unwrap_err();
        assert_eq!((error.problem(), error.offset()), (&Problem::Encoding, 3));
        assert!(Text::new(b"\xff\xfea".to_vec().into()).is_err());
        assert!(Text::new(b"\xff\xfe\x00\xd8".to_vec().into()).is_err());
    }

    #[test]
    fn the_buffer_grows_and_keeps_its_text() {
        let mut decoded = Decoded::default();
        for _ in 0..100 {
            decoded.push_str("abc");
            decoded.push('é');
        }
        assert_eq!(decoded.as_str(), "abcé".repeat(100));
        assert_eq!(format!("{decoded:?}"), "Decoded(500 bytes)");
    }
}
