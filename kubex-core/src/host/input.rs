//! What was read from a host.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file or a variable that an answer was read from. Another stamp, or another value, is a reason to resolve anew.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// What identified its content when it was read; `None` where it could not be read.
        stamp: Option<FileStamp>,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
        /// Its value; `None` where it was unset. It may be a secret.
        value: Option<OsString>,
    },
}

impl Input {
    /// The path, where it is a file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Variable { .. } => None,
        }
    }
}

/// The value of a variable may be a secret, so it is not shown.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, stamp } => f
                .debug_struct("File")
                .field("path", path)
                .field("stamp", stamp)
                .finish(),
            Self::Variable { name, value } => f
                .debug_struct("Variable")
                .field("name", name)
                .field("is_set", &value.is_some())
                .finish_non_exhaustive(),
        }
    }
}

/// What tells one content of a file from the next without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStamp {
    /// When its content was changed.
    pub modified: Option<SystemTime>,
    /// When its content or its attributes were changed, in nanoseconds; 0 where the system does not tell.
    pub changed: i128,
    /// Its size in bytes.
    pub size: u64,
    /// Its number in its file system; 0 where the system does not tell.
    pub inode: u64,
}
