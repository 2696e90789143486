//! The inputs of a resolved source: the files and variables that were read.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file or a variable that a provider has read. If its stamp or value changes, the source should be resolved again.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// The stamp of the file when it was read, or `None` if it could not be read.
        stamp: Option<FileStamp>,
    },
    /// An environment variable.
    Variable {
        /// Its name.
        name: String,
        /// Its value, or `None` if it was not set. It may be a secret.
        value: Option<OsString>,
    },
}

impl Input {
    /// Returns the path, if the input is a file.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Variable { .. } => None,
        }
    }
}

/// Does not show the value of a variable, which may be a secret.
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

/// File attributes that change when the content changes, so that a change is detected without reading the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStamp {
    /// The time of the last change of the content.
    pub modified: Option<SystemTime>,
    /// The time of the last change of the content or the attributes, in nanoseconds; 0 if the system does not provide
    /// it.
    pub changed: i128,
    /// The size in bytes.
    pub size: u64,
    /// The inode number; 0 if the system does not provide it.
    pub inode: u64,
}
