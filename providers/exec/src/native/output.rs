//! The output of a process so far: its stdout up to a limit, and the end of its stderr.

use kubex_core::SecretBytes;
use zeroize::Zeroizing;

use super::CHUNK;

/// The stdout so far, up to a limit. It may be a credential, so a buffer that grows is wiped.
pub(super) struct Output {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
    looked_at: usize,
}

impl Output {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(CHUNK)),
            limit,
            looked_at: 0,
        }
    }

    /// The output, if there is more of it than at the last call.
    pub(super) fn since_last_look(&mut self) -> Option<&[u8]> {
        let length = self.bytes.len();
        let is_new = std::mem::replace(&mut self.looked_at, length) < length;
        is_new.then_some(&**self.bytes)
    }

    /// Appends the chunk. Returns whether the output is still within the limit.
    pub(super) fn take(&mut self, chunk: &[u8]) -> bool {
        let length = self.bytes.len() + chunk.len();
        if length > self.limit {
            return false;
        }
        if length > self.bytes.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(length.max(self.bytes.capacity() * 2)));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(chunk);
        true
    }

    pub(super) fn into_secret(self) -> SecretBytes {
        self.bytes.as_slice().to_vec().into()
    }
}

/// The last bytes of stderr.
pub(super) struct Tail {
    bytes: Zeroizing<Vec<u8>>,
    kept: usize,
}

impl Tail {
    pub(super) fn new(kept: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(kept)),
            kept,
        }
    }

    pub(super) fn take(&mut self, chunk: &[u8]) {
        let new = chunk
            .get(chunk.len().saturating_sub(self.kept)..)
            .unwrap_or_default();
        // Never more than the buffer's length, because the new part is at most as long as the kept one.
        let surplus = (self.bytes.len() + new.len()).saturating_sub(self.kept);
        self.bytes.drain(..surplus);
        self.bytes.extend_from_slice(new);
    }

    pub(super) fn into_secret(self) -> SecretBytes {
        self.bytes.as_slice().to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_bytes_however_they_come() {
        for chunk in 1..12 {
            let mut tail = Tail::new(5);
            b"abcdefghijk".chunks(chunk).for_each(|chunk| tail.take(chunk));
            assert_eq!(tail.bytes.as_slice(), b"ghijk", "{chunk}");
            assert_eq!(tail.bytes.capacity(), 5);
        }
    }
}
