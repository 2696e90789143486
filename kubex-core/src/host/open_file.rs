//! Opens a file: the one place where a path becomes a file that is read.
//!
//! A file is opened once and without waiting. Its kind is read from the open handle, because the path may name another file a
//! moment later.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use super::input::FileStamp;
#[cfg(unix)]
use super::pipe::PipeId;
use crate::secret::SecretBytes;

/// A file that is open, by its kind.
#[derive(Debug)]
pub(super) enum OpenFile {
    Regular(File, Metadata),
    #[cfg(unix)]
    Pipe(File, PipeId),
    /// The null device, which is empty.
    Null,
}

/// What can be read.
#[cfg_attr(
    not(unix),
    expect(dead_code, reason = "the other kinds are known on Unix only")
)]
enum Readable {
    Regular,
    Pipe,
    Null,
}

/// Opens a file. Never waits for the writer of a pipe.
///
/// # Errors
/// Those of the system; `IsADirectory`; `InvalidInput` for a device or a socket.
#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
pub(super) fn open(path: &Path) -> io::Result<OpenFile> {
    // Opening a device can have an effect (a watchdog, a tape), so a known device is not opened.
    if let Readable::Null = readable(&std::fs::metadata(path)?)? {
        return Ok(OpenFile::Null);
    }
    let file = open_without_waiting(path)?;
    let metadata = file.metadata()?;
    match readable(&metadata)? {
        Readable::Regular => Ok(OpenFile::Regular(file, metadata)),
        #[cfg(unix)]
        Readable::Pipe => Ok(OpenFile::Pipe(file, PipeId::new(&metadata))),
        #[cfg(not(unix))]
        Readable::Pipe => Err(refused("it is a pipe")),
        Readable::Null => Ok(OpenFile::Null),
    }
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    loop {
        match rustix::fs::open(path, flags, Mode::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            // A socket cannot be opened.
            Err(rustix::io::Errno::NXIO) => return Err(refused("it is a socket")),
            opened => return Ok(opened?.into()),
        }
    }
}

#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn readable(metadata: &Metadata) -> io::Result<Readable> {
    if metadata.is_file() {
        return Ok(Readable::Regular);
    }
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return Ok(Readable::Pipe);
        }
        if kind.is_socket() {
            return Err(refused("it is a socket"));
        }
        if kind.is_char_device() && is_null_device(metadata) {
            return Ok(Readable::Null);
        }
    }
    Err(refused("it is a device"))
}

/// Whether this is the device of `/dev/null`, by whatever name.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "these are the real host's files")]
fn is_null_device(device: &Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    std::fs::metadata("/dev/null")
        .is_ok_and(|null| null.file_type().is_char_device() && null.rdev() == device.rdev())
}

fn refused(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

pub(super) fn too_large(limit: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it is larger than {limit} bytes"),
    )
}

/// Reads a regular file of at most `limit` bytes.
pub(super) fn read_regular(mut file: File, metadata: &Metadata, limit: usize) -> io::Result<SecretBytes> {
    use std::io::Read as _;

    let length = usize::try_from(metadata.len())
        .ok()
        .filter(|length| *length <= limit)
        .ok_or_else(|| too_large(limit))?;
    // The buffer is exactly as large as the file, because growing it would leave a copy of a secret behind. If the
    // file has grown since, the rest is read into a second buffer.
    let mut content = Wiped(vec![0; length]);
    let read = fill(&mut file, &mut content.0)?;
    content.0.truncate(read);
    let mut rest = Wiped(Vec::new());
    if read == length {
        // Files in `/proc` report a size of 0.
        rest.0.reserve(if length == 0 { 4096 } else { 32 });
        file.take((limit - length) as u64 + 1).read_to_end(&mut rest.0)?;
    }
    if length + rest.0.len() > limit {
        return Err(too_large(limit));
    }
    Ok(if rest.0.is_empty() {
        std::mem::take(&mut content.0)
    } else {
        [content.0.as_slice(), rest.0.as_slice()].concat()
    }
    .into())
}

pub(super) fn stamp_of(metadata: &Metadata) -> FileStamp {
    #[cfg(unix)]
    let (changed, inode) = {
        use std::os::unix::fs::MetadataExt as _;
        let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        (changed, metadata.ino())
    };
    #[cfg(not(unix))]
    let (changed, inode) = (0, 0);
    FileStamp {
        modified: metadata.modified().ok(),
        changed,
        size: metadata.len(),
        inode,
    }
}

/// A buffer that is wiped on drop, even if reading into it fails.
pub(super) struct Wiped(pub(super) Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        drop(SecretBytes::from(std::mem::take(&mut self.0)));
    }
}

/// Reads until the buffer is full or the file ends. Returns the number of bytes.
fn fill(file: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
