//! The elements of an outline: fields, items and their parts of the text.

use crate::section::Section;
use kubex_document::{Budget, Document, Position, ReadError, Span};

/// The value of a top-level key.
#[derive(Debug)]
pub(crate) enum RawField {
    /// The items of one of the three lists.
    List(Section, Vec<Item>),
    /// Any other key, with its value.
    Value(Slice),
    /// The same in JSON, where a member is not a document without brackets.
    Member(Slice),
}

/// A part of the text that is a mapping by itself, from its first key on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(super) span: Span,
    pub(crate) start: Position,
}

impl Slice {
    /// Reads the part of this text.
    pub(crate) fn read(self, text: &str) -> Result<Document, ReadError> {
        Document::read_part(self.span.of(text), self.start, &Budget::KUBECONFIG)
    }

    /// Reads the member of this JSON text, as a document of its own.
    pub(crate) fn read_member(self, text: &str) -> Result<Document, ReadError> {
        let start = Position {
            column: self.start.column.saturating_sub(1),
            ..self.start
        };
        Document::read_pieces(&["{", self.span.of(text), "}"], start, &Budget::KUBECONFIG)
    }
}

/// An item of a list. Small, because a large kubeconfig has many.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// `None` if the item is empty.
    pub(crate) slice: Option<Slice>,
    /// The text of its name; empty if it has none.
    pub(crate) name: Span,
}
