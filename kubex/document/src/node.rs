//! The nodes of a document. A method of an alias returns the value that the alias refers to.

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

/// The kind of a node, with its value if it is a scalar.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind<'d> {
    /// `null`, `~`, or a key without a value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// A number that is not an [`Integer`](Self::Integer).
    Float(f64),
    /// A string.
    Text(&'d str),
    /// A list, whose items [`Node::items`] returns.
    Sequence,
    /// A mapping, whose entries [`Node::entries`] returns.
    Mapping,
}

impl Kind<'_> {
    /// Returns the name of the kind for messages, such as `a string` or `a list`.
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

/// A value or a key of a document. Nodes borrow the document and are cheap to copy. An alias behaves like the node
/// that it refers to, except for its position.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    pub(crate) document: &'d Document,
    pub(crate) index: u32,
}

/// The index of a node in its document. Use it to keep a node in a struct that also owns the document, and
/// [`Document::node`] to get the node back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(pub(crate) u32);

impl<'d> Node<'d> {
    pub(crate) fn new(document: &'d Document, index: u32) -> Self {
        Self { document, index }
    }

    /// Returns the index of the node, for [`Document::node`].
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

    /// Returns the document that contains the node.
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// Returns the range of the node in the text of the document. For an alias, it is the range of the alias itself.
    pub fn span(self) -> Span {
        self.entry().map_or(Span::default(), |entry| entry.span)
    }

    /// Returns the line and the column where the node begins.
    pub fn position(self) -> Position {
        self.document.position(self.span().start())
    }

    /// Returns whether the node is an alias.
    pub fn is_alias(self) -> bool {
        self.entry()
            .is_some_and(|entry| matches!(entry.kind, EntryKind::Alias { .. }))
    }

    /// Returns the style of a scalar, such as plain or quoted. `None` for a list or a mapping.
    pub fn style(self) -> Option<Style> {
        match self.target().entry()?.kind {
            EntryKind::Scalar { style, .. } | EntryKind::Key { style, .. } => Some(style),
            _ => None,
        }
    }

    /// Returns the kind of the node, with its value if it is a scalar.
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

    /// Returns the text of a scalar of any kind, without quotes, such as `0777` for a number. The text of a missing
    /// value is empty. `None` for a list or a mapping.
    pub fn scalar_text(self) -> Option<&'d str> {
        match self.target().entry()?.kind {
            EntryKind::Scalar { chars, .. } | EntryKind::Key { chars, .. } => Some(self.document.of(chars)),
            _ => None,
        }
    }

    /// Returns the value if it is a string, and `None` otherwise.
    pub fn as_str(self) -> Option<&'d str> {
        match self.kind() {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the boolean value of a plain `yes`, `no`, `on`, `off`, `y` or `n`. These words are booleans in YAML
    /// 1.1, which kubectl reads, but [`kind`](Self::kind) returns them as strings. `None` for any other node.
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

    /// Returns whether the node is null or an empty string.
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
    /// Returns the root node. It is null if the document is empty.
    pub fn root(&self) -> Node<'_> {
        Node::new(self, 0)
    }

    /// Returns the node with this index.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node::new(self, id.0)
    }

    /// Returns the root node if it is a mapping, null or an empty string.
    ///
    /// # Errors
    /// Returns [`Problem::NotMapping`] for any other root node.
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
