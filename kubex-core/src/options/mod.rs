//! The options of a source, on their way from where they were written to the provider that understands them.
//!
//! Between a configuration file, a kubeconfig and the registry, options travel as one type: a tree of
//! [`Value`]s that know where they were written down. It may hold an exec plugin's environment or a refresh
//! token, so its `Debug` shows no scalar and its strings are wiped on drop. [`Options::parse`] turns the tree
//! into a provider's own options type; its errors name the place and the keys and never a value.
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

use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::origin::Origin;
use crate::value::from_entries;

pub(crate) use cluster::ReadCluster;
pub use cluster::{ClusterFields, ClusterOptions};
pub use key_pair::KeyPairOptions;
pub use pem::Pem;

pub use crate::value::{Value, ValueKind};

/// The options of one source: a mapping whose values know where they come from.
#[derive(Clone, Debug)]
pub struct Options {
    origin: Origin,
    entries: Vec<(String, Value)>,
    are_unknown_keys_ignored: bool,
}

impl Options {
    /// No options yet, given by the program.
    pub fn new() -> Self {
        Self::with_origin(Origin::code())
    }

    /// No options yet, written down at this place.
    pub fn with_origin(origin: Origin) -> Self {
        Self {
            origin,
            entries: Vec::new(),
            are_unknown_keys_ignored: false,
        }
    }

    /// Lets a key that the provider does not know be, instead of refusing it. For options out of a document
    /// whose other readers ignore such keys and may have written some: a kubeconfig.
    #[must_use]
    pub fn ignoring_unknown_keys(mut self) -> Self {
        self.are_unknown_keys_ignored = true;
        self
    }

    /// Sets an option, replacing the one of that name.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<ValueKind>) -> Self {
        let value = Value::new(value, self.origin.clone().key(key));
        self.insert(key, value);
        self
    }

    /// Sets an option that may be absent.
    #[must_use]
    pub fn set_if_some(self, key: &str, value: Option<impl Into<ValueKind>>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    /// Sets an option to a value that knows its own place.
    pub fn insert(&mut self, key: &str, value: Value) {
        match self.entries.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// The value of an option.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The options in the order they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Keeps the options whose value passes.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&Value) -> bool) {
        self.entries.retain(|(_, value)| is_kept(value));
    }

    /// Whether one of these options is set.
    pub fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where these options were written down.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Where an option was written down; where it would stand if it is not set.
    pub fn origin_of(&self, key: &str) -> Origin {
        self.get(key)
            .map_or_else(|| self.origin.clone().key(key), |value| value.origin().clone())
    }

    /// Moves the named options out into options of their own; what stays is everybody else's.
    #[must_use]
    pub fn split_off(&mut self, keys: &[&str]) -> Self {
        let (taken, left) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(name, _)| keys.contains(&name.as_str()));
        self.entries = left;
        Self {
            origin: self.origin.clone(),
            entries: taken,
            are_unknown_keys_ignored: self.are_unknown_keys_ignored,
        }
    }

    /// Reads the options as a type of the provider's own.
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
    /// [`ErrorKind::UnknownField`](crate::ErrorKind::UnknownField), `MissingField` or `InvalidValue`, with the
    /// place and the keys, never with a value.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        from_entries(&self.entries, self.are_unknown_keys_ignored, &self.origin)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
