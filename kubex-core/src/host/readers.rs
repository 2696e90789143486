//! Whether every user of the machine can read a file.
//!
//! A file with a secret is safe below a directory that other users cannot enter, whatever its own mode is. On Windows, nothing
//! is checked.

use std::io;
use std::path::Path;

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it fails on Unix")]
pub(super) fn is_readable_by_everyone(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Looks at the file that the path leads to, and at all directories above it. It may block.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
pub(super) fn is_readable_by_everyone(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let path = std::fs::canonicalize(path)?;
    let modes: io::Result<Vec<u32>> = path
        .ancestors()
        .map(|entry| std::fs::metadata(entry).map(|metadata| metadata.mode()))
        .collect();
    Ok(modes?
        .split_first()
        .is_some_and(|(file, directories)| admit_everyone(*file, directories)))
}

/// Whether the mode of a file, and those of all directories above it, let every user read the file.
#[cfg(unix)]
fn admit_everyone(file: u32, directories: &[u32]) -> bool {
    const READABLE: u32 = 0o004;
    const ENTERABLE: u32 = 0o001;

    file & READABLE != 0 && directories.iter().all(|directory| directory & ENTERABLE != 0)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_readable_by_everyone_if_all_its_directories_can_be_entered() {
        for (file, directories, is_readable) in [
            (0o644, [0o755, 0o755], true),
            (0o604, [0o711, 0o755], true),
            (0o644, [0o700, 0o755], false),
            (0o644, [0o755, 0o700], false),
            (0o640, [0o755, 0o755], false),
            (0o600, [0o777, 0o777], false),
        ] {
            assert_eq!(
                admit_everyone(file, &directories),
                is_readable,
                "{file:o} {directories:?}"
            );
        }
    }
}
