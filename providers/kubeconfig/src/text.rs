//! A document's bytes as text.

use std::fmt;

use kubex_core::{ExposeSecret, SecretBytes, SecretString};
use zeroize::Zeroizing;

/// The byte order mark of UTF-8, as bytes and as a character.
const MARK: (&[u8], char) = (&[0xef, 0xbb, 0xbf], '\u{feff}');

/// A document's text, without its byte order mark; wiped when it goes.
///
/// Its bytes become the text where they are: whether they are UTF-8 is found out once, and 64 MiB are not copied.
pub(crate) struct Text {
    text: SecretString,
    start: usize,
}

impl Text {
    /// The text of the bytes: UTF-8 or, with a byte order mark, UTF-16.
    pub(crate) fn of(content: SecretBytes) -> Option<Self> {
        let from_units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Zeroizing<Vec<u16>> = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect());
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        };
        let (text, start) = match content.expose_secret() {
            [0xff, 0xfe, rest @ ..] => (from_units(rest, u16::from_le_bytes)?.into(), 0),
            [0xfe, 0xff, rest @ ..] => (from_units(rest, u16::from_be_bytes)?.into(), 0),
            bytes if bytes.starts_with(MARK.0) => (content.into_text().ok()?, MARK.1.len_utf8()),
            _ => (content.into_text().ok()?, 0),
        };
        Some(Self { text, start })
    }

    pub(crate) fn as_str(&self) -> &str {
        // The mark is one character, so there is always something behind it.
        self.text.expose_secret().get(self.start..).unwrap_or_default()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.as_str().len())
    }
}
