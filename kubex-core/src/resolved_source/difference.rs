//! What differs between two answers.

use std::sync::Arc;

use http::HeaderValue;

use super::ResolvedSource;
use super::identity::{Chosen, ReadySource};
use crate::options::{ClusterOptions, Options, Value, ValueKind};
use crate::sharing_key::SharingKey;

/// What differs between two answers. Origins do not count: the same values in other places are the same answer.
///
/// Values are compared by keyed digests, so that no secret is kept for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Differences {
    /// The server's address.
    pub server: bool,
    /// Which certificates of the server are trusted.
    pub trust: bool,
    /// The way to the server: the proxy, the name its certificate is checked for, compression.
    pub route: bool,
    /// Who the requests are made as: the provider or its options.
    pub credential: bool,
    /// The namespace, the impersonation, and everything else.
    pub other: bool,
}

/// The keys of the cluster options that say how the server is reached.
const ROUTE: &[&str] = &["proxy-url", "tls-server-name", "disable-compression"];

impl Differences {
    /// Whether both answers are equal.
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
    /// The key of the answer: equal for two answers without [differences](Self::differences).
    pub fn key(&self) -> SharingKey {
        let parts: [AddPart; 5] = [add_server, add_trust, add_route, add_credential, add_rest];
        parts
            .into_iter()
            .fold(SharingKey::new("resolved source"), |key, add| add(self, key))
    }
}

/// Adds one part of an answer to a key.
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
        Chosen::Named(provider) => key.with("named").with(provider),
        Chosen::Built(provider, _) => key.with("named").with(provider),
        Chosen::Ready(ReadySource::Source(ready)) => {
            // The address is the source's own as long as the answer exists.
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
                .fold(key, |key, certificate| key.with(certificate))
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

/// Adds the options of these keys, in the order of their names.
fn add_options(key: SharingKey, options: &Options, is_wanted: impl Fn(&str) -> bool) -> SharingKey {
    let mut wanted: Vec<_> = options.iter().filter(|(name, _)| is_wanted(name)).collect();
    wanted.sort_unstable_by_key(|(name, _)| *name);
    let key = key.with(wanted.len().to_le_bytes());
    wanted
        .into_iter()
        .fold(key, |key, (name, value)| add_value(key.with(name), value))
}

/// Adds a value, its type first, so that no two different values add the same.
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
    fn each_difference_is_told_apart_and_equal_answers_have_one_key() {
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
            let told: Vec<&str> = [
                (found.server, "server"),
                (found.trust, "trust"),
                (found.route, "route"),
                (found.credential, "credential"),
                (found.other, "other"),
            ]
            .into_iter()
            .filter_map(|(differs, name)| differs.then_some(name))
            .collect();
            assert_eq!(told, [expected]);
            assert!(one.key() != other.key());
        }
        let token = Options::new().set("token", "abd");
        let other = answer(base()).identity(Identity::named("static", token));
        assert!(one.differences(&other).credential);
    }
}
