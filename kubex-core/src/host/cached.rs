//! Reads files on the caller's own thread, where this cannot block. Only Linux supports that.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod mounts;

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::blocking::{self, SMALL};
use super::files::FileContent;
use crate::secret::ExposeSecret as _;

#[cfg(target_os = "linux")]
use linux::Reader;
#[cfg(target_os = "linux")]
pub(super) use linux::{read_link, remember_mounts};

/// How many files are read at once on the caller's thread. Each takes a few microseconds.
const MOST_FILES: usize = 32;

/// The result of a read that does not wait.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "nothing is known there")
)]
#[derive(Debug)]
pub(super) enum Cached<T> {
    Found(T),
    /// There is no such file.
    Missing,
    /// Only a blocking thread can find the result. A file that was opened stays open until then: if a pipe has replaced the
    /// file, its writer must not lose its reader.
    Unknown(Option<File>),
}

impl<T> Cached<T> {
    /// The result, or the open file for the blocking thread.
    pub(super) fn known(self) -> Result<io::Result<T>, Option<File>> {
        match self {
            Self::Found(found) => Ok(Ok(found)),
            Self::Missing => Ok(Err(missing())),
            Self::Unknown(opened) => Err(opened),
        }
    }
}

/// As the system reports it.
fn missing() -> io::Error {
    #[cfg(unix)]
    return rustix::io::Errno::NOENT.into();
    #[cfg(not(unix))]
    io::ErrorKind::NotFound.into()
}

/// Reads the files that are few, small and readable without waiting. Outside of a tokio runtime, it reads none.
pub(super) fn read_each(paths: &[PathBuf], limit: usize) -> Vec<Cached<FileContent>> {
    let is_tried = cfg!(target_os = "linux") && paths.len() <= MOST_FILES && blocking::has_runtime();
    let mut left = if is_tried { SMALL } else { 0 };
    let reader = Reader::new();
    let read = |path: &PathBuf| {
        if left == 0 {
            return Cached::Unknown(None);
        }
        let content = reader.read(path, limit.min(left));
        if let Cached::Found(content) = &content {
            left = left.saturating_sub(content.bytes.expose_secret().len());
        }
        content
    };
    paths.iter().map(read).collect()
}

#[cfg(not(target_os = "linux"))]
struct Reader;

#[cfg(not(target_os = "linux"))]
impl Reader {
    fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "nothing is known there")]
    fn read(&self, _: &std::path::Path, _: usize) -> Cached<FileContent> {
        Cached::Unknown(None)
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn read_link(_: &std::path::Path) -> Cached<PathBuf> {
    Cached::Unknown(None)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn remember_mounts(_: &std::path::Path) {}
