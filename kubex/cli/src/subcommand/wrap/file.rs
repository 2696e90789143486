//! A kubeconfig file that is edited: under the lock of client-go, and replaced at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use kubex::{ErrorClass, ExposeSecret as _, SecretBytes, SecretString};
use kubex_document::Text;

use crate::failure::{Failure, status};

/// The byte order mark of UTF-8.
const MARK: &str = "\u{feff}";

/// A kubeconfig file, read and, to be written, locked.
pub(super) struct Kubeconfig {
    /// The file itself, behind symbolic links.
    path: PathBuf,
    content: SecretString,
    /// A file in UTF-16 is read, and not written.
    is_utf_8: bool,
    _lock: Option<Lock>,
}

/// client-go's lock: a file that exists while the kubeconfig is edited (tools/clientcmd/loader.go).
struct Lock(PathBuf);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file is locked and replaced, which a host does not do"
)]
impl Kubeconfig {
    /// Reads the file, under the lock if it is to be written.
    pub(super) fn open(path: &Path, is_to_be_written: bool) -> Result<Self, Failure> {
        let lock = if is_to_be_written { Some(lock(path)?) } else { None };
        let failed = |error: &io::Error| failed("read", path, error);
        let real = fs::canonicalize(path).map_err(|error| failed(&error))?;
        let metadata = fs::metadata(&real).map_err(|error| failed(&error))?;
        if !metadata.is_file() {
            return Err(invalid(format!("\"{}\" is not a regular file", path.display())));
        }
        let content: SecretBytes = fs::read(&real).map_err(|error| failed(&error))?.into();
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

    /// The text without a byte order mark.
    pub(super) fn text(&self) -> &str {
        let text = self.content.expose_secret();
        text.strip_prefix(MARK).unwrap_or(text)
    }

    /// Replaces the file at once. Its mode stays.
    pub(super) fn replace(&self, text: &str) -> Result<(), Failure> {
        if !self.is_utf_8 {
            return Err(not_utf_8(&self.path));
        }
        let written = (|| {
            let metadata = fs::metadata(&self.path)?;
            let temporary = Temporary::new(&self.path)?;
            let mut file = &temporary.file;
            if self.content.expose_secret().starts_with(MARK) {
                file.write_all(MARK.as_bytes())?;
            }
            file.write_all(text.as_bytes())?;
            keep_owner(file, &metadata)?;
            file.set_permissions(metadata.permissions())?;
            file.sync_all()?;
            fs::rename(&temporary.path, &self.path)
        })();
        written.map_err(|error| failed("write", &self.path, &error))
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

/// Root edits the file of another user, which stays that user's.
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

fn lock(path: &Path) -> Result<Lock, Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    match OpenOptions::new().write(true).create_new(true).open(&name) {
        Ok(_) => Ok(Lock(name)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let failure = invalid(format!(
                "another program edits \"{}\": \"{}\" exists",
                path.display(),
                name.display()
            ));
            Err(failure.with_help("wait until it has ended, or remove that file if it was left behind"))
        }
        Err(error) => Err(failed("lock", path, &error)),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::StorageFull => "no space is left",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        _ => "the system refuses it",
    };
    invalid(format!("cannot {what} \"{}\": {why}", path.display()))
}

fn not_utf_8(path: &Path) -> Failure {
    invalid(format!("\"{}\" is not UTF-8", path.display())).with_help("save it as UTF-8")
}

fn invalid(message: String) -> Failure {
    Failure::new(status::from_class(ErrorClass::InvalidConfiguration), message)
}
