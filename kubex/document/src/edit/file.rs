//! Reads, locks and replaces a kubeconfig file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Text;
use kubex_core::secret::SecretBuffer;
use kubex_core::{Error, ErrorKind, ExposeSecret as _, Result, SecretBytes, SecretString};

/// The byte order mark of UTF-8.
const MARK: &str = "\u{feff}";

/// The largest kubeconfig.
const LARGEST: u64 = 64 * 1024 * 1024;

/// How long to wait before the lock of another program is checked again.
const LOOK: Duration = Duration::from_millis(10);

/// The content of a kubeconfig file, to be edited. To replace the file, open it with [`lock`](Self::lock).
#[derive(Debug)]
pub struct KubeconfigFile {
    /// The file itself, behind symbolic links.
    path: PathBuf,
    content: SecretString,
    /// A file in UTF-16 is read, and not written.
    is_utf_8: bool,
    _lock: Option<Lock>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file is locked and replaced, which a host does not do"
)]
impl KubeconfigFile {
    /// Reads the file without a lock.
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnreadableFile`] if the file cannot be read, or if it is neither UTF-8 nor UTF-16.
    pub fn read(path: &Path) -> Result<Self> {
        Self::open(path, None)
    }

    /// Locks the file like kubectl, and reads it. [`replace`](Self::replace) can then write it. The lock is released on drop.
    /// If another program holds the lock, the call blocks until the lock is free, at most for `patience`.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: another program holds the lock, or a lock cannot be created.
    /// - [`ErrorKind::UnreadableFile`]: the file cannot be read, or it is neither UTF-8 nor UTF-16.
    pub fn lock(path: &Path, patience: Duration) -> Result<Self> {
        let lock = Lock::new(path, patience)?;
        Self::open(path, Some(lock))
    }

    fn open(path: &Path, lock: Option<Lock>) -> Result<Self> {
        let failed = |error: io::Error| failed(ErrorKind::UnreadableFile, "read", path, &error);
        let real = fs::canonicalize(path).map_err(failed)?;
        // A pipe would wait for its writer.
        let is_regular = |metadata: &fs::Metadata| {
            metadata.is_file().then_some(()).ok_or_else(|| {
                let message = format_args!("\"{}\" is not a regular file", path.display());
                Error::new(ErrorKind::UnreadableFile, message)
            })
        };
        is_regular(&fs::metadata(&real).map_err(failed)?)?;
        let file = File::open(&real).map_err(failed)?;
        is_regular(&file.metadata().map_err(failed)?)?;
        let mut content = SecretBuffer::default();
        content.append_from(file.take(LARGEST + 1)).map_err(failed)?;
        if content.len() as u64 > LARGEST {
            let message = format_args!("\"{}\" is larger than {LARGEST} bytes", path.display());
            return Err(Error::new(ErrorKind::UnreadableFile, message));
        }
        let content: SecretBytes = content.into();
        let is_utf_8 = std::str::from_utf8(content.expose_secret()).is_ok();
        let content = if is_utf_8 {
            content.into_text().ok()
        } else {
            Text::new(content)
                .ok()
                .map(|text| SecretString::unlisted(text.as_str()))
        };
        let content = content.ok_or_else(|| not_utf_8(path))?;
        Ok(Self {
            path: real,
            content,
            is_utf_8,
            _lock: lock,
        })
    }

    /// Returns the text of the file, without a byte order mark.
    pub fn text(&self) -> &str {
        let text = self.content.expose_secret();
        text.strip_prefix(MARK).unwrap_or(text)
    }

    /// Checks that [`replace`](Self::replace) can write the file, and changes nothing.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: the file cannot be written.
    /// - [`ErrorKind::UnreadableFile`]: the file is not UTF-8.
    pub fn rehearse(&self) -> Result<()> {
        let opened = OpenOptions::new().write(true).open(&self.path);
        opened.map_err(|error| self.not_written(&error))?;
        self.beside(self.text()).map(drop)
    }

    /// Replaces the file with this text, in one step. The file keeps its mode and its owner. If the system does not
    /// permit a replacement, for example because the file is a mount point, the text is written into the existing
    /// file.
    ///
    /// # Errors
    /// Returns the errors of [`rehearse`](Self::rehearse). After an error, the file is unchanged. The only exception is a text
    /// that was being written into the existing file.
    pub fn replace(&self, text: &str) -> Result<()> {
        let temporary = self.beside(text)?;
        let replaced = self
            .keep_owner_and_mode(&temporary.file)
            .and_then(|()| fs::rename(&temporary.path, &self.path));
        // The disk has room for the content, because the temporary file is complete.
        let replaced = replaced.or_else(|_| self.write_in_place(text));
        replaced.map_err(|error| self.not_written(&error))
    }

    /// Writes the content to a new file beside this one.
    fn beside(&self, text: &str) -> Result<Temporary> {
        if !self.is_utf_8 {
            return Err(not_utf_8(&self.path));
        }
        let written = Temporary::new(&self.path).and_then(|temporary| {
            self.write_to(&temporary.file, text)?;
            Ok(temporary)
        });
        written.map_err(|error| self.not_written(&error))
    }

    fn write_in_place(&self, text: &str) -> io::Result<()> {
        let file = OpenOptions::new().write(true).truncate(true).open(&self.path)?;
        self.write_to(&file, text)
    }

    fn write_to(&self, mut file: &File, text: &str) -> io::Result<()> {
        if self.content.expose_secret().starts_with(MARK) {
            file.write_all(MARK.as_bytes())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// If root edits the file of another user, the file still belongs to that user.
    fn keep_owner_and_mode(&self, file: &File) -> io::Result<()> {
        let before = fs::metadata(&self.path)?;
        keep_owner(file, &before)?;
        file.set_permissions(before.permissions())
    }

    fn not_written(&self, error: &io::Error) -> Error {
        failed(ErrorKind::Unavailable, "write", &self.path, error)
    }
}

/// A new file beside another one, which is removed unless it was renamed.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn new(beside: &Path) -> io::Result<Self> {
        let name = beside
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = beside.with_file_name(format!(".{name}.kubex-{}", std::process::id()));
        // An earlier process with the same id may have been killed and left its file.
        let _ = fs::remove_file(&path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing is there after a rename.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn keep_owner(file: &File, before: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    fchown(file, Some(before.uid()), Some(before.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// client-go's lock: a file that exists while the kubeconfig is edited (tools/clientcmd/loader.go).
#[derive(Debug)]
struct Lock(PathBuf);

#[expect(
    clippy::disallowed_methods,
    reason = "another program's lock ends in real time"
)]
impl Lock {
    fn new(path: &Path, patience: Duration) -> Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let name = PathBuf::from(name);
        let began = Instant::now();
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&name) {
                Ok(_) => return Ok(Self(name)),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed(ErrorKind::Unavailable, "lock", path, &error));
                }
                Err(_) if began.elapsed() < patience => std::thread::sleep(LOOK),
                Err(_) => break,
            }
        }
        let message = format_args!(
            "another program edits \"{}\": \"{}\" exists",
            path.display(),
            name.display()
        );
        Err(Error::new(ErrorKind::Unavailable, message)
            .with_help("wait until it has ended, or remove that file if it was left behind"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn failed(kind: ErrorKind, what: &str, path: &Path, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::StorageFull => "no space is left",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        _ => "the system refuses it",
    };
    Error::new(kind, format_args!("cannot {what} \"{}\": {why}", path.display()))
}

fn not_utf_8(path: &Path) -> Error {
    let message = format_args!("\"{}\" is not UTF-8", path.display());
    Error::new(ErrorKind::UnreadableFile, message).with_help("save it as UTF-8")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the files are real")]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        fs::write(&path, text).unwrap();
        (directory, path)
    }

    fn names(directory: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(directory.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_under_a_lock_that_ends_with_the_edit() {
        let (directory, path) = file("\u{feff}a: 1\n");
        let edited = KubeconfigFile::lock(&path, Duration::ZERO).unwrap();
        let error = KubeconfigFile::lock(&path, Duration::from_millis(20)).unwrap_err();
        assert!(
            error.kind() == ErrorKind::Unavailable && error.message().contains("config.lock"),
            "{error}"
        );
        edited.rehearse().unwrap();
        assert_eq!(edited.text(), "a: 1\n");
        edited.replace("a: 2\n").unwrap();
        drop(edited);
        assert_eq!(fs::read_to_string(&path).unwrap(), "\u{feff}a: 2\n");
        assert_eq!(names(&directory), ["config"]);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_written_in_place_and_what_a_killed_process_left_is_no_obstacle() {
        let (directory, path) = file("a: 1\nb: 2\n");
        let left = format!(".config.kubex-{}", std::process::id());
        fs::write(directory.path().join(left), "").unwrap();
        let edited = KubeconfigFile::lock(&path, Duration::ZERO).unwrap();
        edited.rehearse().unwrap();
        edited.write_in_place("a: 2\n").unwrap();
        drop(edited);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 2\n");
        assert_eq!(names(&directory), ["config"]);
    }

    #[test]
    fn a_lock_that_is_released_in_time_is_waited_for() {
        let (_directory, path) = file("a: 1\n");
        let edited = KubeconfigFile::lock(&path, Duration::ZERO).unwrap();
        let waiting = std::thread::spawn(move || KubeconfigFile::lock(&path, Duration::from_secs(60)));
        drop(edited);
        waiting.join().unwrap().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_the_mode_stays() {
        use std::os::unix::fs::PermissionsExt as _;

        let (directory, path) = file("a: 1\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("config", &link).unwrap();
        let edited = KubeconfigFile::lock(&link, Duration::ZERO).unwrap();
        edited.replace("a: 2\n").unwrap();
        drop(edited);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 2\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
