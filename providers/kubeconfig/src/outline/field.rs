//! What the outline finds: fields, items and their parts of the text.

use kubex_document::{Budget, Document, Position, ReadError, Span};

use crate::section::Section;

/// What stands under a key at the top of the document.
#[derive(Debug)]
pub(crate) enum RawField {
    /// The items of one of the three lists.
    List(Section, Vec<Item>),
    /// Any other key, with its value.
    Value(Slice),
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
}

/// An item of a list. Small, because a large kubeconfig has many.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// Nothing where the item is empty.
    pub(crate) slice: Option<Slice>,
    /// The text of its name; empty where it has none.
    pub(crate) name: Span,
}
