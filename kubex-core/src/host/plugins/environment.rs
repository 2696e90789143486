//! The environment variables that a plugin inherits.

use std::ffi::OsStr;

use crate::sharing_key::SharingKey;

/// The environment variables that a plugin inherits from this program. The variables that the plugin's own
/// configuration sets are always added.
///
/// By default, a plugin inherits all variables of the program, including those with the program's own secrets.
///
/// ```
/// use kubex_core::Host;
/// use kubex_core::host::{PluginEnvironment, PluginRules};
///
/// let rules = PluginRules::new().environment(PluginEnvironment::inherit().dropping(["DATABASE_*", "API_KEY"]));
/// let host = Host::real().with_variable("API_KEY", Some("s3cret")).with_plugin_rules(rules);
/// assert!(host.plugin_variables().iter().all(|(name, _)| name != "API_KEY"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginEnvironment {
    is_minimal: bool,
    dropped: Vec<String>,
}

/// The variables that nearly every program needs to find its files, its user and its language.
const MINIMAL: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LC_*", "XDG_*",
];

/// The same on Windows.
const MINIMAL_ON_WINDOWS: &[&str] = &[
    "PATHEXT",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES*",
];

impl PluginEnvironment {
    /// Passes all variables. This is the default, because variables contain logins and proxies that plugins need.
    pub fn inherit() -> Self {
        Self::default()
    }

    /// Passes only the variables that nearly every program needs: `PATH`, `HOME`, the user, the language and the
    /// directory for temporary files.
    ///
    /// ```
    /// use kubex_core::Host;
    /// use kubex_core::host::{PluginEnvironment, PluginRules};
    ///
    /// let rules = PluginRules::new().environment(PluginEnvironment::minimal());
    /// let host = Host::real().with_variable("DATABASE_URL", Some("postgres://db")).with_plugin_rules(rules);
    /// assert!(host.plugin_variables().iter().all(|(name, _)| name != "DATABASE_URL"));
    /// ```
    pub fn minimal() -> Self {
        Self {
            is_minimal: true,
            dropped: Vec::new(),
        }
    }

    /// Does not pass variables with these names. A name that ends in `*` matches all names with that beginning.
    #[must_use]
    pub fn dropping(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.dropped.extend(names.into_iter().map(Into::into));
        self
    }

    pub(super) fn add_to(&self, key: SharingKey) -> SharingKey {
        key.with([u8::from(self.is_minimal)]).with_list(&self.dropped)
    }

    pub(super) fn keeps(&self, name: &OsStr) -> bool {
        let is_minimal = || {
            MINIMAL.iter().any(|pattern| is_named(name, pattern))
                || (cfg!(windows) && MINIMAL_ON_WINDOWS.iter().any(|pattern| is_named(name, pattern)))
        };
        let is_dropped = self.dropped.iter().any(|pattern| is_named(name, pattern));
        !is_dropped && (!self.is_minimal || is_minimal())
    }
}

/// Names are case-sensitive, except on Windows.
pub(super) fn is_named(name: &OsStr, pattern: &str) -> bool {
    let name = name.as_encoded_bytes();
    let equal = |one: &[u8], other: &[u8]| {
        if cfg!(windows) {
            one.eq_ignore_ascii_case(other)
        } else {
            one == other
        }
    };
    match pattern.strip_suffix('*') {
        Some(beginning) => name
            .get(..beginning.len())
            .is_some_and(|start| equal(start, beginning.as_bytes())),
        None => equal(name, pattern.as_bytes()),
    }
}
