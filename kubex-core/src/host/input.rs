//! The inputs of a resolved source: the files and variables that were read.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::sharing_key::SharingKey;

/// A file or a variable that a provider has read. If it changes, the source should be resolved again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// The stamp of the file when it was read, or `None` if it could not be read.
        stamp: Option<FileStamp>,
    },
    /// A pipe. It is read once, so it never changes.
    Pipe {
        /// Its path.
        path: PathBuf,
    },
    /// A symbolic link, such as `..data` in the mount of a pod.
    Link {
        /// Its path.
        path: PathBuf,
        /// What it pointed to, or `None` if it could not be read.
        target: Option<PathBuf>,
    },
    /// The names in a directory, for a path with a pattern.
    Directory {
        /// Its path.
        path: PathBuf,
        /// A digest of the names, or `None` if the directory could not be read.
        names: Option<SharingKey>,
    },
    /// An environment variable. Its value may be a secret, so a digest replaces it.
    Variable {
        /// Its name.
        name: String,
        /// A digest of its value, or `None` if it was not set.
        value: Option<SharingKey>,
    },
}

impl Input {
    /// Returns the path, if the input is in the file system.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. }
            | Self::Pipe { path }
            | Self::Link { path, .. }
            | Self::Directory { path, .. } => Some(path),
            Self::Variable { .. } => None,
        }
    }
}

/// File attributes that change with the content, so that a change is detected without reading the file.
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
