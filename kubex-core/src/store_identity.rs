//! A key by which processes that share a store recognize equal credentials.

use std::fmt;

use zeroize::Zeroizing;

use crate::text::sanitize_line;

/// The key of a credential in a store, such as a cache that several processes share. It contains everything that distinguishes
/// the identity of a source from every other identity, such as a program with its arguments, or an issuer with its client id.
/// Some parts may be secret, so a store uses only a keyed digest of the key.
///
/// Two sources with equal keys share a credential. If a part is missing, a user may receive the credential of another user. An
/// unnecessary part only causes additional fetches.
///
/// ```
/// use kubex_core::credentials::StoreIdentity;
/// let identity = |role: &str| StoreIdentity::new("vault", "vault role deployer").with("role", role);
/// assert_eq!(identity("deployer").expose(), identity("deployer").expose());
/// assert_ne!(identity("deployer").expose(), identity("reader").expose());
/// ```
#[derive(Clone)]
pub struct StoreIdentity {
    description: String,
    parts: Zeroizing<Vec<u8>>,
}

impl StoreIdentity {
    /// Creates a key for the provider with this name. `description` is for people and must not contain a secret.
    pub fn new(provider: &str, description: &str) -> Self {
        let identity = Self {
            description: sanitize_line(description).into_owned(),
            // Most identities fit, so that a growing vector leaves no copy of a secret behind.
            parts: Zeroizing::new(Vec::with_capacity(4096)),
        };
        identity.with("provider", provider)
    }

    /// Adds a part and its name to the key. The order of the parts matters.
    #[must_use]
    pub fn with(mut self, name: &str, part: impl AsRef<[u8]>) -> Self {
        self.add(name.as_bytes());
        self.add(part.as_ref());
        self
    }

    /// Adds a part to the key. `None` adds a missing part, which differs from an empty part.
    ///
    /// ```
    /// use kubex_core::credentials::StoreIdentity;
    ///
    /// let identity = StoreIdentity::new("vault", "vault role reader");
    /// let without = identity.clone().with_optional("audience", None::<&str>);
    /// assert_ne!(without.expose(), identity.with_optional("audience", Some("")).expose());
    /// ```
    #[must_use]
    pub fn with_optional(self, name: &str, part: Option<impl AsRef<[u8]>>) -> Self {
        match part {
            Some(part) => self.with(name, [1]).with(name, part),
            None => self.with(name, [0]),
        }
    }

    /// Adds a list of parts to the key. Two lists, one after the other, differ from one list with the same parts.
    #[must_use]
    pub fn with_list<P: AsRef<[u8]>>(self, name: &str, parts: impl IntoIterator<Item = P>) -> Self {
        let identity = parts
            .into_iter()
            .fold(self, |identity, part| identity.with_optional(name, Some(part)));
        identity.with_optional(name, None::<P>)
    }

    /// The length comes first, so that different lists of parts never produce equal bytes.
    fn add(&mut self, bytes: &[u8]) {
        let needed = self.parts.len() + bytes.len() + 8;
        if needed > self.parts.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed * 2));
            larger.extend_from_slice(&self.parts);
            self.parts = larger;
        }
        self.parts.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.parts.extend_from_slice(bytes);
    }

    /// Returns the description for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns all parts as bytes, for a keyed digest. They may contain secrets.
    pub fn expose(&self) -> &[u8] {
        &self.parts
    }
}

impl fmt::Debug for StoreIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreIdentity")
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_run_into_each_other() {
        let new = || StoreIdentity::new("vault", "vault");
        let identities = [
            new(),
            new().with("a", ""),
            new().with("a", "b"),
            new().with("ab", ""),
            new().with("", "ab"),
            new().with_optional("a", Some("")),
            new().with_optional("a", None::<&str>),
            new().with_list("a", ["b"]).with_list("a", ["c"]),
            new().with_list("a", ["b", "c"]).with_list("a", [""; 0]),
            new().with_list("a", [""; 0]).with_list("a", ["b", "c"]),
            new().with("a", "x".repeat(10_000)),
        ];
        for (at, one) in identities.iter().enumerate() {
            for other in &identities[at + 1..] {
                assert_ne!(one.expose(), other.expose());
            }
        }
    }

    #[test]
    fn debug_output_shows_no_part() {
        let shown = format!(
            "{:?}",
            StoreIdentity::new("vault", "vault").with("role", "s3cret")
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
