//! Environment variables and the home directory.
//!
//! Providers never call `std::env`. They read variables through the host, for two reasons: a test can set them without
//! changing its own process, and the chain records [which ones were read](crate::host::Input).
//!
//! ```
//! use kubex_core::Host;
//!
//! let host = Host::real().with_variable("KUBECONFIG", Some("/home/jane/config"));
//! assert_eq!(host.environment().variable("KUBECONFIG").unwrap(), "/home/jane/config");
//!
//! let host = host.with_variable("KUBECONFIG", None::<&str>);
//! assert_eq!(host.environment().variable("KUBECONFIG"), None);
//! ```

use std::ffi::OsString;
use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::origin::Origin;

/// The environment variables and the working directory of a [`Host`](crate::Host).
pub trait Environment: Debug + Send + Sync {
    /// Returns the value of a variable; `None` if it is unset.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// Returns all variables, for a child process.
    fn variables(&self) -> Vec<(OsString, OsString)>;

    /// Returns the working directory, the base of relative paths; `None` if it does not exist or cannot be determined.
    fn current_directory(&self) -> Option<PathBuf>;

    /// Returns the value of a variable as text; `None` if it is unset, empty or not Unicode.
    fn text(&self, name: &str) -> Option<String> {
        self.variable(name)?
            .into_string()
            .ok()
            .filter(|text| !text.is_empty())
    }

    /// Returns the value of a variable as text; `None` if it is unset or empty.
    ///
    /// ```
    /// use kubex_core::Host;
    ///
    /// let host = Host::real().with_variable("APP_ROLE", Some("reader"));
    /// assert_eq!(host.environment().unicode("APP_ROLE")?.as_deref(), Some("reader"));
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the value is not Unicode.
    fn unicode(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.variable(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value.into_string().map(Some).map_err(|_| {
            Error::new(ErrorKind::InvalidValue, "the variable's value is not Unicode")
                .with_origin(&Origin::variable(name))
                .with_help("set it to a text in UTF-8")
        })
    }

    /// Returns the user's home directory, as in client-go: `$HOME`, and on Windows also `%HOMEDRIVE%%HOMEPATH%` and
    /// `%USERPROFILE%`. `None` if none of them is set to an absolute path.
    ///
    /// ```
    /// use std::path::PathBuf;
    /// use kubex_core::Host;
    ///
    /// let host = Host::real().with_variable("HOME", Some("/home/jane"));
    /// # #[cfg(unix)]
    /// assert_eq!(host.environment().home_directory(), Some(PathBuf::from("/home/jane")));
    /// ```
    fn home_directory(&self) -> Option<PathBuf> {
        let candidates = if cfg!(windows) {
            let drive = self
                .variable("HOMEDRIVE")
                .zip(self.variable("HOMEPATH"))
                .map(|(mut drive, path)| {
                    drive.push(path);
                    drive
                });
            vec![self.variable("HOME"), drive, self.variable("USERPROFILE")]
        } else {
            vec![self.variable("HOME")]
        };
        candidates
            .into_iter()
            .flatten()
            .map(PathBuf::from)
            .find(|path| path.is_absolute())
    }
}

/// An environment in which one variable is replaced.
pub(super) struct Overlaid {
    pub(super) beneath: Arc<dyn Environment>,
    pub(super) name: String,
    pub(super) value: Option<OsString>,
}

/// The value may be a secret, so only the name is shown.
impl fmt::Debug for Overlaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlaid")
            .field("name", &self.name)
            .field("beneath", &self.beneath)
            .finish_non_exhaustive()
    }
}

impl Environment for Overlaid {
    fn variable(&self, name: &str) -> Option<OsString> {
        if name == self.name {
            self.value.clone()
        } else {
            self.beneath.variable(name)
        }
    }

    fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables = self.beneath.variables();
        variables.retain(|(name, _)| *name != *self.name);
        variables.extend(self.value.clone().map(|value| (self.name.clone().into(), value)));
        variables
    }

    fn current_directory(&self) -> Option<PathBuf> {
        self.beneath.current_directory()
    }
}

/// The environment of this process.
#[derive(Debug)]
pub(super) struct ProcessEnvironment;

#[expect(clippy::disallowed_methods, reason = "this is the real host's environment")]
impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn variables(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }

    fn current_directory(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }
}
