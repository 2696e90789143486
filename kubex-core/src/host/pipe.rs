//! Pipes: `<(command)`, `/dev/stdin`, a FIFO. Each is read once, and its content is kept.
//!
//! A pipe can be read only once, but several parts of a program may need its content: a chain that is resolved twice, an error
//! that shows a line. The content is therefore kept while the process runs, for all hosts. A read that ends at its deadline
//! keeps the bytes so far, and the next read continues.

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use super::files::Patience;
use super::open_file::too_large;
use crate::secret::{ExposeSecret as _, SecretBytes};

/// How much is read at once: what a pipe of Linux holds.
const CHUNK: usize = 64 * 1024;

/// How long a thread waits before it checks whether its caller still waits.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// How many pipes are kept. Beyond this number, the oldest content is dropped.
const MOST_PIPES: usize = 32;
const MOST_BYTES: usize = 128 * 1024 * 1024;

/// Identifies a pipe, whatever its path. The time of creation distinguishes a FIFO from a later one with the same inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PipeId {
    device: u64,
    inode: u64,
    created: Option<SystemTime>,
}

impl PipeId {
    pub(super) fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            created: metadata.created().ok(),
        }
    }
}

/// The bytes that have arrived from one pipe. The pipe stays open until its end, because closing it would end its writer.
enum Arrived {
    Part(File, Vec<Zeroizing<Vec<u8>>>),
    Whole(SecretBytes),
}

impl Arrived {
    fn len(&self) -> usize {
        match self {
            Self::Part(_, chunks) => chunks.iter().map(|chunk| chunk.len()).sum(),
            Self::Whole(content) => content.expose_secret().len(),
        }
    }

    /// Whether this can be dropped without loss for a later read.
    fn is_nothing(&self) -> bool {
        matches!(self, Self::Part(_, chunks) if chunks.is_empty())
    }
}

/// The pipes that were read, the first one first. Each has a lock of its own, as reading takes time.
static READ: Mutex<VecDeque<(PipeId, Arc<Mutex<Arrived>>)>> = Mutex::new(VecDeque::new());

/// Reads a pipe to its end, or returns what it contained when it was read before.
///
/// # Errors
/// `TimedOut` at the deadline, `FileTooLarge` beyond the limit, and those of the system.
pub(super) fn read(file: File, id: PipeId, limit: usize, patience: &Patience) -> io::Result<SecretBytes> {
    let entry = entry(file, id);
    let mut arrived = entry.lock().unwrap_or_else(PoisonError::into_inner);
    let content = read_on(&mut arrived, limit, patience);
    let (length, is_nothing) = (arrived.len(), arrived.is_nothing());
    drop(arrived);
    // The table has one reference, and this function the other.
    let is_kept = !is_nothing || Arc::strong_count(&entry) > 2;
    forget_beyond_bounds(id, is_kept.then_some(length));
    content
}

fn read_on(arrived: &mut Arrived, limit: usize, patience: &Patience) -> io::Result<SecretBytes> {
    let mut length = arrived.len();
    loop {
        if length > limit {
            return Err(too_large(limit));
        }
        let (file, chunks) = match arrived {
            Arrived::Whole(content) => return Ok(content.clone()),
            Arrived::Part(file, chunks) => (file, chunks),
        };
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        let read = read_chunk(file, &mut chunk, length, patience)?;
        if read == 0 {
            let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_slice()).collect();
            *arrived = Arrived::Whole(chunks.concat().into());
        } else {
            // A slow writer sends little at a time, and the rest of the buffer is not kept.
            chunk.truncate(read);
            chunks.push(Zeroizing::new(chunk.to_vec()));
            length += read;
        }
    }
}

/// Waits for data or the end, and reads once. Returns 0 at the end.
fn read_chunk(file: &mut File, chunk: &mut [u8], arrived: usize, patience: &Patience) -> io::Result<usize> {
    loop {
        let left = patience.left();
        if left.is_zero() {
            return Err(timed_out(arrived, patience.limit));
        }
        let wait = Timespec::try_from(left.min(LONGEST_WAIT)).map_err(io::Error::other)?;
        // A FIFO that has had no writer yet reports nothing, and one whose writers are gone reports its end.
        match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            ready => ready?,
        };
        match file.read(chunk) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) => {}
            read => return read,
        }
    }
}

fn timed_out(arrived: usize, limit: Duration) -> io::Error {
    let limit = (limit.as_secs_f32() * 10.0).round() / 10.0;
    let why = if arrived == 0 {
        format!("it is a pipe, and nothing was written to it within {limit} s")
    } else {
        format!("it is a pipe, and its writer did not close it within {limit} s")
    };
    io::Error::new(io::ErrorKind::TimedOut, why)
}

fn entry(file: File, id: PipeId) -> Arc<Mutex<Arrived>> {
    let mut pipes = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, entry)) = pipes.iter().find(|(other, _)| *other == id) {
        return Arc::clone(entry);
    }
    let entry = Arc::new(Mutex::new(Arrived::Part(file, Vec::new())));
    pipes.push_back((id, Arc::clone(&entry)));
    entry
}

/// Drops the oldest pipes beyond the bounds. This pipe is kept if it has a length.
fn forget_beyond_bounds(id: PipeId, length: Option<usize>) {
    let mut pipes = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut count, mut bytes) = (1, length.unwrap_or_default());
    let newest_first = std::mem::take(&mut *pipes).into_iter().rev();
    *pipes = newest_first
        .filter(|(other, entry)| {
            if *other == id {
                return length.is_some();
            }
            // A pipe that is being read is in use.
            let Ok(arrived) = entry.try_lock() else {
                return true;
            };
            count += 1;
            bytes += arrived.len();
            count <= MOST_PIPES && bytes <= MOST_BYTES
        })
        .collect();
    pipes.make_contiguous().reverse();
}
