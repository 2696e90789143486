//! Finds the mounts whose files are on this machine, so that reading them waits for no server.
//!
//! The kernel's list of mounts contains the file system of each mount. The kernel makes the list from memory, without asking
//! a file system. For a mount that the list does not contain, a blocking thread calls `fstatfs`, which may wait for a server.
//!
//! A known mount is identified by its unique id (Linux 6.8), or else by its id and its block device.

use std::collections::VecDeque;
use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::sync::{PoisonError, RwLock};

use rustix::fs::{AtFlags, Statx, StatxFlags};
use rustix::io::Errno;

/// How the files of a mount are read without blocking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A file that is not in the page cache is left to the blocking thread.
    FromPageCache,
    /// All of the file system is memory, which does not support `RWF_NOWAIT` and does not need it.
    FromMemory,
    /// Only the attributes of its directories are known without waiting. The root of a container is such a file system.
    Never,
    /// The files may be on a server, so nothing is known without waiting.
    Elsewhere,
}

/// A file system that asks no server.
struct FileSystem {
    /// Its name in the list of mounts.
    name: &'static [u8],
    /// Its number in `linux/magic.h`.
    magic: u32,
    reading: Reading,
}

const fn file_system(name: &'static str, magic: u32, reading: Reading) -> FileSystem {
    FileSystem {
        name: name.as_bytes(),
        magic,
        reading,
    }
}

const LOCAL: &[FileSystem] = &[
    file_system("ext4", 0x0000_EF53, Reading::FromPageCache),
    file_system("ext3", 0x0000_EF53, Reading::FromPageCache),
    file_system("ext2", 0x0000_EF53, Reading::FromPageCache),
    file_system("xfs", 0x5846_5342, Reading::FromPageCache),
    file_system("btrfs", 0x9123_683E, Reading::FromPageCache),
    file_system("f2fs", 0xF2F5_2010, Reading::FromPageCache),
    file_system("tmpfs", 0x0102_1994, Reading::FromMemory),
    file_system("devtmpfs", 0x0102_1994, Reading::FromMemory),
    file_system("ramfs", 0x8584_58F6, Reading::FromMemory),
    // Its layers may be anywhere.
    file_system("overlay", 0x794C_7630, Reading::Never),
];

/// A mount. No later mount has an equal one, except one of the same block device on a kernel without unique ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MountId {
    id: u64,
    is_unique: bool,
    device: (u32, u32),
}

/// `STATX_MNT_ID_UNIQUE`: an id that no later mount gets.
const UNIQUE_ID: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// `STATX_MNT_ID`: an id that a later mount may get, as in the list of mounts.
const REUSED_ID: StatxFlags = StatxFlags::from_bits_retain(0x1000);

impl MountId {
    fn new(found: &Statx) -> Option<Self> {
        let answered = StatxFlags::from_bits_retain(found.stx_mask);
        let is_unique = answered.contains(UNIQUE_ID);
        // A device without a major number is not a disk, and its number goes to the next mount.
        let is_known = is_unique || answered.contains(REUSED_ID) && found.stx_dev_major != 0;
        is_known.then_some(Self {
            id: found.stx_mnt_id,
            is_unique,
            device: (found.stx_dev_major, found.stx_dev_minor),
        })
    }
}

/// The mounts that have been looked up, the newest last.
static MOUNTS: RwLock<VecDeque<(MountId, Reading)>> = RwLock::new(VecDeque::new());

/// How many mounts are kept.
const MOST_MOUNTS: usize = 64;

/// How much of the list of mounts is read, in bytes. A node of a cluster may have thousands of mounts.
const MOST_OF_THE_LIST: u64 = 64 * 1024;

/// The attributes of what is open, without asking a server.
pub(super) fn look_at(opened: BorrowedFd<'_>) -> Result<Statx, Errno> {
    statx(opened, StatxFlags::BASIC_STATS | UNIQUE_ID | REUSED_ID)
}

fn statx(opened: BorrowedFd<'_>, fields: StatxFlags) -> Result<Statx, Errno> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    rustix::fs::statx(opened, "", flags, fields)
}

/// How the files of the mount are read on which this is open; `EAGAIN` if the mount is not known to be local.
pub(super) fn reading(opened: BorrowedFd<'_>, found: &Statx) -> Result<Reading, Errno> {
    let mount = MountId::new(found).ok_or(Errno::AGAIN)?;
    let reading = known(mount).or_else(|| {
        // The mount stays in the list while something on it is open.
        let file_system = file_system_of(opened)?;
        // The blocking thread judges a file system of another name.
        let local = LOCAL.iter().find(|local| local.name == file_system)?;
        Some(remember(mount, Some(local)))
    });
    let reading = reading.filter(|reading| *reading != Reading::Elsewhere);
    reading.ok_or(Errno::AGAIN)
}

/// Finds out by the file system itself how its files are read. It may block.
pub(super) fn remember_mount(opened: BorrowedFd<'_>) -> Result<(), Errno> {
    let mount = MountId::new(&look_at(opened)?).ok_or(Errno::AGAIN)?;
    if known(mount).is_none() {
        let magic = rustix::fs::fstatfs(opened)?.f_type;
        let is_this = |local: &&FileSystem| i128::from(local.magic) == i128::from(magic);
        remember(mount, LOCAL.iter().find(is_this));
    }
    Ok(())
}

fn known(mount: MountId) -> Option<Reading> {
    let mounts = MOUNTS.read().unwrap_or_else(PoisonError::into_inner);
    let known = mounts.iter().find(|(known, _)| *known == mount);
    known.map(|(_, reading)| *reading)
}

fn remember(mount: MountId, file_system: Option<&FileSystem>) -> Reading {
    let reading = file_system.map_or(Reading::Elsewhere, |file_system| file_system.reading);
    let mut mounts = MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
    if mounts.len() == MOST_MOUNTS {
        mounts.pop_front();
    }
    mounts.push_back((mount, reading));
    reading
}

/// The name of the file system on which this is open; `None` if the list of the thread's mounts does not contain it.
#[expect(
    clippy::disallowed_methods,
    reason = "reading this file of the kernel never blocks"
)]
fn file_system_of(opened: BorrowedFd<'_>) -> Option<Vec<u8>> {
    let found = statx(opened, REUSED_ID).ok()?;
    let has_id = StatxFlags::from_bits_retain(found.stx_mask).contains(REUSED_ID);
    let id = has_id.then(|| found.stx_mnt_id.to_string())?;
    let mut list = Vec::with_capacity(8 * 1024);
    let file = std::fs::File::open("/proc/thread-self/mountinfo").ok()?;
    file.take(MOST_OF_THE_LIST).read_to_end(&mut list).ok()?;
    name_in_list(&list, id.as_bytes()).map(<[u8]>::to_vec)
}

/// The name of the file system of the mount with this id: the field after the `-` (`proc_pid_mountinfo(5)`).
fn name_in_list<'l>(list: &'l [u8], id: &[u8]) -> Option<&'l [u8]> {
    list.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        if fields.next() != Some(id) {
            return None;
        }
        fields.find(|field| *field == b"-")?;
        fields.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_of_a_mount_is_found_by_its_id() {
        let list = b"22 27 0:21 / /proc rw,relatime - proc proc rw\n\
            25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw,size=24684084k\n\
            36 35 98:0 /mnt1 /mnt/- rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n\
            40 35 0:50 / /fuse rw - fuse.sshfs host:/ rw\n4";
        let name = |id: &str| name_in_list(list, id.as_bytes()).map(String::from_utf8_lossy);
        assert_eq!(name("22").as_deref(), Some("proc"));
        assert_eq!(name("25").as_deref(), Some("tmpfs"));
        assert_eq!(name("36").as_deref(), Some("ext3"));
        assert_eq!(name("40").as_deref(), Some("fuse.sshfs"));
        for id in ["2", "27", "4", "41", ""] {
            assert_eq!(name(id), None, "{id}");
        }
    }

    #[test]
    fn the_list_and_the_file_system_itself_agree() {
        use std::os::fd::AsFd as _;

        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
        for path in ["/", "/dev", "/dev/shm", "/proc", "/tmp"] {
            let Ok(opened) = rustix::fs::open(path, flags, rustix::fs::Mode::empty()) else {
                continue;
            };
            let magic = rustix::fs::fstatfs(&opened).unwrap().f_type;
            let by_magic = LOCAL
                .iter()
                .find(|local| i128::from(local.magic) == i128::from(magic));
            let Some(name) = file_system_of(opened.as_fd()) else {
                println!("NOT TESTED: the list of mounts does not contain {path}");
                continue;
            };
            let by_name = LOCAL.iter().find(|local| local.name == name);
            assert_eq!(
                by_name.map(|local| local.reading),
                by_magic.map(|local| local.reading),
                "{path}"
            );
        }
    }
}
