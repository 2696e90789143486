//! Untyped options of a source, with the origin of each value.
//!
//! Configuration files, kubeconfigs and programs all produce [`Options`]: a tree of [`Value`]s. The tree may contain
//! secrets, such as an exec plugin's environment or a refresh token. Therefore, its `Debug` output contains no values,
//! and its strings are wiped on drop.
//!
//! [`Options::parse`] converts the tree to the provider's own options type. Its errors contain the origin and the keys,
//! and never a value.
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
//!
//! # The types of options
//!
//! | option | its type in the struct |
//! |---|---|
//! | a duration: `30s`, `5m`, or a number of seconds; more than 0 and at most 24 h | [`Deadline`](crate::host::Deadline) |
//! | one of a closed set | an enum with `rename_all = "kebab-case"` |
//! | a secret | [`SecretString`](crate::SecretString) with `#[schemars(with = "String", extend("format" = "password"))]` |
//! | a path | `PathBuf` with `#[schemars(extend("format" = "path"))]` |
//! | a CA bundle, as a file or as data | the options of [`Pem::new`] |
//! | a client certificate and its key | the options of [`KeyPairOptions::new`] |
//!
//! Kubex checks the types. An error of the provider's own check gets the file, the line and the column of the option from
//! [`origin_of`](Options::origin_of). [`Problems`](crate::error::Problems) reports several mistakes at once:
//!
//! ```
//! use kubex_core::error::Problems;
//! use kubex_core::host::Deadline;
//! use kubex_core::{BuildContext, Error, ErrorKind, FromOptions, Result};
//! # use kubex_core::{Options, Registry};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(rename_all = "kebab-case", deny_unknown_fields)]
//! struct VaultOptions { role: String, access: Access, lease: Option<Deadline> }
//!
//! #[derive(PartialEq, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(rename_all = "kebab-case")]
//! enum Access { ReadOnly, Admin }
//!
//! struct Vault(VaultOptions);
//!
//! impl FromOptions for Vault {
//!     type Options = VaultOptions;
//!
//!     fn from_options(options: VaultOptions, context: &BuildContext<'_>) -> Result<Self> {
//!         let wrong = |option: &str, message: &str| {
//!             Error::new(ErrorKind::InvalidValue, message).with_origin(&context.options.origin_of(option))
//!         };
//!         let mut problems = Problems::new();
//!         if options.role.is_empty() {
//!             problems.add(wrong("role", "the role is empty"));
//!         }
//!         if options.access == Access::Admin && options.lease.is_none() {
//!             problems.add(wrong("lease", "the access \"admin\" needs a lease").with_help("set \"lease\", such as 5m"));
//!         }
//!         problems.into_result()?;
//!         Ok(Self(options))
//!     }
//! }
//! # let built = |options: &Options| {
//! #     let registry = &Registry::from_registrations([])?;
//! #     Vault::from_options(options.parse()?, &BuildContext { registry, options })
//! # };
//! # let options = Options::new().set("role", "").set("access", "admin");
//! # assert_eq!(built(&options).err().unwrap().problems().count(), 2);
//! # let options = Options::new().set("role", "a").set("access", "read-only").set("lease", "5m");
//! # assert_eq!(built(&options)?.0.lease.unwrap().duration().as_secs(), 300);
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

/// The options of a source or of a provider: a map from keys to [`Value`]s. Each value has an origin.
///
/// ```
/// use kubex_core::Options;
///
/// let options = Options::new().set("role", "reader").set("retries", 3_i64);
/// assert_eq!(options.get("role").and_then(|role| role.as_str()), Some("reader"));
/// // The values may be secret, so `Debug` does not show them.
/// assert!(!format!("{options:?}").contains("reader"));
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    origin: Origin,
    entries: Vec<(String, Value)>,
    ignores_unknown_keys: bool,
    is_from_kubeconfig: bool,
    written_to: Option<Arc<KubeconfigUser>>,
}

/// A user of a kubeconfig file, into whose entry a provider writes new tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeconfigUser {
    /// The kubeconfig file.
    pub file: PathBuf,
    /// The name of the user in the file.
    pub name: String,
}

impl Options {
    /// Creates empty options. Their origin is the code of the program.
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

    /// Ignores unknown keys in [`parse`](Self::parse). By default, they are errors. Use this for documents that other
    /// programs also use, such as a kubeconfig.
    ///
    /// ```
    /// use kubex_core::Options;
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Vault { role: String }
    ///
    /// let options = Options::new().set("role", "reader").set("color", "blue");
    /// assert!(options.parse::<Vault>().is_err());
    /// assert_eq!(options.ignoring_unknown_keys().parse::<Vault>()?.role, "reader");
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    #[must_use]
    pub fn ignoring_unknown_keys(mut self) -> Self {
        self.ignores_unknown_keys = true;
        self
    }

    /// Marks the options as coming from a kubeconfig. A provider then only receives the keys that it
    /// [declares](crate::Registration::kubeconfig_keys) for kubeconfigs.
    #[must_use]
    pub fn from_kubeconfig(mut self) -> Self {
        self.is_from_kubeconfig = true;
        self
    }

    /// Returns whether the options come from a kubeconfig, which another person may have written. For such options, a provider
    /// should do only what the host's plugin policy permits.
    pub fn is_from_kubeconfig(&self) -> bool {
        self.is_from_kubeconfig
    }

    /// Makes the provider write new values of its options, such as a new refresh token, into this kubeconfig. Only the program
    /// can request this, and not the kubeconfig itself.
    #[must_use]
    pub fn written_to(mut self, user: KubeconfigUser) -> Self {
        self.written_to = Some(Arc::new(user));
        self
    }

    /// Returns the kubeconfig user into whose options the provider writes new values; `None` if it writes none.
    pub fn is_written_to(&self) -> Option<&KubeconfigUser> {
        self.written_to.as_deref()
    }

    /// Sets an option. It replaces an earlier value of the option.
    ///
    /// The value is a text, a number, a boolean, a list of these (`Vec`, array or slice), or further options:
    ///
    /// ```
    /// use kubex_core::Options;
    ///
    /// let options = Options::new()
    ///     .set("chain", ["in-cluster", "kubeconfig"])
    ///     .set("exec", Options::new().set("policy", "deny-all"));
    /// assert_eq!(options.get("exec").unwrap().get("policy").unwrap().as_str(), Some("deny-all"));
    /// ```
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<ValueKind>) -> Self {
        let origin = self.origin.clone().key(key);
        self.insert(key, Value::new(value, origin.clone()).made_at(origin));
        self
    }

    /// Sets an option to the value in `Some`. With `None`, it does nothing.
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

    /// Sets an option to a value with its own origin. It replaces an earlier value of the option.
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

    /// Returns the value of an option; `None` if the option is not set.
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

    /// Returns whether at least one of these options is set.
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

    /// Returns whether no option is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the origin of the options as a whole.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the origin of an option. If the option is not set, the result is the origin of all options, extended by
    /// the key. An error about a missing option can therefore show where to set it.
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

    /// Parses the options into the provider's own options type.
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
    /// - [`ErrorKind::UnknownField`](crate::ErrorKind::UnknownField): the options contain a key that the type does not have.
    /// - [`ErrorKind::MissingField`](crate::ErrorKind::MissingField): a required key is missing.
    /// - [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue): a value has the wrong type or is not valid.
    ///
    /// The error contains the origin and the keys, and never a value.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        from_entries(&self.entries, self.ignores_unknown_keys, &self.origin)
    }
}

/// A mapping of these options.
impl From<Options> for ValueKind {
    fn from(options: Options) -> Self {
        Self::Mapping(options.entries)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
