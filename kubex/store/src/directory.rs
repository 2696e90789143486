//! The directory of the store: its permissions, and its files.
//!
//! Only the user may have access to the directory and its files. Any other permissions are refused, because another user could
//! read a credential, or put one there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use kubex_core::text::shown_path;
use zeroize::Zeroizing;

use crate::name::hexadecimal;
use crate::unshared::Unshared;

/// The largest file that is read. A credential has at most 1 MiB.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The directory of the store.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Opens the directory, and creates it if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Self, Unshared> {
        if let Err(error) = create(path) {
            // A directory of a file system that is read-only can still be read.
            if !path.is_dir() {
                return Err(Unshared::from_io("create the directory", path, &error));
            }
        }
        let metadata = fs::symlink_metadata(path)
            .map_err(|error| Unshared::from_io("read the directory", path, &error))?;
        if !metadata.is_dir() {
            return Err(refused(path, "is not a directory"));
        }
        check_rights(path, &metadata)?;
        check_file_system(path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file. `None` if it does not exist or cannot be read.
    ///
    /// # Errors
    /// The file belongs to another user, can be read by others, or is not a regular file.
    pub(crate) fn read(&self, file: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Unshared> {
        let path = self.path.join(file);
        let mut options = OpenOptions::new();
        options.read(true);
        without_following(&mut options);
        let opened = match options.open(&path) {
            Ok(opened) => opened,
            Err(error) if is_link(&error) => return Err(refused(&path, "is a symbolic link")),
            Err(_) => return Ok(None),
        };
        let Ok(metadata) = opened.metadata() else {
            return Ok(None);
        };
        if !metadata.is_file() {
            return Err(refused(&path, "is not a regular file"));
        }
        check_rights(&path, &metadata)?;
        if metadata.len() > MAX_FILE {
            return Ok(None);
        }
        let mut content = Zeroizing::new(Vec::with_capacity(
            usize::try_from(metadata.len()).unwrap_or(0) + 1,
        ));
        match opened.take(MAX_FILE).read_to_end(&mut content) {
            Ok(_) => Ok(Some(content)),
            Err(_) => Ok(None),
        }
    }

    /// Replaces a file atomically: a reader sees either the old content or the new content.
    pub(crate) fn replace(&self, file: &str, content: &[u8]) -> Result<(), Unshared> {
        let path = self.path.join(file);
        let failed = |error: &io::Error| Unshared::from_io("write", &path, error);
        let temporary = self.path.join(format!(".{file}.{}", random_suffix()));
        let written = (|| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            for_its_user_only(&mut options);
            let mut opened = options.open(&temporary)?;
            opened.write_all(content)?;
            // A crash of the machine leaves the old file or the new one, and never an empty one.
            opened.sync_data()?;
            fs::rename(&temporary, &path)
        })();
        written.map_err(|error| {
            let _ = fs::remove_file(&temporary);
            failed(&error)
        })
    }

    /// Adds to a file; small additions of several processes do not mix.
    pub(crate) fn append(&self, file: &str, content: &[u8]) -> Result<(), Unshared> {
        let path = self.path.join(file);
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        for_its_user_only(&mut options);
        without_following(&mut options);
        options
            .open(&path)
            .and_then(|mut opened| opened.write_all(content))
            .map_err(|error| Unshared::from_io("write", &path, &error))
    }

    /// Removes a file. It is not an error if it does not exist.
    pub(crate) fn remove(&self, file: &str) -> Result<(), Unshared> {
        let path = self.path.join(file);
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Unshared::from_io("remove", &path, &error)),
        }
    }

    /// Opens a file for its lock, and creates it if it does not exist.
    pub(crate) fn open_lock(&self, file: &str) -> Result<File, Unshared> {
        let path = self.path.join(file);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        for_its_user_only(&mut options);
        without_following(&mut options);
        let opened = options
            .open(&path)
            .map_err(|error| Unshared::from_io("open the lock file", &path, &error))?;
        match opened.metadata() {
            Ok(metadata) if metadata.is_file() => check_rights(&path, &metadata)?,
            _ => return Err(refused(&path, "is not a regular file")),
        }
        Ok(opened)
    }

    /// The names of the files.
    pub(crate) fn files(&self) -> Result<Vec<String>, Unshared> {
        let entries = fs::read_dir(&self.path)
            .map_err(|error| Unshared::from_io("list the directory", &self.path, &error))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }
}

/// A name that no other process uses.
fn random_suffix() -> String {
    let mut bytes = [0; 8];
    // Without random numbers, `create_new` still refuses a name that exists.
    let _ = rand::fill(&mut bytes);
    hexadecimal(&bytes)
}

fn refused(path: &Path, why: &str) -> Unshared {
    Unshared::new(
        format!("\"{}\" {why}", shown_path(path)),
        "remove it, or set KUBEX_CACHE_DIR to a directory of yours",
    )
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn check_rights(path: &Path, metadata: &fs::Metadata) -> Result<(), Unshared> {
    use std::os::unix::fs::MetadataExt as _;

    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, "belongs to another user"));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(refused(path, "can be accessed by other users"));
    }
    Ok(())
}

/// On Windows, the profile of a user is not accessible to others.
#[cfg(not(unix))]
fn check_rights(_: &Path, _: &fs::Metadata) -> Result<(), Unshared> {
    Ok(())
}

#[cfg(unix)]
fn for_its_user_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600);
}

#[cfg(not(unix))]
fn for_its_user_only(_: &mut OpenOptions) {}

/// Does not follow a symbolic link, and does not wait for a pipe.
#[cfg(unix)]
fn without_following(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    options.custom_flags(flags.cast_signed());
}

#[cfg(not(unix))]
fn without_following(_: &mut OpenOptions) {}

#[cfg(unix)]
fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_link(_: &io::Error) -> bool {
    false
}

/// Network file systems. Their locks may hang, or exclude only the processes of the same machine.
#[cfg(target_os = "linux")]
const NETWORK: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
];

#[cfg(target_os = "linux")]
fn check_file_system(path: &Path) -> Result<(), Unshared> {
    let Ok(file_system) = rustix::fs::statfs(path) else {
        return Ok(());
    };
    #[expect(clippy::cast_sign_loss, reason = "a magic number, which is 32 bits wide")]
    let magic = file_system.f_type as u64 & 0xffff_ffff;
    match NETWORK.iter().find(|(number, _)| *number == magic) {
        Some((_, name)) => Err(Unshared::new(
            format!(
                "\"{}\" is on {name}, a file system of a network, whose locks are not reliable",
                shown_path(path)
            ),
            "set KUBEX_CACHE_DIR to a local directory",
        )),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn check_file_system(_: &Path) -> Result<(), Unshared> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn new() -> (tempfile::TempDir, Directory) {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::open(&parent.path().join("a/b")).unwrap();
        (parent, directory)
    }

    #[test]
    fn only_the_user_may_read_what_is_created() {
        let (_parent, directory) = new();
        directory.replace("x", b"1").unwrap();
        directory.append("y", b"1").unwrap();
        directory.open_lock("z").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(directory.path()), 0o700);
        for file in directory.files().unwrap() {
            assert_eq!(mode(&directory.path().join(&file)), 0o600, "{file}");
        }
        assert_eq!(directory.files().unwrap(), ["x", "y", "z"]);
    }

    #[test]
    fn a_directory_or_a_file_that_others_can_access_is_refused() {
        let (_parent, directory) = new();
        directory.replace("x", b"1").unwrap();
        let path = directory.path().join("x");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(directory.read("x").unwrap_err().message().contains("other users"));
        std::os::unix::fs::symlink("/etc/hostname", directory.path().join("link")).unwrap();
        assert!(
            directory
                .read("link")
                .unwrap_err()
                .message()
                .contains("symbolic link")
        );
        assert!(directory.open_lock("link").is_err());
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(
            Directory::open(directory.path())
                .unwrap_err()
                .message()
                .contains("other users")
        );
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "a check that cannot run here says so")]
    fn a_file_of_another_user_is_refused() {
        if !rustix::process::geteuid().is_root() {
            println!("NOT TESTED: a file of another user: only root can create one");
            return;
        }
        let (_parent, directory) = new();
        directory.replace("x", b"1").unwrap();
        std::os::unix::fs::chown(directory.path().join("x"), Some(12345), None).unwrap();
        assert!(
            directory
                .read("x")
                .unwrap_err()
                .message()
                .contains("another user")
        );
        std::os::unix::fs::chown(directory.path(), Some(12345), None).unwrap();
        assert!(
            Directory::open(directory.path())
                .unwrap_err()
                .message()
                .contains("another user")
        );
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_does_not_block() {
        let (_parent, directory) = new();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            directory.path().join("x"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(
            directory
                .read("x")
                .unwrap_err()
                .message()
                .contains("regular file")
        );
        assert!(directory.open_lock("x").is_err());
    }
}
