//! Overrides: fields that replace those of the chosen source.
//!
//! The keys are those of a kubeconfig. The rules are client-go's (tools/clientcmd/client_config.go):
//!
//! | set | replaces |
//! |---|---|
//! | `server` | the address, and the source's `tls-server-name` |
//! | `certificate-authority`, `certificate-authority-data`, `insecure-skip-tls-verify: true` | all three of them |
//! | `insecure-skip-tls-verify: false` | that field; the source's certificate authority stays |
//! | `token`, `token-file`, `username` | all of them, and `password` |
//! | `client-certificate` or `client-certificate-data` | both of them |
//! | `client-key` or `client-key-data` | both of them |
//! | `as-user-extra` | the keys that it names |
//! | any other | that field |
//!
//! The user of a kubeconfig is merged field by field. Any other identity is replaced as a whole. Unlike in client-go,
//! overrides apply to every source, including a pod's service account.

use crate::error::{Error, ErrorKind, Result};
use crate::options::{ClusterFields, ClusterOptions, Options, Value, ValueKind};
use crate::resolved_source::{CERTIFICATE_FIELDS, KEY_FIELDS, ResolvedSource, SourcePart};

/// Overrides that have been checked, except for the files that they refer to. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    cluster: Options,
    identity: Options,
}

impl Overrides {
    /// The keys that override the identity. All other keys are [those of the cluster](ClusterOptions::KEYS).
    pub const IDENTITY_KEYS: &[&str] = &[
        "token",
        "token-file",
        "username",
        "password",
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
    ];

    /// Parses overrides.
    ///
    /// # Errors
    /// Returns `UnknownField` for an unknown key, and `InvalidValue` for a value of the wrong type.
    pub fn new(mut options: Options) -> Result<Self> {
        let mut cluster = options.split_off(ClusterOptions::KEYS);
        let identity = options.split_off(Self::IDENTITY_KEYS);
        if let Some((key, value)) = options.iter().next() {
            let known: Vec<&str> = [ClusterOptions::KEYS, Self::IDENTITY_KEYS].concat();
            return Err(Error::unknown_key(key, &known).with_origin(value.origin()));
        }
        cluster.parse::<ClusterFields>()?;
        cluster.retain(|value| !value.is_blank());
        if let Some((_, value)) = identity.iter().find(|(_, value)| value.as_str().is_none()) {
            let message = format_args!("expected a string, found {}", value.type_name());
            return Err(Error::new(ErrorKind::InvalidValue, message).with_origin(value.origin()));
        }
        Ok(Self { cluster, identity })
    }

    /// Merges the overrides into the result of a provider. Problems and warnings about replaced fields are removed.
    ///
    /// # Errors
    /// Returns `IncompleteKeyPair` if the overrides contain only part of an identity, and the source's identity cannot
    /// be overridden in part.
    pub fn apply(&self, source: &mut ResolvedSource) -> Result<()> {
        if !self.cluster.is_empty() {
            self.apply_to_cluster(source);
        }
        if !self.identity.is_empty() {
            self.apply_to_identity(source)?;
        }
        Ok(())
    }

    fn apply_to_cluster(&self, source: &mut ResolvedSource) {
        let replaces_trust = self.replaces_trust();
        if replaces_trust {
            let _ = source.cluster.split_off(ClusterOptions::TRUST_KEYS);
            source.trust_source = None;
        }
        if self.cluster.get("server").is_some() {
            let _ = source.cluster.split_off(&["tls-server-name"]);
        }
        for (key, value) in self.cluster.iter() {
            let value = merged(source.cluster.get(key), value);
            source.cluster.insert(key, value);
        }
        source.forget(|part| match part {
            SourcePart::Trust => replaces_trust,
            SourcePart::Cluster(key) => {
                self.cluster.get(key).is_some() || replaces_trust && ClusterOptions::TRUST_KEYS.contains(&key)
            }
            _ => false,
        });
    }

    /// Whether the overrides set the trust as a whole. `insecure-skip-tls-verify: false` does not: if it removed the
    /// source's certificate authority, the system's would be trusted instead.
    fn replaces_trust(&self) -> bool {
        let accepts_any = self.cluster.get("insecure-skip-tls-verify");
        accepts_any.is_some_and(|value| matches!(value.kind(), ValueKind::Boolean(true)))
            || self
                .cluster
                .has_any(&["certificate-authority", "certificate-authority-data"])
    }

    fn apply_to_identity(&self, source: &mut ResolvedSource) -> Result<()> {
        let is_whole = self.identity.has_any(&["token", "token-file", "username"])
            || self.identity.has_any(CERTIFICATE_FIELDS) && self.identity.has_any(KEY_FIELDS);
        if !is_whole && !source.identity.merges_by_field() {
            let origin = self.identity.iter().next().map(|(_, value)| value.origin());
            return Err(Error::new(
                ErrorKind::IncompleteKeyPair,
                "the overrides contain only part of an identity, and this source's identity can only be replaced as a whole",
            )
            .with_origin(origin.unwrap_or(self.identity.origin()))
            .with_help("override the client certificate together with its key"));
        }
        if !source.identity.merges_by_field() {
            source.forget(|part| part == SourcePart::Identity);
        }
        source.identity.override_with(&self.identity);
        Ok(())
    }
}

/// Merges two maps key by key; the later map wins. If one value is not a map, the later value wins.
fn merged(earlier: Option<&Value>, later: &Value) -> Value {
    let (Some(ValueKind::Mapping(own)), ValueKind::Mapping(more)) = (earlier.map(Value::kind), later.kind())
    else {
        return later.clone();
    };
    let kept = own
        .iter()
        .filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let all: Vec<_> = kept.chain(more).cloned().collect();
    Value::new(all, later.origin().clone())
}
