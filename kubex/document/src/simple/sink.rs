//! What receives the nodes of a simple document while it is scanned.

use crate::span::Span;
use crate::style::Style;

/// A place in the text: where a line begins, and where a node on it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) line_start: usize,
    /// The number of the line, counted from 1.
    pub(crate) line: u32,
    pub(crate) byte: usize,
}

impl At {
    /// The column, counted from zero. Every character of a simple document is one byte.
    pub(crate) fn column(self) -> usize {
        self.byte - self.line_start
    }
}

/// A scalar that is complete on its line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar {
    /// With its quotes.
    pub(crate) span: Span,
    pub(crate) style: Style,
}

impl Scalar {
    /// Its text, without quotes.
    pub(crate) fn chars(self) -> Span {
        let quote = usize::from(self.style.is_quoted());
        Span::new(self.span.start() + quote, self.span.end() - quote)
    }
}

/// Receives the nodes of a simple document, in order. `None` ends the scan: the sink does not support such a document.
pub(crate) trait Sink {
    /// A mapping or a list begins.
    fn begin(&mut self, is_list: bool, at: At) -> Option<()>;

    /// The innermost collection ends before this place.
    fn end(&mut self, at: At) -> Option<()>;

    /// The dash of an item.
    fn item(&mut self) -> Option<()>;

    /// A key of a mapping, whose value follows.
    fn key(&mut self, key: &[u8], at: At) -> Option<()>;

    /// A scalar.
    fn scalar(&mut self, scalar: Scalar) -> Option<()>;

    /// A key or an item has no value; the value would begin there.
    fn missing(&mut self, at: usize) -> Option<()>;

    /// `[]` or `{}`.
    fn empty(&mut self, is_list: bool, span: Span) -> Option<()>;

    /// A block scalar. Its lines are checked later.
    fn block(&mut self) -> Option<()>;
}
