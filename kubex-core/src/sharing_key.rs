//! A key by which equal credential sources share one credential.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use zeroize::Zeroize as _;

/// A key by which equal credential sources of a process share one credential.
///
/// It is a digest of the parts that identify a source. Two keys are equal exactly if their parts are equal. Parts may
/// be secret: the digest is keyed with random bytes of this process, so no part can be guessed from it.
///
/// If ten configurations use the same exec plugin with equal options for equal clusters, the plugin runs once for all
/// of them. Each source returns its key from [`CredentialSource::sharing_key`](crate::CredentialSource::sharing_key).
/// The key must contain every option that changes the credential. If the source sends something to the cluster, it must
/// also contain the cluster.
///
/// ```
/// use kubex_core::credentials::SharingKey;
/// let key = |role: &str| SharingKey::new("vault").with(role);
/// assert_eq!(key("deployer"), key("deployer"));
/// assert_ne!(key("deployer"), key("reader"));
/// ```
#[derive(Clone)]
pub struct SharingKey(State);

#[derive(Clone)]
enum State {
    /// Further parts may follow.
    Open(Box<Parts>),
    Closed([u8; 32]),
}

/// The parts so far. The hasher buffers the last ones in plain form, so it is wiped on drop.
#[derive(Clone)]
struct Parts(blake3::Hasher);

impl Drop for Parts {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl SharingKey {
    /// Creates a key that begins with the registered name of the provider. Add each option on which the credential
    /// depends by [`with`](Self::with).
    pub fn new(provider: &str) -> Self {
        let parts = Parts(blake3::Hasher::new_keyed(&PROCESS_KEY));
        Self(State::Open(Box::new(parts))).with(provider)
    }

    /// Adds a part to the key. The order of the parts matters.
    #[must_use]
    pub fn with(self, part: impl AsRef<[u8]>) -> Self {
        let mut parts = match self.0 {
            State::Open(parts) => parts,
            State::Closed(digest) => {
                let mut parts = Box::new(Parts(blake3::Hasher::new_keyed(&PROCESS_KEY)));
                parts.0.update(&digest);
                parts
            }
        };
        let part = part.as_ref();
        // The length comes first, so that different lists of parts never produce equal bytes.
        parts.0.update(&(part.len() as u64).to_le_bytes());
        parts.0.update(part);
        Self(State::Open(parts))
    }

    /// Replaces the parts with their digest, to use less memory. The result is equal to the original key. Use it for a key that
    /// is kept for long.
    #[must_use]
    pub fn closed(self) -> Self {
        Self(State::Closed(self.digest()))
    }

    /// Half of the digest, to compare a thing with its own earlier state. Nothing outside of the process knows the digest's
    /// key, so an attacker cannot search for an equal half.
    pub(crate) fn short_digest(&self) -> [u8; 16] {
        let digest = self.digest();
        std::array::from_fn(|index| digest.get(index).copied().unwrap_or_default())
    }

    fn digest(&self) -> [u8; 32] {
        match &self.0 {
            State::Open(parts) => parts.0.finalize().into(),
            State::Closed(digest) => *digest,
        }
    }

    /// Adds another key as a part, such as the key of a wrapped source.
    #[must_use]
    pub fn with_key(self, other: &Self) -> Self {
        self.with(other.digest())
    }

    /// Adds a part to the key. `None` adds a missing part, which differs from an empty part.
    ///
    /// ```
    /// use kubex_core::credentials::SharingKey;
    ///
    /// let key = || SharingKey::new("exec");
    /// assert_ne!(key().with_optional(None::<&str>), key().with_optional(Some("")));
    /// ```
    #[must_use]
    pub fn with_optional(self, part: Option<impl AsRef<[u8]>>) -> Self {
        match part {
            Some(part) => self.with([1]).with(part),
            None => self.with([0]),
        }
    }

    /// Adds a list of parts to the key. Two lists, one after the other, differ from one list with the same parts.
    ///
    /// ```
    /// use kubex_core::credentials::SharingKey;
    ///
    /// let key = || SharingKey::new("exec");
    /// assert_ne!(key().with_list(["a", "b"]), key().with_list(["a"]).with_list(["b"]));
    /// ```
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

impl PartialEq for SharingKey {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for SharingKey {}

impl PartialOrd for SharingKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharingKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.digest().cmp(&other.digest())
    }
}

impl Hash for SharingKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest().hash(state);
    }
}

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
                assert_ne!(one, other);
            }
        }
    }

    #[test]
    fn equal_parts_are_an_equal_key() {
        let key = || SharingKey::new("vault").with("a").with_list(["b", "c"]);
        assert_eq!(key(), key());
        assert_eq!(key(), key().closed());
    }
}
