//! The size limits of the objects of a hub. An error about a limit contains the limit.

use kubex_core::{Error, ErrorKind};
use kubex_document::Budget;

/// The largest object, in bytes. The API server accepts no larger one.
pub(crate) const OBJECT: usize = 1536 * 1024;

/// The largest file of manifests, and the largest kubeconfig, in bytes.
pub(crate) const FILE: usize = 64 * 1024 * 1024;

/// The budget of a document with manifests. Its aliases may expand to at most as many values as it has bytes, so that the work
/// is linear in the size of the file, whatever the number of documents.
pub(crate) const DOCUMENT: Budget = Budget {
    bytes: FILE,
    depth: 64,
    nodes: 1_000..=4_000_000,
    key: 1024,
};

/// The largest `config` of a Secret of Argo CD, in bytes. It is parsed when the member is resolved, on an async worker.
pub(crate) const ARGO_CONFIG: usize = 256 * 1024;

/// The most objects of a file.
pub(crate) const OBJECTS_OF_A_FILE: usize = 20_000;

/// The most members of an input.
pub(crate) const MEMBERS: usize = 100_000;

/// The most arguments, and the most variables, that an object adds to a plugin.
pub(crate) const ADDED_TO_A_PLUGIN: usize = 64;

/// The longest argument, and the longest variable, that an object adds to a plugin, in bytes.
pub(crate) const ADDED_LENGTH: usize = 4096;

/// The most extensions of the cluster of a profile that are read.
pub(crate) const EXTENSIONS: usize = 64;

/// The most access providers of a profile that are read.
pub(crate) const ACCESS_PROVIDERS: usize = 64;

pub(crate) fn exceeded(what: &str, limit: usize, unit: &str) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("{what} than {limit} {unit}, which is the limit"),
    )
    .with_help("split it into smaller parts")
}
