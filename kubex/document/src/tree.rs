//! The nodes of a document, in one vector, in the order they are written.
//!
//! A collection is followed by its descendants, and contains the index after the last one. A document of a million nodes thus
//! needs one allocation and no pointers. Texts are positions in the document.

use crate::span::{Chars, Span};
use crate::style::Style;
use crate::tag::ScalarTag;

/// A node of the vector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The position of its value, without tag and anchor.
    pub(crate) span: Span,
    /// The index after its last descendant.
    pub(crate) end: u32,
    pub(crate) kind: EntryKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EntryKind {
    Scalar {
        chars: Chars,
        style: Style,
        tag: ScalarTag,
    },
    /// A scalar that is a key.
    Key {
        chars: Chars,
        style: Style,
        tag: ScalarTag,
        role: KeyRole,
    },
    Sequence {
        length: u32,
    },
    Mapping {
        length: u32,
        has_merge: bool,
    },
    Alias {
        target: u32,
    },
}

/// How the value of a key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRole {
    Own,
    /// The same key follows further down, and the last one is used.
    Overwritten,
    /// `<<`: the keys of its value are those of the mapping as well.
    Merge,
}
