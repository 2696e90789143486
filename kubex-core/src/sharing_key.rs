//! By what a credential source is known to be the same as another.

use std::fmt;

use zeroize::Zeroizing;

/// What a credential source is known by: a list of texts, which may be secrets. Two sources are the same when
/// all of them are.
///
/// ```
/// use kubex_core::credentials::SharingKey;
/// let key = |role: &str| SharingKey::new("vault").with(role);
/// assert_eq!(key("deployer"), key("deployer"));
/// assert_ne!(key("deployer"), key("reader"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SharingKey {
    /// The parts, each behind its length. Wiped on drop, and so is what it leaves behind when it grows.
    bytes: Zeroizing<Vec<u8>>,
    parts: usize,
}

/// Room for most keys.
const USUAL_LENGTH: usize = 512;

impl SharingKey {
    /// The key of a provider that is registered under this name.
    pub fn new(provider: &str) -> Self {
        let empty = Self {
            bytes: Zeroizing::new(Vec::with_capacity(USUAL_LENGTH)),
            parts: 0,
        };
        empty.with(provider)
    }

    /// Adds a part.
    #[must_use]
    pub fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        let length = part.len().to_le_bytes();
        let needed = self.bytes.len() + length.len() + part.len();
        if needed > self.bytes.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.bytes.capacity() * 2));
            larger.extend_from_slice(&self.bytes);
            self.bytes = Zeroizing::new(larger);
        }
        self.bytes.extend_from_slice(&length);
        self.bytes.extend_from_slice(part);
        self.parts += 1;
        self
    }
}

impl PartialOrd for SharingKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharingKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.as_slice().cmp(other.bytes.as_slice())
    }
}

impl fmt::Debug for SharingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharingKey")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_equal_where_their_parts_are() {
        let long = "x".repeat(USUAL_LENGTH);
        let key = |parts: &[&str]| {
            parts
                .iter()
                .fold(SharingKey::new("vault"), |key, part| key.with(part))
        };
        assert_eq!(key(&[&long, "b"]), key(&[&long, "b"]));
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["a"]), key(&["a", ""]));
    }

    #[test]
    fn a_key_shows_no_part() {
        let shown = format!("{:?}", SharingKey::new("vault").with("s3cret"));
        assert!(!shown.contains("s3cret") && !shown.contains("115"), "{shown}");
    }
}
