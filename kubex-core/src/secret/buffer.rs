//! A buffer for secret bytes that arrive in pieces.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::ops::Deref;

use zeroize::Zeroizing;

use super::SecretBytes;

/// The size of one read.
const PIECE: usize = 64 * 1024;

/// A buffer for secret bytes. It is wiped on drop. Unlike a `Zeroizing<Vec<u8>>`, it also wipes the old memory when it grows.
///
/// ```
/// use kubex_core::secret::SecretBuffer;
/// let mut body = SecretBuffer::default();
/// body.append(b"{\"token\": ");
/// body.append(b"\"s3cret\"}");
/// assert_eq!(&body[..], b"{\"token\": \"s3cret\"}");
/// assert!(!format!("{body:?}").contains("s3cret"));
/// ```
#[derive(Default)]
pub struct SecretBuffer(Zeroizing<Vec<u8>>);

impl SecretBuffer {
    /// Appends these bytes.
    pub fn append(&mut self, piece: &[u8]) {
        if self.0.capacity() - self.0.len() < piece.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity((self.0.len() + piece.len()) * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(piece);
    }

    /// Appends these bytes, unless the buffer would become longer than `limit` bytes. Returns whether they were appended.
    ///
    /// ```
    /// use kubex_core::secret::SecretBuffer;
    ///
    /// let mut buffer = SecretBuffer::default();
    /// assert!(buffer.append_within(4, b"abc"));
    /// assert!(!buffer.append_within(4, b"de")); // these would be five bytes
    /// ```
    #[must_use]
    pub fn append_within(&mut self, limit: usize, piece: &[u8]) -> bool {
        let fits = piece.len() <= limit.saturating_sub(self.len());
        if fits {
            self.append(piece);
        }
        fits
    }

    /// Reads the reader to its end, and appends the bytes.
    ///
    /// # Errors
    /// Returns the error of the reader. The bytes that were read before the error stay in the buffer.
    pub fn append_from(&mut self, mut reader: impl Read) -> io::Result<()> {
        let mut piece = Zeroizing::new(vec![0; PIECE]);
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => self.append(piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Deref for SecretBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SecretBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<SecretBuffer> for SecretBytes {
    fn from(mut buffer: SecretBuffer) -> Self {
        std::mem::take(&mut *buffer.0).into()
    }
}

impl fmt::Debug for SecretBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBuffer([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret as _;

    /// Returns one byte at a time, and is interrupted before each.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let length = self.0.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn a_reader_is_read_to_its_end_in_whatever_pieces() {
        let content: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        for read in [
            |content: &[u8], buffer: &mut SecretBuffer| buffer.append_from(content),
            |content: &[u8], buffer: &mut SecretBuffer| buffer.append_from(Slow(content, false)),
        ] {
            let mut buffer = SecretBuffer::default();
            buffer.append(b"ab");
            read(&content, &mut buffer).unwrap();
            let bytes = SecretBytes::from(buffer);
            assert_eq!(&bytes.expose_secret()[..2], b"ab");
            assert_eq!(&bytes.expose_secret()[2..], content);
        }
    }
}
