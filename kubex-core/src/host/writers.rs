//! Who can change a file besides the user of this process and root.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::shown_path;

/// Users, other than the user of this process and root, who can change or replace a file. `Display` prints them for
/// people.
///
/// The rule is the one that `ssh` has for its own files: a file and the directories above it must belong to this user or to
/// root, and other users must not be able to write to them. These cases are exceptions:
///
/// | case | why |
/// |---|---|
/// | the group of this process, and groups below 100 | a private group, as distributions give to each user; the system's own groups, whose members administer the machine |
/// | a directory with the sticky bit, such as `/tmp` | there, only the owner of a file can replace it |
/// | a file system that is mounted read-only | a ConfigMap's directory has the mode 0777, but nothing can be written to it |
/// | an owner that this user namespace does not know | a file of the host's root, seen from a container |
///
/// The modes of symbolic links do not count. On Windows, nothing is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignWriters {
    who: Who,
    /// The directory in which they can replace the file; `None` if they can change the file itself.
    directory: Option<PathBuf>,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "nothing is checked on Windows"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Everyone,
    Group(u32),
    Owner(u32),
}

impl ForeignWriters {
    /// Whether every user of the machine can change the file itself.
    pub(crate) fn is_everyone(&self) -> bool {
        self.who == Who::Everyone && self.directory.is_none()
    }

    /// Creates the value for a file that every user of the machine can write to.
    ///
    /// ```
    /// use kubex_core::host::ForeignWriters;
    /// assert_eq!(ForeignWriters::everyone().to_string(), "every user of the machine can write to it");
    /// ```
    #[cfg(feature = "test-util")]
    pub fn everyone() -> Self {
        Self {
            who: Who::Everyone,
            directory: None,
        }
    }
}

/// Prints a clause such as `every user of the machine can write to it`.
impl fmt::Display for ForeignWriters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = match &self.directory {
            None => "it".to_owned(),
            Some(directory) => {
                format!("its directory \"{}\"", shown_path(directory))
            }
        };
        match self.who {
            Who::Everyone => write!(f, "every user of the machine can write to {object}"),
            Who::Group(group) => write!(f, "the group {group} can write to {object}"),
            Who::Owner(owner) => write!(f, "{object} belongs to user {owner}"),
        }
    }
}

#[cfg(not(unix))]
pub(super) fn of_open_file(_: &Path, _: &std::fs::Metadata) -> Option<ForeignWriters> {
    None
}

#[cfg(unix)]
pub(super) use unix::of_open_file;
#[cfg(target_os = "linux")]
pub(super) use unix::{Access, Directories, Process, foreign_writers};

#[cfg(unix)]
mod unix {
    use std::convert::Infallible;
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt as _;

    use rustix::fs::{StatVfsMountFlags, statvfs};

    use super::{ForeignWriters, Path, PathBuf, Who};

    const STICKY: u32 = 0o1000;
    const WRITABLE_BY_GROUP: u32 = 0o020;
    const WRITABLE_BY_OTHERS: u32 = 0o002;

    /// The first group that is not one of the system's own.
    const FIRST_GROUP: u32 = 100;

    /// The owner of a file whose owner is not known in this user namespace.
    const UNKNOWN_OWNER: u32 = 65_534;

    /// The user and the group of this process.
    #[derive(Clone, Copy, Debug)]
    pub(in super::super) struct Process {
        pub(super) user: u32,
        pub(super) group: u32,
    }

    /// The attributes that decide who can change a file or directory.
    #[derive(Clone, Copy, Debug)]
    pub(in super::super) struct Access {
        pub(in super::super) owner: u32,
        pub(in super::super) group: u32,
        pub(in super::super) mode: u32,
    }

    impl From<&Metadata> for Access {
        fn from(metadata: &Metadata) -> Self {
            Self {
                owner: metadata.uid(),
                group: metadata.gid(),
                mode: metadata.mode(),
            }
        }
    }

    impl Process {
        pub(in super::super) fn current() -> Self {
            Self {
                user: rustix::process::geteuid().as_raw(),
                group: rustix::process::getegid().as_raw(),
            }
        }

        pub(super) fn trusts(self, owner: u32) -> bool {
            owner == 0 || owner == self.user || owner == UNKNOWN_OWNER
        }

        /// Who can change a file, or the entries of a directory.
        pub(super) fn writers(self, access: Access) -> Option<Who> {
            if !self.trusts(access.owner) {
                Some(Who::Owner(access.owner))
            } else if access.mode & WRITABLE_BY_OTHERS != 0 {
                Some(Who::Everyone)
            } else if access.mode & WRITABLE_BY_GROUP != 0
                && access.group >= FIRST_GROUP
                && access.group != self.group
            {
                Some(Who::Group(access.group))
            } else {
                None
            }
        }

        /// Who can replace an entry of a directory. With the sticky bit, the owner of the entry and that of the directory.
        pub(super) fn replacers(self, directory: Access, entry_owner: u32) -> Option<Who> {
            let writers = self.writers(directory)?;
            let is_sticky = directory.mode & STICKY != 0;
            let is_kept = is_sticky && self.trusts(directory.owner) && self.trusts(entry_owner);
            (!is_kept).then_some(writers)
        }
    }

    /// Reads the attributes of directories. An attribute is `None` if the system does not provide it.
    pub(in super::super) trait Directories {
        /// Why an answer is not known.
        type Unknown;

        fn directory(&self, path: &Path) -> Result<Option<Access>, Self::Unknown>;

        /// The owner of an entry of a directory, which may be a symbolic link.
        fn owner_of_entry(&self, path: &Path) -> Result<Option<u32>, Self::Unknown>;

        /// Whether its file system is mounted read-only.
        fn is_read_only(&self, path: &Path) -> Result<bool, Self::Unknown>;
    }

    /// Asks the system, which may block.
    struct System;

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    impl Directories for System {
        type Unknown = Infallible;

        fn directory(&self, path: &Path) -> Result<Option<Access>, Infallible> {
            Ok(std::fs::metadata(path).ok().as_ref().map(Access::from))
        }

        fn owner_of_entry(&self, path: &Path) -> Result<Option<u32>, Infallible> {
            Ok(std::fs::symlink_metadata(path).ok().map(|entry| entry.uid()))
        }

        fn is_read_only(&self, path: &Path) -> Result<bool, Infallible> {
            Ok(statvfs(path).is_ok_and(|volume| volume.f_flag.contains(StatVfsMountFlags::RDONLY)))
        }
    }

    /// Who can change a file that was opened by this path, or put another one in its place. It may block.
    pub(in super::super) fn of_open_file(path: &Path, opened: &Metadata) -> Option<ForeignWriters> {
        let Ok(found) = foreign_writers(&System, Process::current(), path, opened.into(), || {
            Ok(target_of_link(path))
        });
        found
    }

    /// Who can change a file that was opened by this path, or put another one in its place. `target` is the file that
    /// the path leads to, if the path is a link.
    pub(in super::super) fn foreign_writers<D: Directories>(
        directories: &D,
        process: Process,
        path: &Path,
        opened: Access,
        target: impl FnOnce() -> Result<Option<PathBuf>, D::Unknown>,
    ) -> Result<Option<ForeignWriters>, D::Unknown> {
        if let Some(who) = process.writers(opened)
            && !directories.is_read_only(path)?
        {
            return Ok(Some(ForeignWriters { who, directory: None }));
        }
        if let Some(writers) = replaced_in(directories, process, path)? {
            return Ok(Some(writers));
        }
        // The directories of the file that a link leads to count as well.
        match target()? {
            Some(target) => replaced_in(directories, process, &target),
            None => Ok(None),
        }
    }

    /// The lowest directory of the path in which others can replace the next part of it.
    fn replaced_in<D: Directories>(
        directories: &D,
        process: Process,
        path: &Path,
    ) -> Result<Option<ForeignWriters>, D::Unknown> {
        let mut entry = path;
        while let Some(directory) = entry
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        {
            let Some(access) = directories.directory(directory)? else {
                return Ok(None);
            };
            if process.writers(access).is_some() {
                let Some(entry_owner) = directories.owner_of_entry(entry)? else {
                    return Ok(None);
                };
                if let Some(who) = process.replacers(access, entry_owner)
                    && !directories.is_read_only(directory)?
                {
                    return Ok(Some(ForeignWriters {
                        who,
                        directory: Some(directory.to_owned()),
                    }));
                }
            }
            entry = directory;
        }
        Ok(None)
    }

    #[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
    fn target_of_link(path: &Path) -> Option<PathBuf> {
        let is_link = std::fs::symlink_metadata(path).ok()?.is_symlink();
        is_link.then(|| std::fs::canonicalize(path).ok()).flatten()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::Who;
    use super::unix::{Access, Process};

    const JANE: Process = Process {
        user: 1000,
        group: 1000,
    };

    fn access(owner: u32, group: u32, mode: u32) -> Access {
        Access { owner, group, mode }
    }

    #[test]
    fn usual_files_have_no_foreign_writers() {
        for (owner, group, mode) in [
            (1000, 1000, 0o600),
            (1000, 1000, 0o644),
            (1000, 1000, 0o664),
            (1000, 100, 0o644),
            (1000, 20, 0o664),
            (0, 0, 0o644),
            (0, 0, 0o664),
            (0, 1000, 0o640),
            (0, 2000, 0o440),
            (65_534, 65_534, 0o644),
        ] {
            let writers = JANE.writers(access(owner, group, mode));
            assert_eq!(writers, None, "{owner} {group} {mode:o}");
        }
    }

    #[test]
    fn other_owners_other_groups_and_everyone_are_foreign_writers() {
        for (owner, group, mode, who) in [
            (1001, 1001, 0o600, Who::Owner(1001)),
            (1001, 1000, 0o444, Who::Owner(1001)),
            (1000, 1000, 0o646, Who::Everyone),
            (0, 0, 0o777, Who::Everyone),
            (1000, 1001, 0o664, Who::Group(1001)),
            (0, 1001, 0o660, Who::Group(1001)),
            (1000, 100, 0o664, Who::Group(100)),
        ] {
            assert_eq!(
                JANE.writers(access(owner, group, mode)),
                Some(who),
                "{owner} {group} {mode:o}"
            );
        }
        let root = Process { user: 0, group: 0 };
        assert_eq!(root.writers(access(1000, 1000, 0o600)), Some(Who::Owner(1000)));
    }

    #[test]
    fn in_a_sticky_directory_only_a_foreign_owner_replaces_an_entry() {
        let tmp = access(0, 0, 0o1777);
        assert_eq!(JANE.replacers(tmp, 1000), None);
        assert_eq!(JANE.replacers(tmp, 0), None);
        assert_eq!(JANE.replacers(tmp, 1001), Some(Who::Everyone));
        assert_eq!(JANE.replacers(access(0, 0, 0o777), 1000), Some(Who::Everyone));
        // The owner of a directory can replace its entries also with the sticky bit.
        assert_eq!(
            JANE.replacers(access(1001, 0, 0o1755), 1000),
            Some(Who::Owner(1001))
        );
        assert_eq!(JANE.replacers(access(1000, 1000, 0o755), 1000), None);
    }
}
