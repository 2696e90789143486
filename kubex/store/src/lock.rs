//! File locks between processes, with a time limit.
//!
//! The lock belongs to the open file, so the kernel releases it when the process ends, for whatever reason. No system call
//! waits for a lock with a time limit, so the lock is tried repeatedly.

use std::fs::{File, TryLockError};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// The pauses between two attempts, each longer than the one before.
#[derive(Debug)]
pub(crate) struct Pauses {
    began: Instant,
    limit: Duration,
    next: Duration,
}

impl Pauses {
    pub(crate) fn within(limit: Duration) -> Self {
        Self {
            began: Instant::now(),
            limit,
            next: FIRST_PAUSE,
        }
    }

    /// Waits until the next attempt. Returns `false` if the time limit is reached.
    pub(crate) fn pause(&mut self) -> bool {
        let left = self.limit.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return false;
        }
        thread::sleep(self.next.min(left));
        self.next = (self.next * 3 / 2).min(LONGEST_PAUSE);
        true
    }
}

/// Tries to lock a file. Returns `false` if another process holds the lock.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Locks a file. Returns `false` if another process held the lock until the time limit.
pub(crate) fn lock_within(file: &File, limit: Duration) -> io::Result<bool> {
    let mut pauses = Pauses::within(limit);
    loop {
        if try_lock(file)? {
            return Ok(true);
        }
        if !pauses.pause() {
            return Ok(false);
        }
    }
}
