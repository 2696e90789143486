//! What makes an identity, for a store that processes share.

use std::fmt;

use zeroize::Zeroizing;

use crate::text::sanitize_line;

/// Everything that distinguishes the identity of a credential source from any other, in every process and on every day: a
/// program with its arguments, an issuer with its client. Some parts may be secrets, so a store uses a keyed digest of them.
///
/// Two sources with equal identities share a credential. A part that is left out can give a user the credential of another
/// one, and a part too many only costs a fetch.
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
    /// An identity of the provider with this name. The description is for people, and must not contain a secret.
    pub fn new(provider: &str, description: &str) -> Self {
        let identity = Self {
            description: sanitize_line(description).into_owned(),
            // Most identities fit, so that a growing vector leaves no copy of a secret behind.
            parts: Zeroizing::new(Vec::with_capacity(4096)),
        };
        identity.with("provider", provider)
    }

    /// Adds a part. The order of the parts matters.
    #[must_use]
    pub fn with(mut self, name: &str, part: impl AsRef<[u8]>) -> Self {
        self.add(name.as_bytes());
        self.add(part.as_ref());
        self
    }

    /// Adds a part that may be missing. A missing part differs from an empty one.
    #[must_use]
    pub fn with_optional(self, name: &str, part: Option<impl AsRef<[u8]>>) -> Self {
        match part {
            Some(part) => self.with(name, [1]).with(name, part),
            None => self.with(name, [0]),
        }
    }

    /// Adds a list. Two lists that are added one after the other never run into each other.
    #[must_use]
    pub fn with_list<P: AsRef<[u8]>>(self, name: &str, parts: impl IntoIterator<Item = P>) -> Self {
        let identity = parts
            .into_iter()
            .fold(self, |identity, part| identity.with_optional(name, Some(part)));
        identity.with_optional(name, None::<P>)
    }

    /// With its length, a part never runs into the next one.
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

    /// The description for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// All parts, for a keyed digest. They may contain secrets.
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
