//! Reads a small file on the caller's thread where that cannot block: the page cache of a local file system.
//!
//! Handing a read to a blocking thread takes 20 to 160 µs, and the read of a small file from the page cache takes 5. Linux
//! offers that alone: `openat2` with `RESOLVE_CACHED` looks only into the cache of names, and `preadv2` with `RWF_NOWAIT` only
//! into the page cache. Both answer `EAGAIN` where they would have to wait.
//!
//! | what could block | why it does not |
//! |---|---|
//! | `open`, `fstat` of a file on a FUSE or network file system whose server is gone | the directory and the file are opened as mere paths first (`O_PATH`), which asks no server; a file is opened only on a mount that is known to be local ([`mounts`](super::mounts)), relative to its directory and without crossing a mount |
//! | a FIFO, a device | only what is a regular file is opened |
//! | writing the time of the last access | `O_NOATIME` on disks |
//! | copying a large file, parsing it | neither is done here |
//!
//! This module returns only the content of a file, or that the file does not exist. Everything else is left to a blocking
//! thread, which can wait and report errors: a file that other users can change, a kernel or a sandbox without these calls, and
//! a symbolic link. The exception are links on a file system in memory and within one directory, as the kubelet mounts the
//! files of a pod (`token -> ..data/token`, `..data -> ..2026_11_28`). A link without a target is left to the blocking thread
//! too, because the target may be being replaced.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::ffi::OsStr;
use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Statx};
use rustix::io::{Errno, ReadWriteFlags};

use super::Cached;
use super::mounts::{Reading, look_at, reading, remember_mount};
use crate::host::files::FileContent;
use crate::host::open_file::{Wiped, stamp_of};
use crate::host::writers::{Access, Directories, Process, foreign_writers};

/// Whether the kernel, or a sandbox around the program, refuses `openat2`.
static IS_REFUSED: AtomicBool = AtomicBool::new(false);

/// Reads the files of one call, which are often in the same directory.
#[derive(Default)]
pub(in crate::host) struct Reader {
    /// The user and the group of this process.
    process: OnceCell<Process>,
    /// The directory of the last file, which is open as a mere path.
    directory: RefCell<Option<(PathBuf, Rc<OwnedFd>)>>,
    /// The directories above the files so far.
    above: RefCell<Vec<(PathBuf, Access)>>,
    /// The owners of entries of directories that others can write to.
    owners: RefCell<Vec<(PathBuf, u32)>>,
}

impl Reader {
    pub(in crate::host) fn new() -> Self {
        Self::default()
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
        let place = self.place(path)?;
        let entry = place.entry(OFlags::PATH | OFlags::NOFOLLOW)?;
        let found = look_at(entry.as_fd())?;
        if !is_link(&found) {
            let reading = reading(entry.as_fd(), &found)?;
            return self.read_place(&place, path, &found, reading, limit, kept);
        }
        let place = place.behind_link()?;
        let content = place.entry(OFlags::PATH).and_then(|target| {
            let found = look_at(target.as_fd())?;
            let reading = reading(target.as_fd(), &found)?;
            self.read_place(&place, path, &found, reading, limit, kept)
        });
        content.map_err(|_| Errno::AGAIN)
    }

    /// The place of a file. The directory of the last file is not opened again.
    fn place<'a>(&self, path: &'a Path) -> Result<Place<'a>, Errno> {
        let (directory, name) = parts_of(path)?;
        if let Some(opened) = self.open_directory(directory) {
            return Ok(Place::new(opened, name));
        }
        let opened = Rc::new(open_cached(directory, OFlags::DIRECTORY)?);
        let last = (directory.to_owned(), Rc::clone(&opened));
        self.directory.replace(Some(last));
        Ok(Place::new(opened, name))
    }

    /// The directory of the last file, if it is this one.
    fn open_directory(&self, path: &Path) -> Option<Rc<OwnedFd>> {
        let last = self.directory.borrow();
        let (known, opened) = last.as_ref()?;
        (known.as_os_str() == path.as_os_str()).then(|| Rc::clone(opened))
    }

    fn read_place(
        &self,
        place: &Place<'_>,
        path: &Path,
        found: &Statx,
        reading: Reading,
        limit: usize,
        kept: &mut Option<File>,
    ) -> Result<FileContent, Errno> {
        let is_regular = FileType::from_raw_mode(found.stx_mode.into()) == FileType::RegularFile;
        let length = usize::try_from(found.stx_size).unwrap_or(usize::MAX);
        if !is_regular || length > limit || reading == Reading::Never {
            return Err(Errno::AGAIN);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file: File = match reading {
            Reading::FromPageCache => place.entry(flags | OFlags::NOATIME)?,
            Reading::FromMemory | Reading::Never | Reading::Elsewhere => place.entry(flags)?,
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
        let process = *self.process.get_or_init(Process::current);
        let foreign_writers = foreign_writers(self, process, path, (&metadata).into(), target)?;
        let mut content = Wiped(vec![0; length]);
        // One byte more shows whether the file has grown.
        let mut beyond = [0];
        let buffers = &mut [IoSliceMut::new(&mut content.0), IoSliceMut::new(&mut beyond)];
        let flags = match reading {
            Reading::FromPageCache => ReadWriteFlags::NOWAIT,
            Reading::FromMemory | Reading::Never | Reading::Elsewhere => ReadWriteFlags::empty(),
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
    match Reader::new().place(path).and_then(|place| place.link_target()) {
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
        if let Ok(opened) = rustix::fs::open(path, flags, Mode::empty()) {
            // A mount that stays unknown is asked again the next time.
            let _ = remember_mount(opened.as_fd());
        }
    }
}

/// A file by its directory, which is open as a mere path.
struct Place<'a> {
    directory: Rc<OwnedFd>,
    /// The path from there: the last part of the path, or what a link leads to.
    within: Cow<'a, Path>,
    is_behind_link: bool,
}

impl<'a> Place<'a> {
    fn new(directory: Rc<OwnedFd>, name: &'a Path) -> Self {
        Self {
            directory,
            within: name.into(),
            is_behind_link: false,
        }
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
            &*self.directory,
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
        if reading(link.as_fd(), &found)? != Reading::FromMemory {
            return Err(Errno::AGAIN);
        }
        if !is_link(&found) {
            return Ok(None);
        }
        let target = rustix::fs::readlinkat(&link, "", Vec::new())?;
        Ok(Some(PathBuf::from(OsStr::from_bytes(target.as_bytes()))))
    }
}

/// The directory of a file, and the file's name in it.
fn parts_of(path: &Path) -> Result<(&Path, &Path), Errno> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Errno::AGAIN);
    };
    // `Path` ignores what follows in `file/` and `file/.`, and the system does not.
    if !path.as_os_str().as_bytes().ends_with(name.as_bytes()) {
        return Err(Errno::AGAIN);
    }
    let is_here = directory.as_os_str().is_empty();
    Ok((if is_here { Path::new(".") } else { directory }, Path::new(name)))
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
        let access = remembered(&self.above, path, || match self.open_directory(path) {
            Some(opened) => access_of(opened.as_fd()),
            None => access_of_path(path, OFlags::DIRECTORY),
        });
        access.map(Some)
    }

    fn owner_of_entry(&self, path: &Path) -> Result<Option<u32>, Errno> {
        let owner = || access_of_path(path, OFlags::NOFOLLOW).map(|access| access.owner);
        remembered(&self.owners, path, owner).map(Some)
    }

    /// The system call for it can block.
    fn is_read_only(&self, _: &Path) -> Result<bool, Errno> {
        Err(Errno::AGAIN)
    }
}

/// What is known about this path, or is found out now.
fn remembered<T: Copy>(
    known: &RefCell<Vec<(PathBuf, T)>>,
    path: &Path,
    find: impl FnOnce() -> Result<T, Errno>,
) -> Result<T, Errno> {
    let is_it = |(known, _): &&(PathBuf, T)| known.as_os_str() == path.as_os_str();
    if let Some((_, found)) = known.borrow().iter().find(is_it) {
        return Ok(*found);
    }
    let found = find()?;
    known.borrow_mut().push((path.to_owned(), found));
    Ok(found)
}

fn access_of_path(path: &Path, flags: OFlags) -> Result<Access, Errno> {
    access_of(open_cached(path, flags)?.as_fd())
}

/// The attributes that another file system has in its cache may be old ones.
fn access_of(opened: BorrowedFd<'_>) -> Result<Access, Errno> {
    let found = look_at(opened)?;
    reading(opened, &found)?;
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
