//! Comparison of two resolved sources.

use std::sync::Arc;

use http::HeaderValue;

use super::ResolvedSource;
use super::identity::{Chosen, ReadySource};
use crate::options::{ClusterOptions, Options, Value, ValueKind};
use crate::sharing_key::SharingKey;

/// The parts in which two resolved sources differ. Origins are ignored: equal values from different files are equal.
///
/// Values are compared by keyed digests, so that the comparison keeps no copy of a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each field answers one question about one part"
)]
pub struct Differences {
    /// The server's address.
    pub server: bool,
    /// The options that define which server certificates are trusted.
    pub trust: bool,
    /// The route to the server: the proxy, the TLS server name, compression.
    pub route: bool,
    /// The identity: the provider or its options.
    pub credential: bool,
    /// The namespace, the impersonation, and everything else.
    pub other: bool,
}

/// The keys that define the route to the server.
const ROUTE: &[&str] = &["proxy-url", "tls-server-name", "disable-compression"];

impl Differences {
    /// Whether the two resolved sources are equal.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn between(one: &ResolvedSource, other: &ResolvedSource) -> Self {
        let differs = |part: AddPart| part(one, SharingKey::new("")) != part(other, SharingKey::new(""));
        Self {
            server: differs(add_server),
            trust: differs(add_trust),
            route: differs(add_route),
            credential: differs(add_credential),
            other: differs(add_rest),
        }
    }
}

impl ResolvedSource {
    /// Returns a key that is equal for two resolved sources without [differences](Self::differences).
    pub fn key(&self) -> SharingKey {
        let parts: [AddPart; 5] = [add_server, add_trust, add_route, add_credential, add_rest];
        parts
            .into_iter()
            .fold(SharingKey::new("resolved source"), |key, add| add(self, key))
    }
}

/// Adds one part of a resolved source to a key.
type AddPart = fn(&ResolvedSource, SharingKey) -> SharingKey;

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
            (base().set("server", "https://b"), "server"),
            (base().set("certificate-authority", "/other"), "trust"),
            (base().set("proxy-url", "http://p"), "route"),
            (base().set("namespace", "x"), "other"),
        ] {
            let other = answer(other);
            let found = one.differences(&other);
            let names: Vec<&str> = [
                (found.server, "server"),
                (found.trust, "trust"),
                (found.route, "route"),
                (found.credential, "credential"),
                (found.other, "other"),
            ]
            .into_iter()
            .filter_map(|(differs, name)| differs.then_some(name))
            .collect();
            assert_eq!(names, [expected]);
            assert!(one.key() != other.key());
        }
        let token = Options::new().set("token", "abd");
        let other = answer(base()).identity(Identity::named("static", token));
        assert!(one.differences(&other).credential);
    }
}
