//! A place in a JSON text, and the steps that every reader of JSON takes from it.

use crate::bytes::spaces;

/// A place in a text.
pub(crate) struct Cursor<'t> {
    pub(crate) text: &'t str,
    /// The offset of the next byte.
    pub(crate) at: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The bytes from here on.
    pub(crate) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte; 0 at the end.
    pub(crate) fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    pub(crate) fn skip_space(&mut self) {
        loop {
            match self.peek() {
                // Documents for people are indented, most of it by many spaces.
                b' ' => self.at += spaces(self.rest()),
                b'\t' | b'\n' | b'\r' => self.at += 1,
                _ => return,
            }
        }
    }

    /// Skips white space, then takes this byte if it is there. Returns whether it was.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_there = self.peek() == byte;
        self.at += usize::from(is_there);
        is_there
    }
}
