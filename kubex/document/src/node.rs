//! A node of a document. Aliases are followed.

use std::borrow::Cow;
use std::fmt;

use crate::document::Document;
use crate::error::{Problem, ReadError};
use crate::lines::Position;
use crate::resolve::{Resolved, resolve_plain, words_of_yaml_1_1};
use crate::span::{Chars, Span};
use crate::style::Style;
use crate::tag::ScalarTag;
use crate::tree::{Entry, EntryKind};

/// The kind of a node.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind<'d> {
    /// `null`, `~`, or a key without a value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(&'d str),
    /// A list: [`Node::items`].
    Sequence,
    /// A mapping: [`Node::entries`].
    Mapping,
}

impl Kind<'_> {
    /// The kind in words: `a text`, `a list`.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::Sequence => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

/// Shows no value, because a document may contain secrets.
impl fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.type_name())
    }
}

/// A node of a document.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    pub(crate) document: &'d Document,
    pub(crate) index: u32,
}

/// The index of a node in its document, for code that owns the document and cannot borrow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(pub(crate) u32);

impl<'d> Node<'d> {
    pub(crate) fn new(document: &'d Document, index: u32) -> Self {
        Self { document, index }
    }

    /// Its index, for [`Document::node`].
    pub fn id(self) -> NodeId {
        NodeId(self.index)
    }

    pub(crate) fn entry(self) -> Option<&'d Entry> {
        self.document.tree.entries.get(self.index as usize)
    }

    /// The target of an alias, or the node itself if it is not an alias.
    pub(crate) fn target(self) -> Self {
        match self.entry().map(|entry| entry.kind) {
            Some(EntryKind::Alias { target }) => Self {
                document: self.document,
                index: target,
            },
            _ => self,
        }
    }

    /// The document that it is a node of.
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// The position in bytes; for an alias, that of the alias.
    pub fn span(self) -> Span {
        self.entry().map_or(Span::default(), |entry| entry.span)
    }

    /// Line and column of its beginning.
    pub fn position(self) -> Position {
        self.document.position(self.span().start())
    }

    /// Whether this is an alias.
    pub fn is_alias(self) -> bool {
        self.entry()
            .is_some_and(|entry| matches!(entry.kind, EntryKind::Alias { .. }))
    }

    /// The style of a scalar. `None` for a collection.
    pub fn style(self) -> Option<Style> {
        match self.target().entry()?.kind {
            EntryKind::Scalar { style, .. } | EntryKind::Key { style, .. } => Some(style),
            _ => None,
        }
    }

    /// The kind of the node, with its value if it is a scalar.
    pub fn kind(self) -> Kind<'d> {
        match self.target().entry().map(|entry| entry.kind) {
            Some(
                EntryKind::Scalar { chars, style, tag }
                | EntryKind::Key {
                    chars, style, tag, ..
                },
            ) => scalar(self.document.of(chars), style, tag),
            Some(EntryKind::Sequence { .. }) => Kind::Sequence,
            Some(EntryKind::Mapping { .. }) => Kind::Mapping,
            _ => Kind::Null,
        }
    }

    /// The text of a scalar of any kind, such as `0777` for a number. It is empty for a missing value.
    pub fn scalar_text(self) -> Option<&'d str> {
        match self.target().entry()?.kind {
            EntryKind::Scalar { chars, .. } | EntryKind::Key { chars, .. } => Some(self.document.of(chars)),
            _ => None,
        }
    }

    /// The value, if it is text.
    pub fn as_str(self) -> Option<&'d str> {
        match self.kind() {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean that a plain `yes`, `no`, `on`, `off`, `y` or `n` is in YAML 1.1, which kubectl reads. As a node it
    /// is a text.
    pub fn as_yaml_1_1_boolean(self) -> Option<bool> {
        match self.target().entry()?.kind {
            EntryKind::Scalar {
                chars,
                style: Style::Plain,
                tag: ScalarTag::None,
            } => words_of_yaml_1_1(self.document.of(chars)),
            _ => None,
        }
    }

    /// Whether it is null or an empty text.
    pub fn is_blank(self) -> bool {
        matches!(self.kind(), Kind::Null | Kind::Text(""))
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position();
        write!(f, "Node({} at {line}:{column})", self.kind().type_name())
    }
}

fn scalar(text: &str, style: Style, tag: ScalarTag) -> Kind<'_> {
    let resolved = match (tag, style) {
        (ScalarTag::None, Style::Plain) | (ScalarTag::Null | ScalarTag::Integer, _) => resolve_plain(text),
        (ScalarTag::Boolean, _) => match words_of_yaml_1_1(text) {
            Some(value) => Resolved::Boolean(value),
            None => resolve_plain(text),
        },
        (ScalarTag::Float, _) => match resolve_plain(text) {
            #[expect(clippy::cast_precision_loss, reason = "a float is what the tag asks for")]
            Resolved::Integer(number) => Resolved::Float(number as f64),
            other => other,
        },
        _ => Resolved::Text(text),
    };
    match resolved {
        Resolved::Null => Kind::Null,
        Resolved::Boolean(value) => Kind::Boolean(value),
        Resolved::Integer(number) => Kind::Integer(number),
        Resolved::Float(number) => Kind::Float(number),
        Resolved::Text(text) => Kind::Text(text),
    }
}

/// The text of a key.
pub(crate) fn key_name(text: &str, style: Style, tag: ScalarTag) -> Cow<'_, str> {
    match scalar(text, style, tag) {
        Kind::Text(text) => Cow::Borrowed(text),
        Kind::Null => Cow::Borrowed("null"),
        Kind::Boolean(true) => Cow::Borrowed("true"),
        Kind::Boolean(false) => Cow::Borrowed("false"),
        Kind::Integer(number) => Cow::Owned(number.to_string()),
        Kind::Float(number) => Cow::Owned(number.to_string()),
        Kind::Sequence | Kind::Mapping => Cow::Borrowed(text),
    }
}

impl Document {
    /// The root node; null if the document is empty.
    pub fn root(&self) -> Node<'_> {
        Node::new(self, 0)
    }

    /// A node of this document, by its number.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node::new(self, id.0)
    }

    /// The root node, which must be a mapping or null.
    ///
    /// # Errors
    /// [`Problem::NotMapping`].
    pub fn mapping(&self) -> Result<Node<'_>, ReadError> {
        let root = self.root();
        if root.is_blank() || root.kind() == Kind::Mapping {
            return Ok(root);
        }
        let problem = Problem::NotMapping(root.kind().type_name());
        let error = ReadError::new(problem, root.span().start());
        Err(error.located(self.text()).below(self.lines_before))
    }

    pub(crate) fn of(&self, chars: Chars) -> &str {
        match chars {
            Chars::Written(span) => span.of(self.text.as_str()),
            Chars::Decoded(span) => span.of(self.decoded.as_str()),
        }
    }
}
