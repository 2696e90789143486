//! The reason why the store cannot be used.

use std::fmt;
use std::io;
use std::path::Path;

use kubex_core::text::{sanitize_line, shown_path};
use kubex_core::{Error, ErrorKind, Warning};

/// The reason why credentials cannot be shared through the store, and what to do about it. The program should fetch
/// its own credential instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unshared {
    message: String,
    help: &'static str,
}

impl Unshared {
    pub(crate) fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help,
        }
    }

    /// Creates the reason for a credential whose identity changed during the fetch. The credential may belong to another
    /// identity, so it must not be stored.
    pub fn of_a_changed_identity() -> Self {
        Self::new(
            "the login or its settings changed while the credential was fetched",
            "the next fetch is shared",
        )
    }

    /// The source has no identity by which other processes could find its credential.
    pub(crate) fn of_no_identity() -> Self {
        Self::new(
            "the source's provider does not support a shared cache (CredentialSource::store_identity)",
            "set \"cache\" of the source to memory",
        )
    }

    /// The file or directory cannot be used.
    pub(crate) fn from_io(what: &str, path: &Path, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::PermissionDenied => "permission denied",
            io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "no space is left",
            io::ErrorKind::NotADirectory => "a part of the path is not a directory",
            io::ErrorKind::Unsupported => "the file system does not support it",
            _ => "the system refuses it",
        };
        Self::new(
            format!("cannot {what} \"{}\": {why}", shown_path(path)),
            "set KUBEX_CACHE_DIR to a local directory that you can write to",
        )
    }

    /// Returns the reason why credentials cannot be shared.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns one thing that the user can do about it.
    pub fn help(&self) -> &str {
        self.help
    }

    /// Returns a warning that contains the reason.
    pub fn warning(&self) -> Warning {
        Warning::new(
            "credential-not-shared",
            format_args!("the credential is not shared with other processes: {self}"),
        )
    }
}

impl From<Unshared> for Error {
    fn from(unshared: Unshared) -> Self {
        Self::new(ErrorKind::Unavailable, &unshared.message).with_help(unshared.help)
    }
}

impl fmt::Display for Unshared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", sanitize_line(&self.message), self.help)
    }
}
