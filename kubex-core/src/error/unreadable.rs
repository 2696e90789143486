//! What the error of a file means, and what to do about it.

use std::io;
use std::path::Path;

use super::ErrorKind;
use crate::host::NotRun;
use crate::text::{has_blank_at_an_end, sanitize_line};

/// The kind of a failed read: `TimedOut` for a pipe that was not written in time.
pub(super) fn kind_of(error: &io::Error) -> ErrorKind {
    match NotRun::of(error) {
        Some(reason) => reason.kind(),
        None if error.kind() == io::ErrorKind::TimedOut => ErrorKind::TimedOut,
        None => ErrorKind::UnreadableFile,
    }
}

/// Returns whether the error means that a file, or a part of its path, does not exist.
///
/// ```
/// use kubex_core::error::is_missing;
/// use kubex_core::{Error, Host};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let read = Host::real().files().read("/no/such/token".as_ref(), 4096).await;
/// let error = read.map_err(|error| match is_missing(&error) {
///     true => Error::not_configured("there is no token file"),
///     false => Error::unreadable("the token file", "/no/such/token".as_ref(), error),
/// });
/// assert!(error.unwrap_err().is_not_configured());
/// # }
/// ```
pub fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The reason of an I/O error, in words that do not depend on the platform.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        io::ErrorKind::NotADirectory => "a part of its path is not a directory".into(),
        _ => sanitize_line(&error.to_string()).into_owned(),
    }
}

/// What to do about an I/O error.
pub(super) fn remedy(error: &io::Error, path: Option<&Path>) -> &'static str {
    if let Some(reason) = NotRun::of(error) {
        return reason.help();
    }
    match error.kind() {
        io::ErrorKind::NotFound if path.is_some_and(|path| has_blank_at_an_end(&path.to_string_lossy())) => {
            "remove the blank at the end of the path"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "check the path, or create the file",
        io::ErrorKind::PermissionDenied => "give the user that runs the program permission to read it",
        io::ErrorKind::TimedOut => {
            "check the command that writes to the pipe, or save its output in a file and name that file"
        }
        io::ErrorKind::InvalidInput => "use the path of a regular file or of a pipe",
        _ => "use the path of a regular file",
    }
}
