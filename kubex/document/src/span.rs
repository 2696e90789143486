//! Ranges of a document's text.

use std::ops::Range;

/// A range of bytes in the text of a document. The byte order mark is not a part of that text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Creates a range. Offsets above 4 GiB are reduced to 4 GiB; documents are always smaller.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    /// Returns the offset of the first byte.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Returns the offset after the last byte.
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// Returns the range as a [`Range`].
    pub fn range(self) -> Range<usize> {
        self.start()..self.end()
    }

    /// Returns whether the range contains no bytes, like the missing value in `key:`.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Returns this part of `text`. Empty if the range is not a part of `text`.
    pub fn of(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }
}

/// The text of a scalar or a name: as it is written, or in the buffer of what had to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chars {
    Written(Span),
    Decoded(Span),
}
