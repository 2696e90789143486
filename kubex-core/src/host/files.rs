//! Files, read within bounds and off the async workers.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::secret::SecretBytes;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A file with content.
    Regular {
        /// Whether somebody may execute it.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A pipe, a device, a socket.
    Other,
}

/// The host's files.
///
/// Reading never hangs and never fills the memory: only regular files are read (and the null device, which
/// is empty), and only up to a limit. What was read may be a key, so it comes as a secret.
#[async_trait]
pub trait Files: Debug + Send + Sync {
    /// The content of a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `IsADirectory` as the system says; `InvalidInput` for a pipe or a device;
    /// `FileTooLarge` beyond the limit.
    async fn read(&self, path: &Path, limit: usize) -> io::Result<SecretBytes>;

    /// The contents of several files, each as [`read`](Self::read) has it.
    async fn read_each(&self, paths: &[PathBuf], limit: usize) -> Vec<io::Result<SecretBytes>> {
        let mut contents = Vec::with_capacity(paths.len());
        for path in paths {
            contents.push(self.read(path, limit).await);
        }
        contents
    }

    /// What is at the path, symbolic links followed.
    async fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// Where a symbolic link points to, as it is written in the link.
    async fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// The names of what is in a directory, sorted. Those that are not Unicode are left out.
    async fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
}

/// The file system of the machine.
#[derive(Debug)]
pub(super) struct FileSystem;

#[async_trait]
impl Files for FileSystem {
    async fn read(&self, path: &Path, limit: usize) -> io::Result<SecretBytes> {
        let path = path.to_owned();
        off_the_workers(move || read_settled(&path, limit)).await
    }

    /// In one go, so that little time passes between the first and the last.
    async fn read_each(&self, paths: &[PathBuf], limit: usize) -> Vec<io::Result<SecretBytes>> {
        let owned = paths.to_owned();
        let read = move || Ok(owned.iter().map(|path| read_settled(path, limit)).collect());
        off_the_workers(read).await.unwrap_or_else(|error| {
            let failed = |_| Err(io::Error::new(error.kind(), "the runtime was shut down"));
            paths.iter().map(failed).collect()
        })
    }

    async fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let path = path.to_owned();
        off_the_workers(move || kind_of(&path)).await
    }

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    async fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let path = path.to_owned();
        off_the_workers(move || std::fs::read_link(path)).await
    }

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    async fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let directory = directory.to_owned();
        off_the_workers(move || {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(directory)? {
                names.extend(entry?.file_name().into_string().ok());
            }
            names.sort_unstable();
            Ok(names)
        })
        .await
    }
}

async fn off_the_workers<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the runtime was shut down")))
}

#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
fn kind_of(path: &Path) -> io::Result<FileKind> {
    let metadata = std::fs::metadata(path)?;
    Ok(if metadata.is_file() {
        #[cfg(unix)]
        let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
        #[cfg(not(unix))]
        let executable = true;
        FileKind::Regular { executable }
    } else if metadata.is_dir() {
        FileKind::Directory
    } else {
        FileKind::Other
    })
}

/// How often a read starts again at a link whose target was removed while it was followed.
const ATTEMPTS: usize = 5;

/// Reads a file that may be a link into a directory which is replaced just now, as the kubelet replaces the
/// directories of its mounts.
#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
fn read_settled(path: &Path, limit: usize) -> io::Result<SecretBytes> {
    let is_link = || std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let mut read = read_regular(path, limit);
    for _ in 1..ATTEMPTS {
        match &read {
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_link() => {
                read = read_regular(path, limit);
            }
            _ => break,
        }
    }
    read
}

#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
fn read_regular(path: &Path, limit: usize) -> io::Result<SecretBytes> {
    use std::io::Read as _;
    use zeroize::Zeroize as _;

    // The kind is asked for before opening, because opening a pipe waits for its writer.
    match kind_of(path)? {
        FileKind::Regular { .. } => {}
        FileKind::Directory => return Err(io::ErrorKind::IsADirectory.into()),
        FileKind::Other if path == Path::new("/dev/null") => return Ok(Vec::new().into()),
        FileKind::Other => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is a pipe or a device",
            ));
        }
    }
    let file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    let too_large = || {
        io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {limit} bytes"),
        )
    };
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= limit)
        .ok_or_else(too_large)?;
    // One byte to spare, so that a file of the expected length is read without growing the buffer, which
    // would leave a copy of a secret behind.
    let mut content = Vec::with_capacity(length + 1);
    let read = file.take(limit as u64 + 1).read_to_end(&mut content);
    if let Err(error) = read.and_then(|read| if read > limit { Err(too_large()) } else { Ok(()) }) {
        content.zeroize();
        return Err(error);
    }
    let bytes: SecretBytes = content.as_slice().to_vec().into();
    content.zeroize();
    Ok(bytes)
}
