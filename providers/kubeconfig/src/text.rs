//! A document's bytes as text.

use std::fmt;

use kubex_core::{ExposeSecret, SecretBytes};
use zeroize::Zeroizing;

/// The byte order mark of UTF-8.
const MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A document's text, without its byte order mark; wiped when it goes.
///
/// A copy of the bytes rather than the bytes themselves: whether they are UTF-8 is found out once, and not each
/// time that somebody looks something up in 64 MiB.
pub(crate) struct Text(Zeroizing<String>);

impl Text {
    /// The text of the bytes: UTF-8 or, with a byte order mark, UTF-16.
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
        text.map(|text| Self(Zeroizing::new(text)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.as_str().len())
    }
}
