//! A service account's mount on a real disk, replaced as the kubelet does it.
//!
//! Each generation is a directory of its own. The link `..data` is swapped to it by an atomic rename, and the
//! directory before is removed at once. The files are links through `..data`. What the token, the authority
//! and the namespace of one generation have in common is its number.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// The mount, and the authority that each of its generations shows.
#[derive(Debug)]
pub struct PodMount {
    root: TempDir,
    authority: String,
    generation: std::sync::atomic::AtomicUsize,
}

impl PodMount {
    /// A mount in a temporary directory, with its first generation, whose authority is this PEM. A comment in
    /// front of it says of which generation it is.
    pub fn new(authority: impl Into<String>) -> io::Result<Self> {
        let mount = Self {
            root: tempfile::tempdir()?,
            authority: authority.into(),
            generation: 0.into(),
        };
        mount.swap()?;
        for file in ["token", "ca.crt", "namespace"] {
            link(Path::new("..data").join(file), mount.root().join(file))?;
        }
        Ok(mount)
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Replaces the generation by the next one, and says which that is. One thread at a time.
    pub fn swap(&self) -> io::Result<usize> {
        use std::sync::atomic::Ordering;

        let number = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        let name = format!("..{number}");
        let directory = self.root().join(&name);
        std::fs::create_dir(&directory)?;
        std::fs::write(directory.join("token"), format!("token-{number}\n"))?;
        std::fs::write(
            directory.join("ca.crt"),
            format!("generation {number}\n{}", self.authority),
        )?;
        std::fs::write(directory.join("namespace"), format!("namespace-{number}"))?;
        let new = self.root().join("..data_tmp");
        link(&name, &new)?;
        std::fs::rename(&new, self.root().join("..data"))?;
        if number > 1 {
            std::fs::remove_dir_all(self.root().join(format!("..{}", number - 1)))?;
        }
        Ok(number)
    }

    /// The number of the generation that a token or an authority is of.
    pub fn generation_of(content: &[u8]) -> Option<usize> {
        let text = std::str::from_utf8(content).ok()?;
        let line = text.lines().next()?;
        line.rsplit(['-', ' ']).next()?.trim().parse().ok()
    }
}

#[cfg(unix)]
fn link(target: impl AsRef<Path>, at: impl AsRef<Path>) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: impl AsRef<Path>, _: impl AsRef<Path>) -> io::Result<()> {
    Err(io::Error::other("a pod's mount needs symbolic links"))
}
