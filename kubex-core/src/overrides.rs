//! Overrides: options that replace fields of the source that is used.
//!
//! The keys are the same as in a kubeconfig. The rules are those of client-go (`tools/clientcmd/client_config.go`):
//!
//! | an override of | replaces in the source |
//! |---|---|
//! | `server` | `server` and `tls-server-name` |
//! | `certificate-authority`, `certificate-authority-data`, `insecure-skip-tls-verify: true` | these three fields |
//! | `insecure-skip-tls-verify: false` | this field only; the source's certificate authority stays |
//! | `token`, `token-file`, `username` with `password` | the token, the token file, the user name and the password; the user name and the password can be replaced separately |
//! | `client-certificate`, `client-certificate-data` | these two fields |
//! | `client-key`, `client-key-data` | these two fields |
//! | `as-user-extra` | the extra fields with the same keys |
//! | any other field | this field only |
//!
//! The function [`replaced_by`] contains this table. The user of a kubeconfig is overridden field by field. Any other
//! identity is replaced as a whole.
//!
//! Two rules differ from client-go:
//!
//! - Overrides apply to every source, including a pod's service account.
//! - A token in the overrides is always used. client-go prefers the `tokenFile` of the kubeconfig, and returns an error
//!   if the kubeconfig contains a user name.
//!
//! ```
//! use kubex_core::{Identity, Options, Overrides, ResolvedSource};
//!
//! let mut resolved = ResolvedSource::for_server("https://10.0.0.1:6443");
//! let overrides = Options::new().set("server", "https://10.0.0.2:6443").set("namespace", "team-a");
//! Overrides::new(overrides)?.apply(&mut resolved)?;
//!
//! let server = resolved.cluster_options().get("server").and_then(|server| server.as_str());
//! assert_eq!(server, Some("https://10.0.0.2:6443"));
//! # Ok::<(), kubex_core::Error>(())
//! ```

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::options::{ClusterFields, ClusterOptions, Options, Value, ValueKind};
use crate::resolved_source::{CERTIFICATE_FIELDS, KEY_FIELDS, ResolvedSource, SourcePart};

/// Returns the other fields of the source that an override of `key` removes. `turns_off` means that the value of the override
/// is `false`: `insecure-skip-tls-verify: false` removes no field, so the source's certificate authority stays.
///
/// ```
/// use kubex_core::overrides::replaced_by;
///
/// assert!(replaced_by("server", false).contains(&"tls-server-name"));
/// assert!(replaced_by("insecure-skip-tls-verify", true).is_empty());
/// ```
pub fn replaced_by(key: &str, turns_off: bool) -> &'static [&'static str] {
    match key {
        "server" => &["tls-server-name"],
        "certificate-authority" => &["certificate-authority-data", "insecure-skip-tls-verify"],
        "certificate-authority-data" => &["certificate-authority", "insecure-skip-tls-verify"],
        // Otherwise, the system's certificate authorities would replace those of the source.
        "insecure-skip-tls-verify" if turns_off => &[],
        "insecure-skip-tls-verify" => &["certificate-authority", "certificate-authority-data"],
        "token" => &["token-file", "username", "password"],
        "token-file" => &["token", "username", "password"],
        "username" | "password" => &["token", "token-file"],
        "client-certificate" => &["client-certificate-data"],
        "client-certificate-data" => &["client-certificate"],
        "client-key" => &["client-key-data"],
        "client-key-data" => &["client-key"],
        _ => &[],
    }
}

/// The fields that these overrides remove from the source.
pub(crate) fn replaced(overrides: &Options) -> Vec<&'static str> {
    let replaced = overrides.iter().flat_map(|(key, value)| {
        let turns_off = matches!(value.kind(), ValueKind::Boolean(false));
        replaced_by(key, turns_off)
    });
    replaced.copied().collect()
}

/// Overrides: options that replace fields of the source that is used. Their keys and types are checked. See the
/// [module](self).
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    cluster: Options,
    identity: Options,
}

impl Overrides {
    /// The overrides behind a shared pointer; `None` if nothing is overridden.
    pub(crate) fn shared(self) -> Option<Arc<Self>> {
        let is_empty = self.cluster.is_empty() && self.identity.is_empty();
        (!is_empty).then(|| Arc::new(self))
    }

    /// The keys that override the identity. All other valid keys are [those of the cluster](ClusterOptions::KEYS).
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

    /// Checks the keys and the types of overrides. Files that they refer to are not read.
    ///
    /// ```
    /// use kubex_core::{ErrorKind, Options, Overrides};
    ///
    /// assert!(Overrides::new(Options::new().set("token", "abc")).is_ok());
    /// let error = Overrides::new(Options::new().set("context", "prod")).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::UnknownField);
    /// ```
    ///
    /// # Errors
    /// - [`ErrorKind::UnknownField`]: a key cannot be overridden.
    /// - [`ErrorKind::InvalidValue`]: a value has the wrong type.
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
            return Err(Error::wrong_type("a string", value.type_name()).with_origin(value.origin()));
        }
        Ok(Self { cluster, identity })
    }

    /// Merges the overrides into the result of a provider. Removes the recorded problems and warnings about fields that are
    /// replaced.
    ///
    /// # Errors
    /// - [`ErrorKind::IncompleteKeyPair`]: the overrides contain only part of an identity, such as a certificate
    ///   without its key, and the identity of the source can only be replaced as a whole.
    /// - [`ErrorKind::MissingField`]: the overrides contain a password, but neither they nor the source contain a user
    ///   name.
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
        let replaced = replaced(&self.cluster);
        let _ = source.cluster.split_off(&replaced);
        let replaces_trust = ClusterOptions::TRUST_KEYS
            .iter()
            .any(|key| replaced.contains(key));
        if replaces_trust {
            source.trust_source = None;
        }
        for (key, value) in self.cluster.iter() {
            let value = merged(source.cluster.get(key), value);
            source.cluster.insert(key, value);
        }
        source.forget(|part| match part {
            SourcePart::Trust => replaces_trust,
            SourcePart::Cluster(key) => self.cluster.get(key).is_some() || replaced.contains(&key),
            _ => false,
        });
    }

    fn apply_to_identity(&self, source: &mut ResolvedSource) -> Result<()> {
        let is_whole = self.identity.has_any(&["token", "token-file", "username"])
            || self.identity.has_any(CERTIFICATE_FIELDS) && self.identity.has_any(KEY_FIELDS);
        if !is_whole && !source.identity.merges_by_field() {
            let origin = self.identity.iter().next().map(|(_, value)| value.origin());
            return Err(Error::new(
                ErrorKind::IncompleteKeyPair,
                "the overrides replace only a part of this source's identity, which can only be replaced as a whole",
            )
            .with_origin(origin.unwrap_or(self.identity.origin()))
            .with_help("override the client certificate together with its key"));
        }
        if !source.identity.merges_by_field() {
            source.forget(|part| part == SourcePart::Identity);
        }
        source.identity.override_with(&self.identity);
        match self.identity.get("password") {
            Some(password) if !source.identity.has_field("username") => Err(Error::new(
                ErrorKind::MissingField,
                "the overrides contain a password, but there is no user name",
            )
            .with_origin(password.origin())
            .with_help("override \"username\" too")),
            _ => Ok(()),
        }
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
