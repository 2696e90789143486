//! The elements of an outline: fields, items and their parts of the text.

use crate::budget::Budget;
use crate::document::Document;
use crate::error::ReadError;
use crate::lines::Position;
use crate::span::Span;

/// One or several top-level keys of an outlined document, with their values.
#[derive(Debug)]
pub enum OutlinedField {
    /// The items of one of the lists, and the index of its key among those that were asked for.
    List(usize, Vec<OutlinedItem>),
    /// Other keys that follow each other, with their values.
    Values(Slice),
    /// The same in JSON, where members are not a document without brackets. [`Slice::read_members`] reads them.
    Members(Slice),
}

/// A part of the text that is a mapping by itself, from its first key on.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The bytes of the text.
    pub span: Span,
    /// Where it begins.
    pub start: Position,
}

impl Slice {
    /// Reads the part of this text.
    ///
    /// # Errors
    /// Returns the errors of [`Document::read`].
    pub fn read(self, text: &str, budget: &Budget) -> Result<Document, ReadError> {
        Document::read_part(self.span.of(text), self.start, budget)
    }

    /// Reads the members of this JSON text, as a document of their own.
    ///
    /// # Errors
    /// Returns the errors of [`Document::read`].
    pub fn read_members(self, text: &str, budget: &Budget) -> Result<Document, ReadError> {
        let start = Position {
            column: self.start.column.saturating_sub(1),
            ..self.start
        };
        Document::read_pieces(&["{", self.span.of(text), "}"], start, budget)
    }
}

/// An item of a list. Small, because a large document has many.
#[derive(Debug, Default)]
pub struct OutlinedItem {
    /// `None` if the item is empty.
    pub slice: Option<Slice>,
    /// The text of its `name`; empty if it has none.
    pub name: Span,
}
