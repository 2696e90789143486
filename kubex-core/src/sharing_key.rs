//! Key under which equal credential sources share one credential.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::LazyLock;

/// Key under which equal credential sources share one credential.
///
/// It is a digest of the parts that identify a source; some of them may be secrets. The digest is keyed with a random
/// key of this process, so that no part can be guessed from it, and two keys are equal exactly if their parts are.
///
/// ```
/// use kubex_core::credentials::SharingKey;
/// let key = |role: &str| SharingKey::new("vault").with(role);
/// assert_eq!(key("deployer"), key("deployer"));
/// assert_ne!(key("deployer"), key("reader"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharingKey([u8; 32]);

impl SharingKey {
    /// The key of the provider that is registered under this name, without further parts.
    pub fn new(provider: &str) -> Self {
        Self([0; 32]).with(provider)
    }

    /// Adds a part. The order of the parts matters.
    #[must_use]
    pub fn with(self, part: impl AsRef<[u8]>) -> Self {
        // The digest so far has a fixed length, so the boundary between it and the part is never ambiguous.
        let mut hasher = blake3::Hasher::new_keyed(&PROCESS_KEY);
        hasher.update(&self.0);
        hasher.update(part.as_ref());
        Self(hasher.finalize().into())
    }

    /// Adds a part that may be missing. A missing part differs from an empty one.
    #[must_use]
    pub fn with_optional(self, part: Option<impl AsRef<[u8]>>) -> Self {
        match part {
            Some(part) => self.with([1]).with(part),
            None => self.with([0]),
        }
    }

    /// Adds a list. Two lists that are added one after the other never run into each other.
    #[must_use]
    pub fn with_list<P: AsRef<[u8]>>(self, parts: impl IntoIterator<Item = P>) -> Self {
        let key = parts
            .into_iter()
            .fold(self, |key, part| key.with_optional(Some(part)));
        key.with_optional(None::<P>)
    }
}

/// Random bytes of this process. The standard library seeds the keys of its hash maps with the system's random numbers.
static PROCESS_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let mut key = [0; 32];
    for bytes in key.chunks_exact_mut(8) {
        bytes.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    key
});

impl fmt::Debug for SharingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharingKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_no_part() {
        let shown = format!("{:?}", SharingKey::new("vault").with("s3cret"));
        assert_eq!(shown, "SharingKey");
    }

    #[test]
    fn parts_never_run_into_each_other() {
        let key = SharingKey::new("vault");
        let keys = [
            key.clone(),
            key.clone().with(""),
            key.clone().with("ab"),
            key.clone().with("a").with("b"),
            key.clone().with("b").with("a"),
            key.clone().with_optional(Some("ab")),
            key.clone().with_optional(None::<&str>),
            key.clone().with_optional(Some("")),
            key.clone().with_list(["a"]).with_list(["b"]),
            key.clone().with_list(["a", "b"]).with_list([""; 0]),
            key.clone().with_list([""; 0]).with_list(["a", "b"]),
            SharingKey::new("vaul").with("t"),
        ];
        for (index, one) in keys.iter().enumerate() {
            for other in &keys[index + 1..] {
                assert_ne!(one.0, other.0);
            }
        }
    }

    #[test]
    fn equal_parts_are_an_equal_key() {
        let key = || SharingKey::new("vault").with("a").with_list(["b", "c"]);
        assert_eq!(key(), key());
    }
}
