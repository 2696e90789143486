//! Files, which are read up to a size limit and without blocking an async worker.
//!
//! | rule | reason |
//! |---|---|
//! | each read has a limit of bytes | a file that a user configures may have any size |
//! | a file is opened without blocking, and its kind is checked on the open handle | a FIFO or a device cannot hang the program, and cannot be swapped in after the check |
//! | a pipe is read once, within a time limit | `--kubeconfig <(sops -d f)` |
//! | contents are secret | a kubeconfig contains tokens |
//!
//! ```
//! use kubex_core::Host;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let host = Host::real();
//! let error = host.files().read("/".as_ref(), 1024).await.unwrap_err();
//! assert_eq!(error.kind(), std::io::ErrorKind::IsADirectory);
//! # }
//! ```

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::blocking::{self, NotRun, SMALL};
use super::cached::{self, Cached};
use super::input::FileStamp;
use super::open_file::{self, OpenFile};
#[cfg(unix)]
use super::pipe;
use super::readers;
use super::writers::{self, ForeignWriters};
use crate::error::Result;
use crate::origin::Origin;
use crate::secret::{ExposeSecret as _, SecretBytes};

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    Regular {
        /// Whether any execute permission is set.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A named or an unnamed pipe.
    Pipe,
    /// A device or a socket.
    Other,
}

/// The content of a file.
#[derive(Clone, Debug)]
pub struct FileContent {
    /// The bytes, which may contain a secret such as a private key.
    pub bytes: SecretBytes,
    /// Attributes of the file, by which a later change is recognized; `None` if it is not a regular file.
    pub stamp: Option<FileStamp>,
    /// Whether the content comes from a pipe. Such content never changes, and there is no base directory for relative
    /// paths in it.
    pub is_from_pipe: bool,
    /// The other users of the system who can change the file; `None` if there are none, or if it is not a regular file.
    pub foreign_writers: Option<ForeignWriters>,
}

impl FileContent {
    /// Returns the origin of the content, given the path that it was read from.
    pub fn origin(&self, path: impl Into<PathBuf>) -> Origin {
        if self.is_from_pipe {
            Origin::pipe(path)
        } else {
            Origin::file(path)
        }
    }

    fn without_stamp(bytes: SecretBytes, is_from_pipe: bool) -> Self {
        Self {
            bytes,
            stamp: None,
            is_from_pipe,
            foreign_writers: None,
        }
    }
}

/// The function that [`Files::read_each_into`] calls with the paths and the contents of the files.
pub type Consumer = Box<dyn FnOnce(&[PathBuf], Contents) + Send>;

/// The results of reading several files, in the order of the requested paths.
pub type Contents = Vec<io::Result<FileContent>>;

/// The effort to parse these contents.
fn effort_of<'c>(contents: impl Iterator<Item = &'c FileContent>) -> usize {
    contents
        .map(|content| blocking::effort(content.bytes.expose_secret()))
        .sum()
}

/// How long a pipe may take to deliver its content, unless the host sets another limit.
const PIPE_DEADLINE: Duration = Duration::from_secs(20);

/// The files of a [`Host`](crate::Host).
///
/// Each read is limited in size, and a read of a pipe also in time. A device is not read, except for the null device, which is
/// empty. The content is returned as a secret, because it may be a private key.
///
/// A pipe is read once. Its content is kept while the process runs, and returned whenever the pipe is read again.
#[async_trait]
pub trait Files: Debug + Send + Sync {
    /// Reads a file of at most `limit` bytes. Returns its content and its attributes, by which a later change is
    /// recognized.
    ///
    /// # Errors
    /// - `NotFound`, `PermissionDenied`, `IsADirectory`: as the system reports them.
    /// - `InvalidInput`: the path is a device or a socket.
    /// - `FileTooLarge`: the file has more than `limit` bytes.
    /// - `TimedOut`: a pipe was not written and closed in time.
    async fn read_stamped(&self, path: &Path, limit: usize) -> io::Result<FileContent>;

    /// Reads several files like [`read_stamped`](Self::read_stamped), and returns a result for each.
    async fn read_each_stamped(&self, paths: &[PathBuf], limit: usize) -> Contents {
        let mut contents = Vec::with_capacity(paths.len());
        for path in paths {
            contents.push(self.read_stamped(path, limit).await);
        }
        contents
    }

    /// Reads several files like [`read_each_stamped`](Self::read_each_stamped), and calls `consume` with the result. If
    /// the contents are large, `consume` runs on a blocking thread.
    ///
    /// # Errors
    /// Returns an error if tokio has no thread for `consume`. If a file cannot be read, its item in the contents is an error.
    async fn read_each_into(&self, paths: &[PathBuf], limit: usize, consume: Consumer) -> Result<()> {
        let contents = self.read_each_stamped(paths, limit).await;
        let paths = paths.to_owned();
        blocking::parse(effort_of(contents.iter().flatten()), move || {
            consume(&paths, contents);
        })
        .await
    }

    /// Reads the content of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// The same as [`read_stamped`](Self::read_stamped).
    async fn read(&self, path: &Path, limit: usize) -> io::Result<SecretBytes> {
        self.read_stamped(path, limit).await.map(|read| read.bytes)
    }

    /// Reads several files like [`read`](Self::read), and returns a result for each.
    async fn read_each(&self, paths: &[PathBuf], limit: usize) -> Vec<io::Result<SecretBytes>> {
        let contents = self.read_each_stamped(paths, limit).await;
        contents
            .into_iter()
            .map(|content| content.map(|read| read.bytes))
            .collect()
    }

    /// Returns the kind of the file at the path. Symbolic links are followed.
    ///
    /// ```
    /// use kubex_core::host::{FileKind, SimulatedHost};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let world = SimulatedHost::new();
    /// world.install_program("/usr/bin/aws");
    /// let kind = world.host().files().kind("/usr/bin/aws".as_ref()).await?;
    /// assert!(matches!(kind, FileKind::Regular { executable: true, .. }));
    /// # Ok(())
    /// # }
    /// ```
    async fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// Returns the other users of the system who can change the file at the path; `None` if there are none. Kubex calls it
    /// before it runs a program, such as a plugin.
    async fn foreign_writers(&self, _path: &Path) -> Option<ForeignWriters> {
        None
    }

    /// Returns whether every user of the machine can read the file at the path.
    async fn is_readable_by_everyone(&self, _path: &Path) -> bool {
        false
    }

    /// Returns the target of a symbolic link as the link contains it: a relative target stays relative.
    async fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// Returns the names of the entries of a directory, sorted. Names that are not Unicode are omitted.
    ///
    /// ```
    /// use kubex_core::host::SimulatedHost;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let world = SimulatedHost::new();
    /// world.write("/etc/kubeconfigs/prod.yaml", "");
    /// world.write("/etc/kubeconfigs/dev.yaml", "");
    /// let names = world.host().files().list("/etc/kubeconfigs".as_ref()).await?;
    /// assert_eq!(names, ["dev.yaml", "prod.yaml"]);
    /// # Ok(())
    /// # }
    /// ```
    async fn list(&self, directory: &Path) -> io::Result<Vec<String>>;

    /// Returns a copy of this interface with another time limit for reading a pipe. `None`, the default, if the limit cannot be
    /// changed.
    fn with_pipe_deadline(&self, _deadline: Duration) -> Option<Arc<dyn Files>> {
        None
    }
}

/// The file system of this machine.
#[derive(Debug)]
pub(super) struct FileSystem {
    pipe_deadline: Duration,
}

impl Default for FileSystem {
    fn default() -> Self {
        Self {
            pipe_deadline: PIPE_DEADLINE,
        }
    }
}

impl FileSystem {
    /// Reads the files that are not known yet in one blocking task, and calls `consume` there. Once the caller is gone,
    /// no pipe is waited for.
    async fn complete<T: Send + 'static>(
        &self,
        paths: &[PathBuf],
        known: Vec<Cached<FileContent>>,
        limit: usize,
        consume: impl FnOnce(&[PathBuf], Contents) -> T + Send + 'static,
    ) -> std::result::Result<T, NotRun> {
        let caller = Arc::new(());
        let patience = Patience::new(self.pipe_deadline, Arc::downgrade(&caller));
        let paths = paths.to_owned();
        let read = blocking::run(move || {
            let read = |(path, known): (&PathBuf, Cached<FileContent>)| {
                // The file that was opened is closed after the read.
                let opened = match known.known() {
                    Ok(content) => return content,
                    Err(opened) => opened,
                };
                let content = read_settled(path, limit, &patience);
                drop(opened);
                content
            };
            let contents = paths.iter().zip(known).map(read).collect();
            consume(&paths, contents)
        });
        let consumed = read.await;
        drop(caller);
        consumed
    }
}

/// The contents, if all of them are known.
fn all_known(read: Vec<Cached<FileContent>>) -> std::result::Result<Contents, Vec<Cached<FileContent>>> {
    if read.iter().any(|content| matches!(content, Cached::Unknown(_))) {
        return Err(read);
    }
    Ok(read
        .into_iter()
        .filter_map(|content| content.known().ok())
        .collect())
}

/// The results of files that were not read.
fn not_run(paths: &[PathBuf], reason: NotRun) -> Contents {
    paths.iter().map(|_| Err(reason.into())).collect()
}

/// When to stop waiting for a pipe: at the deadline, or when the caller is gone.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    started: Instant,
    pub(super) limit: Duration,
    caller: Weak<()>,
}

impl Patience {
    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    pub(super) fn new(limit: Duration, caller: Weak<()>) -> Self {
        Self {
            started: Instant::now(),
            limit,
            caller,
        }
    }

    /// The time that is left; none if the caller is gone.
    #[cfg_attr(
        not(unix),
        expect(dead_code, reason = "only Unix has pipes that are read as files")
    )]
    pub(super) fn left(&self) -> Duration {
        if self.caller.strong_count() == 0 {
            return Duration::ZERO;
        }
        self.limit.saturating_sub(self.started.elapsed())
    }
}

#[async_trait]
impl Files for FileSystem {
    async fn read_stamped(&self, path: &Path, limit: usize) -> io::Result<FileContent> {
        let contents = self.read_each_stamped(&[path.to_owned()], limit).await;
        let nothing = || Err(io::Error::other("the file was not read"));
        contents.into_iter().next().unwrap_or_else(nothing)
    }

    /// Reads all files in one blocking task, so that little time passes between the first and the last.
    async fn read_each_stamped(&self, paths: &[PathBuf], limit: usize) -> Contents {
        let known = match all_known(cached::read_each(paths, limit)) {
            Ok(contents) => {
                let_others_run().await;
                return contents;
            }
            Err(known) => known,
        };
        let read = self.complete(paths, known, limit, |_, contents| contents).await;
        read.unwrap_or_else(|reason| not_run(paths, reason))
    }

    async fn read_each_into(&self, paths: &[PathBuf], limit: usize, consume: Consumer) -> Result<()> {
        let known = cached::read_each(paths, limit);
        let found = known.iter().filter_map(|content| match content {
            Cached::Found(content) => Some(content),
            Cached::Missing | Cached::Unknown(_) => None,
        });
        let is_small = effort_of(found) <= SMALL;
        let known = match if is_small { all_known(known) } else { Err(known) } {
            Ok(contents) => {
                let_others_run().await;
                consume(paths, contents);
                return Ok(());
            }
            Err(known) => known,
        };
        let consume = Arc::new(Mutex::new(Some(consume)));
        let take =
            |consume: &Mutex<Option<Consumer>>| consume.lock().unwrap_or_else(PoisonError::into_inner).take();
        let taken = Arc::clone(&consume);
        let read = self.complete(paths, known, limit, move |paths, contents| {
            if let Some(consume) = take(&taken) {
                consume(paths, contents);
            }
        });
        if let Err(reason) = read.await
            && let Some(consume) = take(&consume)
        {
            consume(paths, not_run(paths, reason));
        }
        Ok(())
    }

    fn with_pipe_deadline(&self, deadline: Duration) -> Option<Arc<dyn Files>> {
        Some(Arc::new(Self {
            pipe_deadline: deadline,
        }))
    }

    async fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let path = path.to_owned();
        on_blocking_thread(move || kind_of(&path)).await
    }

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    async fn foreign_writers(&self, path: &Path) -> Option<ForeignWriters> {
        let path = path.to_owned();
        let writers = on_blocking_thread(move || {
            let metadata = std::fs::metadata(&path)?;
            Ok(writers::of_open_file(&path, &metadata))
        });
        // If the program does not exist, running it reports the error.
        writers.await.unwrap_or_default()
    }

    async fn is_readable_by_everyone(&self, path: &Path) -> bool {
        let path = path.to_owned();
        let answer = on_blocking_thread(move || readers::is_readable_by_everyone(&path));
        answer.await.unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    async fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        if let Ok(known) = cached::read_link(path).known() {
            return known;
        }
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

/// Yields after many reads that did not wait: a task that only reads such files must not hold up the others.
async fn let_others_run() {
    tokio::task::coop::consume_budget().await;
}

async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let ended = blocking::run(work).await;
    ended.unwrap_or_else(|error| Err(io::Error::from(error)))
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
    } else if is_pipe(&metadata) {
        FileKind::Pipe
    } else {
        FileKind::Other
    })
}

#[cfg(unix)]
fn is_pipe(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &std::fs::Metadata) -> bool {
    false
}

/// The number of attempts if the target of a link is removed while the link is followed.
const ATTEMPTS: usize = 5;

/// Reads a file whose path may contain a link to a directory that is being replaced, as the kubelet does in its
/// mounts.
#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
#[cfg_attr(
    not(unix),
    expect(unused_variables, reason = "only Unix has pipes that are read as files")
)]
fn read_settled(path: &Path, limit: usize, patience: &Patience) -> io::Result<FileContent> {
    let is_link = || std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    let mut opened = open_file::open(path);
    for _ in 1..ATTEMPTS {
        match &opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_link() => {
                opened = open_file::open(path);
            }
            _ => break,
        }
    }
    match opened? {
        OpenFile::Regular(file, metadata) => {
            cached::remember_mounts(path);
            Ok(FileContent {
                bytes: open_file::read_regular(file, &metadata, limit)?,
                stamp: Some(open_file::stamp_of(&metadata)),
                is_from_pipe: false,
                foreign_writers: writers::of_open_file(path, &metadata),
            })
        }
        #[cfg(unix)]
        OpenFile::Pipe(file, id) => {
            let bytes = pipe::read(file, id, limit, patience)?;
            Ok(FileContent::without_stamp(bytes, true))
        }
        OpenFile::Null => Ok(FileContent::without_stamp(SecretBytes::default(), false)),
    }
}
