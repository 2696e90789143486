//! A document's bytes as text.

use std::fmt;

use kubex_core::{ExposeSecret, SecretBytes, SecretString};
use zeroize::Zeroizing;

/// The byte order mark of UTF-8.
const MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A document's text, in memory that is wiped when it goes.
pub(crate) struct Text(SecretString);

impl Text {
    /// The text of the bytes, without its byte order mark: UTF-8 or, with such a mark, UTF-16.
    pub(crate) fn of(content: &SecretBytes) -> Option<Self> {
        let from_units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Zeroizing<Vec<u16>> = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect());
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        };
        let text = match content.expose_secret() {
            [0xff, 0xfe, rest @ ..] => from_units(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => from_units(rest, u16::from_be_bytes),
            bytes => std::str::from_utf8(bytes.strip_prefix(MARK).unwrap_or(bytes))
                .ok()
                .map(str::to_owned),
        };
        Some(Self(text?.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.as_str().len())
    }
}
