//! Untyped options of a source, with the origin of each value.
//!
//! Configuration files, kubeconfigs and programs all produce [`Options`]: a tree of [`Value`]s. The tree may contain
//! secrets, such as an exec plugin's environment or a refresh token. Its `Debug` output therefore contains no scalar,
//! and its strings are wiped on drop. [`Options::parse`] turns the tree into a provider's own options type. Its errors
//! contain the origin and the keys, and never a value.
//!
//! ```
//! use kubex_core::Options;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(rename_all = "kebab-case", deny_unknown_fields)]
//! struct VaultOptions { role: String }
//!
//! let options = Options::new().set("role", "deployer");
//! assert_eq!(options.parse::<VaultOptions>()?.role, "deployer");
//!
//! let error = Options::new().set("rôle", "deployer").parse::<VaultOptions>().err().unwrap();
//! assert_eq!(error.to_string(), "unknown key \"rôle\" (the program, rôle); did you mean \"role\"?");
//! # Ok::<(), kubex_core::Error>(())
//! ```

mod ca_bundle;
mod cluster;
mod key_pair;
mod pem;

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::origin::Origin;
use crate::value::from_entries;

pub(crate) use cluster::LoadedCluster;
pub use cluster::{ClusterFields, ClusterOptions};
pub use key_pair::KeyPairOptions;
pub use pem::{Pem, is_pem};

pub use crate::value::{Value, ValueKind};

/// The options of one source: a map whose values know their origin.
#[derive(Clone, Debug)]
pub struct Options {
    origin: Origin,
    entries: Vec<(String, Value)>,
    ignores_unknown_keys: bool,
    is_from_kubeconfig: bool,
    written_to: Option<Arc<KubeconfigUser>>,
}

/// A user of a kubeconfig file, into whose options a credential source writes new tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeconfigUser {
    /// The file.
    pub file: PathBuf,
    /// The name of the user there.
    pub name: String,
}

impl Options {
    /// Creates empty options. Their origin is the program.
    pub fn new() -> Self {
        Self::with_origin(Origin::code())
    }

    /// Creates empty options with this origin.
    pub fn with_origin(origin: Origin) -> Self {
        Self {
            origin,
            entries: Vec::new(),
            ignores_unknown_keys: false,
            is_from_kubeconfig: false,
            written_to: None,
        }
    }

    /// Ignores unknown keys, which are errors otherwise. This is for documents that other programs also write and read,
    /// such as a kubeconfig.
    #[must_use]
    pub fn ignoring_unknown_keys(mut self) -> Self {
        self.ignores_unknown_keys = true;
        self
    }

    /// Marks options that a kubeconfig contains. They reach only the options that the provider
    /// [declares](crate::Registration::kubeconfig_keys) for kubeconfigs.
    #[must_use]
    pub fn from_kubeconfig(mut self) -> Self {
        self.is_from_kubeconfig = true;
        self
    }

    /// Whether a kubeconfig contains the options. Such options are less trusted than those of the program and of Kubex's
    /// own configuration.
    pub fn is_from_kubeconfig(&self) -> bool {
        self.is_from_kubeconfig
    }

    /// Asks the provider to write new values of its options, such as a new refresh token, into this kubeconfig. It is not an
    /// option, so that a kubeconfig cannot ask for it.
    #[must_use]
    pub fn written_to(mut self, user: KubeconfigUser) -> Self {
        self.written_to = Some(Arc::new(user));
        self
    }

    /// Where the provider writes new values of its options.
    pub fn is_written_to(&self) -> Option<&KubeconfigUser> {
        self.written_to.as_deref()
    }

    /// Sets an option. It replaces an earlier value.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<ValueKind>) -> Self {
        let value = Value::new(value, self.origin.clone().key(key));
        self.insert(key, value);
        self
    }

    /// Sets an option if there is a value for it.
    ///
    /// ```
    /// use kubex_core::Options;
    ///
    /// let namespace: Option<&str> = None;
    /// let options = Options::new().set("server", "https://10.0.0.1").set_if_some("namespace", namespace);
    /// assert!(options.get("namespace").is_none());
    /// ```
    #[must_use]
    pub fn set_if_some(self, key: &str, value: Option<impl Into<ValueKind>>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    /// Sets an option to a value that has its own origin.
    ///
    /// ```
    /// use kubex_core::options::Value;
    /// use kubex_core::{Options, Origin};
    ///
    /// let mut options = Options::new();
    /// options.insert("role", Value::new("deployer", Origin::variable("VAULT_ROLE")));
    /// assert_eq!(options.origin_of("role").to_string(), "$VAULT_ROLE");
    /// ```
    pub fn insert(&mut self, key: &str, value: Value) {
        match self.entries.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// Returns the value of an option.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Iterates over the options in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Keeps the options whose value passes the test.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&Value) -> bool) {
        self.entries.retain(|(_, value)| is_kept(value));
    }

    /// Whether at least one of these options is set.
    ///
    /// ```
    /// use kubex_core::Options;
    ///
    /// let options = Options::new().set("token-file", "/run/token");
    /// assert!(options.has_any(&["token", "token-file"]));
    /// assert!(!options.has_any(&["username", "password"]));
    /// ```
    pub fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }

    /// Whether no option is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the origin of the options as a whole.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the origin of an option. For an option that is not set, it is the origin of the whole and the key.
    ///
    /// An error about a missing option can therefore say where it would be set.
    ///
    /// ```
    /// use kubex_core::{Options, Origin};
    ///
    /// let options = Options::with_origin(Origin::file("/etc/kubex/config.yaml").key("sources").key("vault"));
    /// assert_eq!(options.origin_of("role").to_string(), "/etc/kubex/config.yaml, sources.vault.role");
    /// ```
    pub fn origin_of(&self, key: &str) -> Origin {
        self.get(key)
            .map_or_else(|| self.origin.clone().key(key), |value| value.origin().clone())
    }

    /// Removes the options with these keys and returns them.
    ///
    /// ```
    /// use kubex_core::Options;
    ///
    /// let mut own = Options::new().set("role", "deployer").set("server", "https://10.0.0.1");
    /// let cluster = own.split_off(&["server", "namespace"]);
    /// assert!(own.get("server").is_none() && cluster.get("server").is_some());
    /// ```
    #[must_use]
    pub fn split_off(&mut self, keys: &[&str]) -> Self {
        let (taken, left) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(name, _)| keys.contains(&name.as_str()));
        self.entries = left;
        Self {
            origin: self.origin.clone(),
            entries: taken,
            ignores_unknown_keys: self.ignores_unknown_keys,
            is_from_kubeconfig: self.is_from_kubeconfig,
            written_to: self.written_to.clone(),
        }
    }

    /// Parses the options into the provider's own type.
    ///
    /// ```
    /// use kubex_core::Options;
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Role { role: String }
    ///
    /// let options = Options::new().set("role", "deployer").set("colour", "blue");
    /// assert!(options.parse::<Role>().is_err());
    /// assert_eq!(options.ignoring_unknown_keys().parse::<Role>()?.role, "deployer");
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnknownField`](crate::ErrorKind::UnknownField), `MissingField` or `InvalidValue`. The error
    /// contains the origin and the keys, and never a value.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        from_entries(&self.entries, self.ignores_unknown_keys, &self.origin)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
