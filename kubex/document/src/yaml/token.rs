//! The tokens of libyaml, as positions in the text.

use crate::span::{Chars, Span};
use crate::style::Style;

/// A token and its position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TokenKind {
    StreamEnd,
    /// `%YAML`, and whether its version is supported.
    VersionDirective {
        is_known: bool,
    },
    /// `%TAG`.
    TagDirective {
        handle: Span,
        prefix: Chars,
    },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    /// The end of a block collection, by its indentation.
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    /// `?`, or the beginning of a key that a `:` follows.
    Key,
    Value,
    /// The name without its `*`.
    Alias(Span),
    /// The name without its `&`.
    Anchor(Span),
    /// The handle is empty if the suffix is the whole tag.
    Tag {
        handle: Span,
        suffix: Chars,
    },
    Scalar {
        chars: Chars,
        style: Style,
    },
}
