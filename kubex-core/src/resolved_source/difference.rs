//! Comparison of two resolved sources.

use std::sync::Arc;

use http::HeaderValue;

use super::ResolvedSource;
use super::identity::{Chosen, ReadySource};
use crate::options::{ClusterOptions, Options, Value, ValueKind};
use crate::sharing_key::SharingKey;
use crate::source::CredentialSource;

/// A part in which two resolved sources differ.
///
/// Origins are not compared, so equal values from different files are equal. Values are compared by keyed digests, so
/// that the comparison keeps no copy of a secret.
///
/// When a file changes, the source is resolved again. The parts that differ decide what happens: a new token is used by
/// the next request, a new CA bundle by new connections, and another server needs the program's permission.
///
/// ```
/// use kubex_core::resolved_source::Difference;
/// use kubex_core::ResolvedSource;
///
/// let before = ResolvedSource::for_server("https://10.0.0.1:6443");
/// let after = ResolvedSource::for_server("https://10.0.0.2:6443");
/// assert!(before.differences(&before).is_empty());
/// assert!(before.differences(&after).contains(&Difference::Server));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The server's address.
    Server,
    /// The options that define which server certificates are trusted.
    Trust,
    /// How the server is reached: the proxy, the TLS server name, compression.
    Route,
    /// The identity: another provider, or other options of the same provider.
    Credential,
    /// The namespace, the impersonation, and everything else.
    Other,
}

/// The keys that define the route to the server.
const ROUTE: &[&str] = &["proxy-url", "tls-server-name", "disable-compression"];

impl ResolvedSource {
    /// Returns the parts in which this resolved source and another one differ. The list is empty if they are equal.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        self.fingerprint().differences(&other.fingerprint())
    }

    /// Returns the digests to compare, which do not keep the resolved source.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let identity = self.identity.clone().choose();
        let (identity_provider, ready) = match identity.provider {
            Chosen::Named(name) | Chosen::Built(name, _) => (Some(name), None),
            Chosen::Ready(ReadySource::Source(source)) => (None, Some(source)),
            Chosen::Ready(ReadySource::Credential(_)) | Chosen::Anonymous => (None, None),
        };
        Fingerprint {
            parts: PARTS.map(|(_, add)| add(self, SharingKey::new("part")).short_digest()),
            identity_provider: identity_provider.map(String::into_boxed_str),
            _ready: ready,
        }
    }

    /// Returns a key for comparisons. The keys of two resolved sources are equal exactly if the sources have no
    /// [differences](Self::differences).
    pub fn key(&self) -> SharingKey {
        self.fingerprint().key()
    }
}

/// The digests of a resolved source's parts. A handle that is followed keeps them in place of the source, whose values are
/// several times larger.
#[derive(Clone)]
pub(crate) struct Fingerprint {
    parts: [[u8; 16]; PARTS.len()],
    identity_provider: Option<Box<str>>,
    /// Kept so that no other source gets its address, by which it is compared.
    _ready: Option<Arc<dyn CredentialSource>>,
}

impl Fingerprint {
    /// The parts that differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let parts = self.parts.iter().zip(&other.parts).zip(PARTS);
        parts
            .filter(|((one, other), _)| one != other)
            .map(|(_, (difference, _))| difference)
            .collect()
    }

    /// Whether the identities refer to the same provider. A ready source or credential has none, and neither has an anonymous
    /// identity.
    pub(crate) fn has_provider_of(&self, other: &Self) -> bool {
        self.identity_provider == other.identity_provider
    }

    /// A key that is equal for two resolved sources without differences.
    pub(crate) fn key(&self) -> SharingKey {
        let key = SharingKey::new("fingerprint");
        self.parts.iter().fold(key, SharingKey::with).closed()
    }
}

/// Adds one part of a resolved source to a key.
type AddPart = fn(&ResolvedSource, SharingKey) -> SharingKey;

const PARTS: [(Difference, AddPart); 5] = [
    (Difference::Server, add_server),
    (Difference::Trust, add_trust),
    (Difference::Route, add_route),
    (Difference::Credential, add_credential),
    (Difference::Other, add_rest),
];

fn add_server(source: &ResolvedSource, key: SharingKey) -> SharingKey {
    add_options(key, &source.cluster, |key| key == "server")
}

fn add_trust(source: &ResolvedSource, key: SharingKey) -> SharingKey {
    add_options(key, &source.cluster, |key| {
        ClusterOptions::TRUST_KEYS.contains(&key)
    })
}

fn add_route(source: &ResolvedSource, key: SharingKey) -> SharingKey {
    add_options(key, &source.cluster, |key| ROUTE.contains(&key))
}

fn add_credential(source: &ResolvedSource, key: SharingKey) -> SharingKey {
    let identity = source.identity.clone().choose();
    let key = match &identity.provider {
        Chosen::Anonymous => key.with("anonymous"),
        Chosen::Named(provider) | Chosen::Built(provider, _) => key.with("named").with(provider),
        Chosen::Ready(ReadySource::Source(ready)) => {
            // No other source has this address while the resolved source exists.
            let address = Arc::as_ptr(ready).cast::<()>() as usize;
            key.with("ready").with(address.to_ne_bytes())
        }
        Chosen::Ready(ReadySource::Credential(credential)) => {
            let authorization = credential.authorization().map(HeaderValue::as_bytes);
            let certificates = credential.certificate().map(|pair| pair.chain());
            let key = key.with("credential").with(authorization.unwrap_or_default());
            certificates
                .unwrap_or_default()
                .iter()
                .fold(key, SharingKey::with)
        }
    };
    add_options(key, &identity.options, |_| true)
}

fn add_rest(source: &ResolvedSource, key: SharingKey) -> SharingKey {
    let key = add_options(key, &source.cluster, |key| {
        key != "server" && !ClusterOptions::TRUST_KEYS.contains(&key) && !ROUTE.contains(&key)
    });
    source
        .extensions
        .iter()
        .fold(key, |key, (name, value)| add_value(key.with(name), value))
}

/// Adds the wanted options, sorted by key.
fn add_options(key: SharingKey, options: &Options, is_wanted: impl Fn(&str) -> bool) -> SharingKey {
    let mut wanted: Vec<_> = options.iter().filter(|(name, _)| is_wanted(name)).collect();
    wanted.sort_unstable_by_key(|(name, _)| *name);
    let key = key.with(wanted.len().to_le_bytes());
    wanted
        .into_iter()
        .fold(key, |key, (name, value)| add_value(key.with(name), value))
}

/// Adds the type of a value and then the value, so that different values never add the same bytes.
fn add_value(key: SharingKey, value: &Value) -> SharingKey {
    match value.kind() {
        ValueKind::Null => key.with("null"),
        ValueKind::Boolean(value) => key.with("boolean").with([u8::from(*value)]),
        ValueKind::Integer(number) => key.with("integer").with(number.to_le_bytes()),
        ValueKind::Float(number) => key.with("float").with(number.to_bits().to_le_bytes()),
        ValueKind::String(text) => key.with("text").with(text.as_bytes()),
        ValueKind::Sequence(items) => {
            let key = key.with("list").with(items.len().to_le_bytes());
            items.iter().fold(key, add_value)
        }
        ValueKind::Mapping(entries) => {
            let key = key.with("mapping").with(entries.len().to_le_bytes());
            entries
                .iter()
                .fold(key, |key, (name, value)| add_value(key.with(name), value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolved_source::Identity;

    fn answer(options: Options) -> ResolvedSource {
        ResolvedSource::new(options).identity(Identity::named("static", Options::new().set("token", "abc")))
    }

    fn base() -> Options {
        Options::new()
            .set("server", "https://a")
            .set("certificate-authority", "/ca")
    }

    #[test]
    fn each_difference_is_found_and_equal_sources_have_equal_keys() {
        let one = answer(base());
        assert!(one.differences(&answer(base())).is_empty());
        assert!(one.key() == answer(base()).key());
        for (other, expected) in [
            (base().set("server", "https://b"), Difference::Server),
            (base().set("certificate-authority", "/other"), Difference::Trust),
            (base().set("proxy-url", "http://p"), Difference::Route),
            (base().set("namespace", "x"), Difference::Other),
        ] {
            let other = answer(other);
            assert_eq!(one.differences(&other), [expected]);
            assert!(one.key() != other.key());
        }
        let token = Options::new().set("token", "abd");
        let other = answer(base()).identity(Identity::named("static", token));
        assert_eq!(one.differences(&other), [Difference::Credential]);
    }
}
