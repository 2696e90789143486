//! Where the store is, and where its key is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kubex_core::host::Environment;

use crate::unshared::Unshared;

/// The variable with the directory of the caches of Kubex.
const DIRECTORY: &str = "KUBEX_CACHE_DIR";

/// The variable that chooses the place of the key.
const KEY: &str = "KUBEX_CACHE_KEY";

/// The place where the key that encrypts the store is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyPlace {
    /// The keyring of the platform: that of the kernel on Linux, the login keychain on macOS, the Credential Manager on
    /// Windows. A file is used instead if it already contains the key, or if no keyring stores the key.
    #[default]
    Keyring,
    /// A file that only the user can read.
    File,
}

/// The directory of a store, and the place of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub(crate) directory: PathBuf,
    pub(crate) key: KeyPlace,
}

impl Location {
    /// Creates the location of a store from its directory and the place of its key.
    pub fn new(directory: impl Into<PathBuf>, key: KeyPlace) -> Self {
        Self {
            directory: directory.into(),
            key,
        }
    }

    /// Returns the location of the user's store. The store is below `$KUBEX_CACHE_DIR`, else below `$XDG_CACHE_HOME/kubex`,
    /// else below the user's cache directory, such as `~/.cache/kubex`. The key is in the keyring, or in a file if
    /// `KUBEX_CACHE_KEY` is `file`.
    ///
    /// # Errors
    /// Returns an error if there is no home directory, or if one of these variables is not valid.
    pub fn of_the_user(environment: &dyn Environment) -> Result<Self, Unshared> {
        let key = match environment.text(KEY).as_deref() {
            None | Some("keyring") => KeyPlace::Keyring,
            Some("file") => KeyPlace::File,
            Some(_) => {
                return Err(Unshared::new(
                    format!("{KEY} has a value that is not allowed"),
                    "set it to keyring or file",
                ));
            }
        };
        Ok(Self::new(base(environment)?.join("credentials"), key))
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn base(environment: &dyn Environment) -> Result<PathBuf, Unshared> {
    if let Some(directory) = environment.variable(DIRECTORY).filter(|value| !value.is_empty()) {
        return absolute(directory).ok_or_else(|| {
            Unshared::new(
                format!("{DIRECTORY} is not an absolute path"),
                "write it as an absolute path",
            )
        });
    }
    if let Some(directory) = environment.variable("XDG_CACHE_HOME").and_then(absolute) {
        return Ok(directory.join("kubex"));
    }
    if cfg!(windows)
        && let Some(directory) = environment.variable("LOCALAPPDATA").and_then(absolute)
    {
        return Ok(directory.join("kubex"));
    }
    let home = environment.home_directory().ok_or_else(|| {
        Unshared::new(
            "there is no home directory",
            "set KUBEX_CACHE_DIR to a directory of yours",
        )
    })?;
    let caches = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    Ok(home.join(caches).join("kubex"))
}

fn absolute(path: OsString) -> Option<PathBuf> {
    let path = PathBuf::from(path);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use kubex_core::host::SimulatedHost;

    use super::*;

    fn location(variables: &[(&str, &str)]) -> Result<Location, Unshared> {
        let world = SimulatedHost::new();
        for (name, value) in variables {
            world.set_variable(name, value);
        }
        Location::of_the_user(world.host().environment())
    }

    #[test]
    fn the_variables_choose_the_directory() {
        let directory = |variables| location(variables).unwrap().directory().to_owned();
        assert_eq!(
            directory(&[
                ("KUBEX_CACHE_DIR", "/a"),
                ("XDG_CACHE_HOME", "/b"),
                ("HOME", "/c")
            ]),
            Path::new("/a/credentials")
        );
        assert_eq!(
            directory(&[("XDG_CACHE_HOME", "/b"), ("HOME", "/c")]),
            Path::new("/b/kubex/credentials")
        );
        // A relative path is invalid by the XDG specification, so it is ignored.
        assert!(directory(&[("XDG_CACHE_HOME", "b"), ("HOME", "/c")]).starts_with("/c"));
    }

    #[test]
    fn without_an_absolute_directory_there_is_no_store() {
        assert!(location(&[("KUBEX_CACHE_DIR", "a"), ("HOME", "/c")]).is_err());
        assert!(location(&[("HOME", "/c"), ("KUBEX_CACHE_KEY", "vault")]).is_err());
        assert!(location(&[("HOME", "c")]).is_err());
    }
}
