//! Pipes whose writers never get SIGPIPE.
//!
//! A child that outlives its plugin, such as a browser, holds the plugin's stderr and may write to it when this program has
//! exited. A pipe without a reader would kill it then. So on Linux the child's end is open for reading too: while a writer
//! exists, a reader exists. When the plugin has exited, the child's end no longer blocks, so that nothing waits for a reader
//! when the pipe is full.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// The capacity for children that write after the plugin has exited, in bytes.
#[cfg(target_os = "linux")]
const CAPACITY: i32 = 1024 * 1024;

pub(super) struct Pipe {
    pub(super) reader: OwnedFd,
    pub(super) writer: Writer,
}

impl Pipe {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let writer = OwnedFd::from(writer);
        Ok(Self {
            reader: reader.into(),
            writer: Writer(with_reader(&writer).unwrap_or(writer)),
        })
    }
}

/// The same pipe, open for reading and writing; `None` without `/proc`.
#[cfg(target_os = "linux")]
fn with_reader(writer: &OwnedFd) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd as _;
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let both = std::fs::OpenOptions::new().read(true).write(true).open(path);
    both.ok().map(OwnedFd::from)
}

#[cfg(not(target_os = "linux"))]
fn with_reader(_: &OwnedFd) -> Option<OwnedFd> {
    None
}

/// The end that the process writes to.
pub(super) struct Writer(OwnedFd);

impl Writer {
    pub(super) fn for_child(&self) -> io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }

    /// Closes this program's copy. Whatever still holds one is no longer blocked by a full pipe.
    pub(super) fn leave_to_children(self) {
        // Without success the pipe is smaller, or blocks when it is full.
        #[cfg(target_os = "linux")]
        let _ = fcntl(&self.0, FcntlArg::F_SETPIPE_SZ(CAPACITY));
        if let Ok(flags) = fcntl(&self.0, FcntlArg::F_GETFL) {
            let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
            let _ = fcntl(&self.0, FcntlArg::F_SETFL(flags));
        }
    }
}
