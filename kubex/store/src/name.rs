//! The name of a slot: a keyed digest of the identity, which reveals nothing.

use std::fmt::{self, Write as _};

use aws_lc_rs::hmac;
use kubex_core::credentials::StoreIdentity;

/// The name of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name([u8; 16]);

impl Name {
    pub(crate) fn new(key: &hmac::Key, identity: &StoreIdentity) -> Self {
        Self(short(hmac::sign(key, identity.expose()).as_ref()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the name of a file.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32
            || !digits
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return None;
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// The bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first 16 bytes of a digest.
pub(crate) fn short(digest: &[u8]) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = *from;
    }
    bytes
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal(&self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_is_read_as_one() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let name = Name::new(&key, &StoreIdentity::new("exec", "aws"));
        assert_eq!(Name::parse(&name.to_string()), Some(name));
        for other in [
            "",
            "key",
            "../../../../etc/passwd0000000000",
            &"A".repeat(32),
            &"é".repeat(16),
        ] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }
}
