//! Where something stands in a document's text.

use std::ops::Range;

/// A range of bytes of the text, without the byte order mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// A range of bytes. Documents are smaller than 4 GiB; what is not is cut there.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: narrow(start),
            end: narrow(end),
        }
    }

    /// The first byte.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// The byte after the last.
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// The bytes.
    pub fn range(self) -> Range<usize> {
        self.start()..self.end()
    }

    /// Whether it has no bytes: a value that is not written, as in `key:`.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// This part of a text; empty if the text does not contain it.
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
