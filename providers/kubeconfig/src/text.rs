//! A document's bytes as text.

use std::fmt;

use kubex_core::{ExposeSecret, SecretBytes};
use zeroize::Zeroizing;

/// The byte order mark of UTF-8.
const MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A document's text: that of the file as it is, or one made of it. Both are wiped when they go.
pub(crate) enum Text {
    /// UTF-8 as it was read.
    Read(SecretBytes),
    /// What was UTF-16.
    Converted(Zeroizing<String>),
}

impl Text {
    /// The text of the bytes: UTF-8 or, with a byte order mark, UTF-16.
    pub(crate) fn of(content: SecretBytes) -> Option<Self> {
        let from_units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Zeroizing<Vec<u16>> = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect());
            let text = rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten();
            text.map(|text| Self::Converted(Zeroizing::new(text)))
        };
        match content.expose_secret() {
            [0xff, 0xfe, rest @ ..] => from_units(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => from_units(rest, u16::from_be_bytes),
            bytes if std::str::from_utf8(bytes).is_ok() => Some(Self::Read(content)),
            _ => None,
        }
    }

    /// The text, without its byte order mark.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Read(content) => {
                let bytes = content.expose_secret();
                // It was UTF-8 when the text was made, and nothing changes it.
                std::str::from_utf8(bytes.strip_prefix(MARK).unwrap_or(bytes)).unwrap_or_default()
            }
            Self::Converted(text) => text,
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.as_str().len())
    }
}
