//! Reads a small file on the caller's thread where that cannot block: the page cache of a local file system.
//!
//! Handing a read to a blocking thread takes 20 to 160 µs, and the read of a small file from the page cache takes 5. Linux
//! offers that alone: `openat2` with `RESOLVE_CACHED` looks only into the cache of names, and `preadv2` with `RWF_NOWAIT` only
//! into the page cache. Both answer `EAGAIN` where they would have to wait.
//!
//! | what could block | why it does not |
//! |---|---|
//! | `open`, `fstat` of a file on a FUSE or network file system whose server is gone | the directory and the file are opened as mere paths first (`O_PATH`), which asks no server; a file is opened only on a mount that a blocking thread has found to be local, relative to its directory and without crossing a mount |
//! | a FIFO, a device | only what is a regular file is opened |
//! | writing the time of the last access | `O_NOATIME` on disks |
//! | copying a large file, parsing it | neither is done here |
//!
//! A known mount is identified by its unique id (Linux 6.8), or else by its id and its block device.
//!
//! This module returns only the content of a file, or that the file does not exist. Everything else is left to a blocking
//! thread, which can wait and report errors: a file that other users can change, a kernel or a sandbox without these calls, and
//! a symbolic link. The exception are links on a file system in memory and within one directory, as the kubelet mounts the
//! files of a pod (`token -> ..data/token`, `..data -> ..2026_11_28`). A link without a target is left to the blocking thread
//! too, because the target may be being replaced.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::{Errno, ReadWriteFlags};

use super::Cached;
use crate::host::files::FileContent;
use crate::host::open_file::{Wiped, stamp_of};
use crate::host::writers::{Access, Directories, foreign_writers};

/// How the files of a mount are read without blocking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// A file that is not in the page cache is left to the blocking thread.
    FromPageCache,
    /// All of the file system is memory, which does not support `RWF_NOWAIT` and does not need it.
    FromMemory,
    /// Only the attributes of its directories are known without waiting. The root of a container is such a file system.
    Never,
}

/// The file systems that ask no server, by their number in `linux/magic.h`.
const LOCAL: &[(u32, Reading)] = &[
    (0x0000_EF53, Reading::FromPageCache), // ext2, ext3, ext4
    (0x5846_5342, Reading::FromPageCache), // XFS
    (0x9123_683E, Reading::FromPageCache), // Btrfs
    (0xF2F5_2010, Reading::FromPageCache), // F2FS
    (0x0102_1994, Reading::FromMemory),    // tmpfs
    (0x8584_58F6, Reading::FromMemory),    // ramfs
    (0x794C_7630, Reading::Never),         // overlayfs, of layers that may be anywhere
];

/// A mount. No later mount has an equal one, except one of the same block device on a kernel without unique ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MountId {
    id: u64,
    is_unique: bool,
    device: (u32, u32),
}

impl MountId {
    /// `STATX_MNT_ID_UNIQUE`: an id that no later mount gets.
    const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
    /// `STATX_MNT_ID`: an id that a later mount may get.
    const REUSED: StatxFlags = StatxFlags::from_bits_retain(0x1000);

    fn new(found: &Statx) -> Option<Self> {
        let answered = StatxFlags::from_bits_retain(found.stx_mask);
        let is_unique = answered.contains(Self::UNIQUE);
        // A device without a major number is not a disk, and its number goes to the next mount.
        let is_known = is_unique || answered.contains(Self::REUSED) && found.stx_dev_major != 0;
        is_known.then_some(Self {
            id: found.stx_mnt_id,
            is_unique,
            device: (found.stx_dev_major, found.stx_dev_minor),
        })
    }
}

/// The local mounts that a blocking thread has met, the newest last.
static LOCAL_MOUNTS: RwLock<VecDeque<(MountId, Reading)>> = RwLock::new(VecDeque::new());

/// How many mounts are kept.
const MOST_MOUNTS: usize = 64;

/// Whether the kernel, or a sandbox around the program, refuses `openat2`.
static IS_REFUSED: AtomicBool = AtomicBool::new(false);

/// Reads the files of one call, which are often in the same directory.
pub(in crate::host) struct Reader {
    /// The directories above the files so far.
    above: RefCell<Vec<(PathBuf, Access)>>,
}

impl Reader {
    pub(in crate::host) fn new() -> Self {
        Self {
            above: RefCell::default(),
        }
    }

    /// The content of a regular file of at most `limit` bytes.
    pub(in crate::host) fn read(&self, path: &Path, limit: usize) -> Cached<FileContent> {
        let mut opened = None;
        match self.try_read(path, limit, &mut opened) {
            Ok(content) => Cached::Found(content),
            Err(Errno::NOENT) => Cached::Missing,
            Err(_) => Cached::Unknown(opened),
        }
    }

    fn try_read(&self, path: &Path, limit: usize, kept: &mut Option<File>) -> Result<FileContent, Errno> {
        let place = Place::of(path)?;
        let found = look_at(place.entry(OFlags::PATH | OFlags::NOFOLLOW)?.as_fd())?;
        if !is_link(&found) {
            return self.read_place(&place, path, &found, limit, kept);
        }
        let place = place.behind_link()?;
        let behind = place
            .entry(OFlags::PATH)
            .and_then(|target| look_at(target.as_fd()));
        let content = behind.and_then(|found| self.read_place(&place, path, &found, limit, kept));
        content.map_err(|_| Errno::AGAIN)
    }

    fn read_place(
        &self,
        place: &Place<'_>,
        path: &Path,
        found: &Statx,
        limit: usize,
        kept: &mut Option<File>,
    ) -> Result<FileContent, Errno> {
        let reading = reading(found)?;
        let is_regular = FileType::from_raw_mode(found.stx_mode.into()) == FileType::RegularFile;
        let length = usize::try_from(found.stx_size).unwrap_or(usize::MAX);
        if !is_regular || length > limit || reading == Reading::Never {
            return Err(Errno::AGAIN);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file: File = match reading {
            Reading::FromPageCache => place.entry(flags | OFlags::NOATIME)?,
            Reading::FromMemory | Reading::Never => place.entry(flags)?,
        }
        .into();
        // The path may name another file by now.
        let metadata = match file.metadata() {
            Ok(metadata) if metadata.is_file() && metadata.len() == found.stx_size => metadata,
            _ => {
                *kept = Some(file);
                return Err(Errno::AGAIN);
            }
        };
        let target = || place.is_behind_link.then(|| path_of(file.as_fd())).transpose();
        let foreign_writers = foreign_writers(self, path, (&metadata).into(), target)?;
        let mut content = Wiped(vec![0; length]);
        // One byte more shows whether the file has grown.
        let mut beyond = [0];
        let buffers = &mut [IoSliceMut::new(&mut content.0), IoSliceMut::new(&mut beyond)];
        let flags = match reading {
            Reading::FromPageCache => ReadWriteFlags::NOWAIT,
            Reading::FromMemory | Reading::Never => ReadWriteFlags::empty(),
        };
        if rustix::io::preadv2(&file, buffers, 0, flags)? != length {
            return Err(Errno::AGAIN);
        }
        Ok(FileContent {
            bytes: std::mem::take(&mut content.0).into(),
            stamp: Some(stamp_of(&metadata)),
            is_from_pipe: false,
            foreign_writers,
        })
    }
}

/// The target of a symbolic link on a file system in memory; elsewhere it may have to be read from a disk.
pub(in crate::host) fn read_link(path: &Path) -> Cached<PathBuf> {
    match Place::of(path).and_then(|place| place.link_target()) {
        Ok(Some(target)) => Cached::Found(target),
        Err(Errno::NOENT) => Cached::Missing,
        Ok(None) | Err(_) => Cached::Unknown(None),
    }
}

/// Remembers which of the mounts of this path and of the directories above it are local. It may block.
pub(in crate::host) fn remember_mounts(path: &Path) {
    if IS_REFUSED.load(Ordering::Relaxed) {
        return;
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    for path in path.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        let Ok(opened) = rustix::fs::open(path, flags, Mode::empty()) else {
            continue;
        };
        let Some(mount) = look_at(opened.as_fd())
            .ok()
            .and_then(|found| MountId::new(&found))
        else {
            continue;
        };
        if reading_of(mount).is_some() {
            continue;
        }
        let Ok(file_system) = rustix::fs::fstatfs(&opened) else {
            continue;
        };
        let is_this = |(magic, _): &&(u32, Reading)| i128::from(*magic) == i128::from(file_system.f_type);
        if let Some((_, reading)) = LOCAL.iter().find(is_this) {
            let mut mounts = LOCAL_MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
            if mounts.len() == MOST_MOUNTS {
                mounts.pop_front();
            }
            mounts.push_back((mount, *reading));
        }
    }
}

/// A file by its directory, which is open as a mere path.
struct Place<'a> {
    directory: OwnedFd,
    /// The path from there: the last part of the path, or what a link leads to.
    within: Cow<'a, Path>,
    is_behind_link: bool,
}

impl<'a> Place<'a> {
    fn of(path: &'a Path) -> Result<Self, Errno> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Errno::AGAIN);
        };
        // `Path` ignores what follows in `file/` and `file/.`, and the system does not.
        if !path.as_os_str().as_bytes().ends_with(name.as_bytes()) {
            return Err(Errno::AGAIN);
        }
        let is_here = directory.as_os_str().is_empty();
        let directory = if is_here { Path::new(".") } else { directory };
        Ok(Self {
            directory: open_cached(directory, OFlags::DIRECTORY)?,
            within: Path::new(name).into(),
            is_behind_link: false,
        })
    }

    /// Opens the file, which is on the same mount. Behind a link, there is no further one.
    fn entry(&self, flags: OFlags) -> Result<OwnedFd, Errno> {
        let links = if self.is_behind_link {
            ResolveFlags::NO_SYMLINKS
        } else {
            ResolveFlags::empty()
        };
        self.open(&self.within, flags, links)
    }

    fn open(&self, within: &Path, flags: OFlags, resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
        rustix::fs::openat2(
            &self.directory,
            within,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
            resolve | ResolveFlags::CACHED | ResolveFlags::NO_XDEV,
        )
    }

    /// The file that this link leads to, if it is below the same directory.
    fn behind_link(self) -> Result<Self, Errno> {
        let target = self.link_target()?.ok_or(Errno::AGAIN)?;
        let mut parts = below(&target)?;
        let first = parts.next().ok_or(Errno::AGAIN)?;
        let mut within: PathBuf = match self.target_of(Path::new(first)).map_err(|_| Errno::AGAIN)? {
            Some(target) => below(&target)?.collect(),
            None => first.into(),
        };
        within.extend(parts);
        Ok(Self {
            within: within.into(),
            is_behind_link: true,
            ..self
        })
    }

    /// The target, if this place is a link on a file system in memory.
    fn link_target(&self) -> Result<Option<PathBuf>, Errno> {
        self.target_of(&self.within)
    }

    /// The target of an entry of the directory, if the entry is a link.
    fn target_of(&self, within: &Path) -> Result<Option<PathBuf>, Errno> {
        let link = self.open(within, OFlags::PATH | OFlags::NOFOLLOW, ResolveFlags::empty())?;
        let found = look_at(link.as_fd())?;
        if reading(&found)? != Reading::FromMemory {
            return Err(Errno::AGAIN);
        }
        if !is_link(&found) {
            return Ok(None);
        }
        let target = rustix::fs::readlinkat(&link, "", Vec::new())?;
        Ok(Some(PathBuf::from(OsStr::from_bytes(target.as_bytes()))))
    }
}

/// The path of what is open, without links.
fn path_of(opened: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
    let path = rustix::fs::readlinkat(CWD, format!("/proc/self/fd/{}", opened.as_raw_fd()), Vec::new())?;
    Ok(PathBuf::from(OsStr::from_bytes(path.as_bytes())))
}

/// The parts of a link's target that stays below the link's directory.
fn below(target: &Path) -> Result<impl Iterator<Item = &OsStr>, Errno> {
    let is_below = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !target.components().all(is_below) {
        return Err(Errno::AGAIN);
    }
    Ok(target.iter())
}

fn is_link(found: &Statx) -> bool {
    FileType::from_raw_mode(found.stx_mode.into()) == FileType::Symlink
}

/// The directories above a file, as far as they are on local mounts.
impl Directories for Reader {
    type Unknown = Errno;

    fn directory(&self, path: &Path) -> Result<Option<Access>, Errno> {
        let known = self
            .above
            .borrow()
            .iter()
            .find(|(known, _)| known == path)
            .map(|(_, access)| *access);
        if let Some(access) = known {
            return Ok(Some(access));
        }
        let access = access_of_path(path, OFlags::DIRECTORY)?;
        self.above.borrow_mut().push((path.to_owned(), access));
        Ok(Some(access))
    }

    fn owner_of_entry(&self, path: &Path) -> Result<Option<u32>, Errno> {
        Ok(Some(access_of_path(path, OFlags::NOFOLLOW)?.owner))
    }

    /// The system call for it can block.
    fn is_read_only(&self, _: &Path) -> Result<bool, Errno> {
        Err(Errno::AGAIN)
    }
}

fn access_of_path(path: &Path, flags: OFlags) -> Result<Access, Errno> {
    access_of(&look_at(open_cached(path, flags)?.as_fd())?)
}

/// The attributes that another file system has in its cache may be old ones.
fn access_of(found: &Statx) -> Result<Access, Errno> {
    reading(found)?;
    Ok(Access {
        owner: found.stx_uid,
        group: found.stx_gid,
        mode: found.stx_mode.into(),
    })
}

fn open_cached(path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    if IS_REFUSED.load(Ordering::Relaxed) {
        return Err(Errno::NOSYS);
    }
    let flags = flags | OFlags::PATH | OFlags::CLOEXEC;
    let opened = rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED);
    if let Err(Errno::NOSYS | Errno::PERM) = opened {
        IS_REFUSED.store(true, Ordering::Relaxed);
    }
    opened
}

/// The attributes of what is open, without asking a server.
fn look_at(opened: BorrowedFd<'_>) -> Result<Statx, Errno> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let fields = StatxFlags::BASIC_STATS | MountId::UNIQUE | MountId::REUSED;
    rustix::fs::statx(opened, "", flags, fields)
}

/// How the files of this mount are read; `EAGAIN` if it is not known to be local.
fn reading(found: &Statx) -> Result<Reading, Errno> {
    MountId::new(found).and_then(reading_of).ok_or(Errno::AGAIN)
}

fn reading_of(mount: MountId) -> Option<Reading> {
    let mounts = LOCAL_MOUNTS.read().unwrap_or_else(PoisonError::into_inner);
    let known = mounts.iter().find(|(known, _)| *known == mount);
    known.map(|(_, reading)| *reading)
}
