//! Files: read with limits, and not on the async workers.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::input::FileStamp;
use crate::secret::SecretBytes;

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A file with content.
    Regular {
        /// Whether an execute permission is set.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A pipe, a device, a socket.
    Other,
}

/// What was read of a file.
#[derive(Clone, Debug)]
pub struct FileContent {
    /// The bytes; they may be a key.
    pub bytes: SecretBytes,
    /// What identifies them; `None` for what is not a regular file.
    pub stamp: Option<FileStamp>,
}

/// The host's files.
///
/// Reading never blocks for ever and never fills the memory: only regular files are read (and the null device, which is
/// empty), and only up to a limit. The content may be a key, so it is returned as a secret.
#[async_trait]
pub trait Files: Debug + Send + Sync {
    /// The content of a regular file of at most `limit` bytes, and what identifies it.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`, `IsADirectory` as the system reports them; `InvalidInput` for a pipe or a
    /// device; `FileTooLarge` beyond the limit.
    async fn read_stamped(&self, path: &Path, limit: usize) -> io::Result<FileContent>;

    /// The contents of several files, each as [`read_stamped`](Self::read_stamped) returns it.
    async fn read_each_stamped(&self, paths: &[PathBuf], limit: usize) -> Vec<io::Result<FileContent>> {
        let mut contents = Vec::with_capacity(paths.len());
        for path in paths {
            contents.push(self.read_stamped(path, limit).await);
        }
        contents
    }

    /// The content of a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`read_stamped`](Self::read_stamped).
    async fn read(&self, path: &Path, limit: usize) -> io::Result<SecretBytes> {
        self.read_stamped(path, limit).await.map(|read| read.bytes)
    }

    /// The contents of several files, each as [`read`](Self::read) returns it.
    async fn read_each(&self, paths: &[PathBuf], limit: usize) -> Vec<io::Result<SecretBytes>> {
        let contents = self.read_each_stamped(paths, limit).await;
        contents
            .into_iter()
            .map(|content| content.map(|read| read.bytes))
            .collect()
    }

    /// The kind of the file at the path. Symbolic links are followed.
    async fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// The target of a symbolic link, unchanged.
    async fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// The names in a directory, sorted. Names that are not Unicode are left out.
    async fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
}

/// The file system of this machine.
#[derive(Debug)]
pub(super) struct FileSystem;

#[async_trait]
impl Files for FileSystem {
    async fn read_stamped(&self, path: &Path, limit: usize) -> io::Result<FileContent> {
        let path = path.to_owned();
        on_blocking_thread(move || read_settled(&path, limit)).await
    }

    /// Reads all files in one blocking task, so that little time passes between the first and the last.
    async fn read_each_stamped(&self, paths: &[PathBuf], limit: usize) -> Vec<io::Result<FileContent>> {
        let owned = paths.to_owned();
        let read = move || Ok(owned.iter().map(|path| read_settled(path, limit)).collect());
        on_blocking_thread(read).await.unwrap_or_else(|error| {
            let failed = |_| Err(io::Error::new(error.kind(), "the runtime was shut down"));
            paths.iter().map(failed).collect()
        })
    }

    async fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let path = path.to_owned();
        on_blocking_thread(move || kind_of(&path)).await
    }

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    async fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let path = path.to_owned();
        on_blocking_thread(move || std::fs::read_link(path)).await
    }

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    async fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let directory = directory.to_owned();
        on_blocking_thread(move || {
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

async fn on_blocking_thread<T: Send + 'static>(
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

/// The number of attempts if the target of a link is removed while the link is followed.
const ATTEMPTS: usize = 5;

/// Reads a file that may be a link into a directory which is replaced just now, as the kubelet replaces the
/// directories of its mounts.
#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
fn read_settled(path: &Path, limit: usize) -> io::Result<FileContent> {
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
fn read_regular(path: &Path, limit: usize) -> io::Result<FileContent> {
    use std::io::Read as _;

    // The kind is asked for before opening, because opening a pipe waits for its writer.
    match kind_of(path)? {
        FileKind::Regular { .. } => {}
        FileKind::Directory => return Err(io::ErrorKind::IsADirectory.into()),
        FileKind::Other if path == Path::new("/dev/null") => {
            return Ok(FileContent {
                bytes: SecretBytes::default(),
                stamp: None,
            });
        }
        FileKind::Other => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is a pipe or a device",
            ));
        }
    }
    let mut file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    let stamp = Some(stamp_of(&metadata));
    let length = metadata.len();
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
    // Exactly as large as the file, so that it is read in place and never copied: growing the buffer would leave a
    // copy of a secret behind. What the file has grown by since is read behind it.
    let mut content = Wiped(vec![0; length]);
    let read = fill(&mut file, &mut content.0)?;
    content.0.truncate(read);
    let mut rest = Wiped(Vec::new());
    if read == length {
        // `/proc` says of its files that they are empty.
        rest.0.reserve(if length == 0 { 4096 } else { 32 });
        file.take((limit - length) as u64 + 1).read_to_end(&mut rest.0)?;
    }
    if length + rest.0.len() > limit {
        return Err(too_large());
    }
    let bytes = if rest.0.is_empty() {
        std::mem::take(&mut content.0)
    } else {
        [content.0.as_slice(), rest.0.as_slice()].concat()
    };
    Ok(FileContent {
        bytes: bytes.into(),
        stamp,
    })
}

fn stamp_of(metadata: &std::fs::Metadata) -> FileStamp {
    #[cfg(unix)]
    let (changed, inode) = {
        use std::os::unix::fs::MetadataExt as _;
        let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        (changed, metadata.ino())
    };
    #[cfg(not(unix))]
    let (changed, inode) = (0, 0);
    FileStamp {
        modified: metadata.modified().ok(),
        changed,
        size: metadata.len(),
        inode,
    }
}

/// A buffer that is wiped, also where reading into it fails.
struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        drop(SecretBytes::from(std::mem::take(&mut self.0)));
    }
}

/// Reads until the buffer is full, or the file has ended; says how much that was.
fn fill(file: &mut impl std::io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
