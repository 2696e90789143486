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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharingKey(Vec<Part>);

/// A copy of its own, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
struct Part(Zeroizing<Vec<u8>>);

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_slice().cmp(other.0.as_slice())
    }
}

impl SharingKey {
    /// The key of a provider that is registered under this name.
    pub fn new(provider: &str) -> Self {
        Self(Vec::new()).with(provider)
    }

    /// Adds a part.
    #[must_use]
    pub fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        self.0.push(Part(Zeroizing::new(part.as_ref().to_vec())));
        self
    }
}

impl fmt::Debug for SharingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharingKey")
            .field("parts", &self.0.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_no_part() {
        let shown = format!("{:?}", SharingKey::new("vault").with("s3cret"));
        assert!(!shown.contains("s3cret") && !shown.contains("115"), "{shown}");
    }
}
