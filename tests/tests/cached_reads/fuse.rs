//! A FUSE file system with one file, whose server can be told to stop answering.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// The name of the file.
pub(crate) const NAME: &str = "config";

/// What its server contains.
pub(crate) const CONTENT: &[u8] = b"content of a file on a FUSE file system\n";

const ROOT: u64 = 1;
const FILE: u64 = 2;
const AN_HOUR: u64 = 3600;

/// A mounted file system. Dropping it ends every call that waits for an answer.
pub(crate) struct Fuse {
    directory: PathBuf,
    device: Option<File>,
    is_stopped: Arc<AtomicBool>,
}

impl Fuse {
    /// Mounts it in the mount namespace of this thread.
    pub(crate) fn mount(directory: &Path) -> io::Result<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse")?;
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(
            Some("fuse"),
            directory,
            Some("fuse"),
            flags,
            Some(options.as_str()),
        )?;
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (mut served, stops) = (device.try_clone()?, is_stopped.clone());
        std::thread::spawn(move || {
            let mut request = vec![0; 256 * 1024];
            while let Ok(length) = served.read(&mut request) {
                if stops.load(Ordering::SeqCst) {
                    // The device stays open, and nothing is answered.
                    return;
                }
                if let Some(answer) = answer(&request[..length]) {
                    let _ = served.write_all(&answer);
                }
            }
        });
        Ok(Self {
            directory: directory.to_owned(),
            device: Some(device),
            is_stopped,
        })
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.join(NAME)
    }

    /// Stops answering, as the server of a network file system that is gone. The next request is the last one that is read.
    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        let _ = umount2(&self.directory, MntFlags::MNT_DETACH | MntFlags::MNT_FORCE);
        drop(self.device.take());
    }
}

fn u32_at(request: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(request[at..at + 4].try_into().unwrap())
}

fn u64_at(request: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(request[at..at + 8].try_into().unwrap())
}

/// The answer to a request, as `linux/fuse.h` lays it out: a header of 16 bytes and a body. `None` if none is expected.
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let (operation, id, node) = (u32_at(request, 4), u64_at(request, 8), u64_at(request, 16));
    let body = &request[40..];
    let answer = match operation {
        // FORGET, BATCH_FORGET
        2 | 42 => return None,
        // INIT
        26 => {
            let mut init = Vec::new();
            init.extend([7_u32, 31].map(u32::to_ne_bytes).concat());
            // As much read ahead as the kernel offers, no flag.
            init.extend([u32_at(body, 8), 0].map(u32::to_ne_bytes).concat());
            init.resize(64, 0);
            Ok(init)
        }
        // LOOKUP
        1 if body.starts_with(NAME.as_bytes()) => {
            let mut entry = [FILE, 0, AN_HOUR, AN_HOUR, 0].map(u64::to_ne_bytes).concat();
            entry.extend(attributes(FILE));
            Ok(entry)
        }
        // GETATTR
        3 => {
            let mut found = [AN_HOUR, 0].map(u64::to_ne_bytes).concat();
            found.extend(attributes(node));
            Ok(found)
        }
        // OPEN, which keeps the pages in the cache
        14 => Ok([0_u64, 2].map(u64::to_ne_bytes).concat()),
        // READ
        15 => {
            let from = usize::try_from(u64_at(body, 8)).unwrap().min(CONTENT.len());
            Ok(CONTENT[from..].to_vec())
        }
        // FLUSH, RELEASE
        25 | 18 => Ok(Vec::new()),
        1 => Err(nix::libc::ENOENT),
        _ => Err(nix::libc::ENOSYS),
    };
    let (error, body) = match answer {
        Ok(body) => (0, body),
        Err(error) => (-error, Vec::new()),
    };
    let length = u32::try_from(16 + body.len()).unwrap();
    let mut answer = length.to_ne_bytes().to_vec();
    answer.extend(error.to_ne_bytes());
    answer.extend(id.to_ne_bytes());
    answer.extend(body);
    Some(answer)
}

fn attributes(node: u64) -> Vec<u8> {
    let (mode, size) = match node {
        ROOT => (0o040_755_u32, 0),
        _ => (0o100_644, CONTENT.len() as u64),
    };
    // The inode, size, blocks and times.
    let mut attributes = [node, size, 1, 0, 0, 0].map(u64::to_ne_bytes).concat();
    // Nanoseconds, mode, links, owner, group, device, block size, flags.
    attributes.extend(
        [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0]
            .map(u32::to_ne_bytes)
            .concat(),
    );
    attributes
}
