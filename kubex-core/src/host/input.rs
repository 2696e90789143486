//! The inputs of a resolved source: the files and variables that it was read from.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::sharing_key::SharingKey;

/// A file, pipe, link, directory or variable that a provider has read. If it changes, the provider's result may change too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A file.
    File {
        /// The path of the file.
        path: PathBuf,
        /// The attributes of the file when it was read; `None` if it could not be read.
        stamp: Option<FileStamp>,
    },
    /// A pipe. It is read only once, so this input never changes.
    Pipe {
        /// The path of the pipe.
        path: PathBuf,
    },
    /// A symbolic link, such as `..data` in the mount of a pod.
    Link {
        /// The path of the link.
        path: PathBuf,
        /// The target of the link; `None` if the link could not be read.
        target: Option<PathBuf>,
    },
    /// A directory whose entries were listed, for an option that is a pattern of file names.
    Directory {
        /// The path of the directory.
        path: PathBuf,
        /// A digest of the entries' names; `None` if the directory could not be read.
        names: Option<SharingKey>,
    },
    /// An environment variable. Only a digest of the value is kept, because the value may be a secret.
    Variable {
        /// The name of the variable.
        name: String,
        /// A digest of the value; `None` if the variable was not set.
        value: Option<SharingKey>,
    },
}

impl Input {
    /// Returns the path of the input; `None` for a variable.
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

/// Attributes of a file that change with its content. Comparing two stamps shows whether a file has changed, without reading
/// it.
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
