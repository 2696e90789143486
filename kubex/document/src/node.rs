//! A node of a document, as its readers see it: aliases and merge keys are followed, the last of a repeated key counts.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use crate::document::Document;
use crate::lines::Position;
use crate::resolve::{Resolved, resolve_plain, words_of_yaml_1_1};
use crate::span::{Chars, Span};
use crate::tag::ScalarTag;
use crate::tree::{Entry, EntryKind, KeyRole, Style};

/// What a node is.
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
    /// What it is, in words: `a text`, `a list`.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Sequence => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

/// Shows no value: a document may hold secrets.
impl fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.type_name())
    }
}

/// A node of a document.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document,
    index: u32,
}

impl<'d> Node<'d> {
    pub(crate) fn new(document: &'d Document, index: u32) -> Self {
        Self { document, index }
    }

    fn entry(self) -> Option<&'d Entry> {
        self.document.tree.entries.get(self.index as usize)
    }

    /// The node that an alias stands for; itself, where it is not one.
    fn target(self) -> Self {
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

    /// Where it is written; of an alias, where the alias is.
    pub fn span(self) -> Span {
        self.entry().map_or(Span::default(), |entry| entry.span)
    }

    /// Line and column of its beginning.
    pub fn position(self) -> Position {
        self.document.position(self.span().start())
    }

    /// Whether an alias stands here.
    pub fn is_alias(self) -> bool {
        self.entry()
            .is_some_and(|entry| matches!(entry.kind, EntryKind::Alias { .. }))
    }

    /// How it is written, where it is a scalar.
    pub fn style(self) -> Option<Style> {
        match self.target().entry()?.kind {
            EntryKind::Scalar { style, .. } | EntryKind::Key { style, .. } => Some(style),
            _ => None,
        }
    }

    /// What it is.
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

    /// The text of a scalar, whatever it is: `0777` of a number, nothing of a value that is not written.
    pub fn scalar_text(self) -> Option<&'d str> {
        match self.target().entry()?.kind {
            EntryKind::Scalar { chars, .. } | EntryKind::Key { chars, .. } => Some(self.document.of(chars)),
            _ => None,
        }
    }

    /// The text, where it is one.
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

    /// Whether it is nothing: null, or an empty text.
    pub fn is_blank(self) -> bool {
        matches!(self.kind(), Kind::Null | Kind::Text(""))
    }

    /// How many items or entries it has, without those that merge keys add.
    pub fn len(self) -> usize {
        match self.target().entry().map(|entry| entry.kind) {
            Some(EntryKind::Sequence { length } | EntryKind::Mapping { length, .. }) => length as usize,
            _ => 0,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items of a list; none of anything else.
    pub fn items(self) -> Items<'d> {
        Items {
            children: self.children(|kind| matches!(kind, EntryKind::Sequence { .. })),
        }
    }

    /// The entries of a mapping, in the order they are written, and then those that its merge keys add; none of anything
    /// else.
    pub fn entries(self) -> Entries<'d> {
        Entries {
            own: self.pairs(),
            inherited: self.inherited().into_iter(),
        }
    }

    /// The value of a key of a mapping.
    pub fn get(self, key: &str) -> Option<Node<'d>> {
        let own = self
            .pairs()
            .find(|(found, _)| found.role() == KeyRole::Own && found.name() == key);
        if let Some((_, value)) = own {
            return Some(value);
        }
        if !self.has_merge() {
            return None;
        }
        self.merged().into_iter().find_map(|mapping| mapping.get(key))
    }

    fn children(self, is_of: fn(EntryKind) -> bool) -> Children<'d> {
        let target = self.target();
        let end = target
            .entry()
            .filter(|entry| is_of(entry.kind))
            .map(|entry| entry.end);
        Children {
            document: self.document,
            next: target.index.saturating_add(1),
            end: end.unwrap_or_default(),
        }
    }

    fn pairs(self) -> Pairs<'d> {
        Pairs(self.children(|kind| matches!(kind, EntryKind::Mapping { .. })))
    }

    /// The entry that this index is in, also where it does not count.
    pub(crate) fn pairs_until(self, index: u32) -> Option<(Key<'d>, Node<'d>)> {
        self.pairs().take_while(|(key, _)| key.0.index <= index).last()
    }

    /// The item that this index is in, and its number.
    pub(crate) fn items_until(self, index: u32) -> Option<(usize, Node<'d>)> {
        self.items()
            .enumerate()
            .take_while(|(_, item)| item.index <= index)
            .last()
    }

    fn has_merge(self) -> bool {
        self.target()
            .entry()
            .is_some_and(|entry| matches!(entry.kind, EntryKind::Mapping { has_merge: true, .. }))
    }

    /// The mappings that the merge keys name, the first one first.
    fn merged(self) -> Vec<Node<'d>> {
        let mut mappings = Vec::new();
        for (_, value) in self.pairs().filter(|(key, _)| key.role() == KeyRole::Merge) {
            match value.kind() {
                Kind::Sequence => mappings.extend(value.items()),
                _ => mappings.push(value),
            }
        }
        mappings
    }

    /// What merge keys add: keys of the mapping's own win, then those of an earlier mapping (YAML 1.1, "Merge Key
    /// Language-Independent Type").
    fn inherited(self) -> Vec<(Key<'d>, Node<'d>)> {
        if !self.has_merge() {
            return Vec::new();
        }
        let own = self.pairs().filter(|(key, _)| key.role() == KeyRole::Own);
        let mut known: HashSet<Cow<'d, str>> = own.map(|(key, _)| key.name()).collect();
        let entries = self.merged().into_iter().flat_map(Node::entries);
        entries.filter(|(key, _)| known.insert(key.name())).collect()
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position();
        write!(f, "Node({} at {line}:{column})", self.kind().type_name())
    }
}

/// A key of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Key<'d>(Node<'d>);

impl<'d> Key<'d> {
    pub(crate) fn new(node: Node<'d>) -> Self {
        Self(node)
    }

    /// Its text. A number, a boolean or null becomes the text that JSON would have as the key: `0x10` is `16`.
    pub fn name(self) -> Cow<'d, str> {
        match self.0.entry().map(|entry| entry.kind) {
            Some(EntryKind::Key {
                chars, style, tag, ..
            }) => key_name(self.0.document.of(chars), style, tag),
            _ => Cow::default(),
        }
    }

    /// The key as a node.
    pub fn node(self) -> Node<'d> {
        self.0
    }

    /// Where it is written.
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// Line and column of its beginning.
    pub fn position(self) -> Position {
        self.0.position()
    }

    pub(crate) fn is_at(self, index: u32) -> bool {
        self.0.index == index
    }

    pub(crate) fn role(self) -> KeyRole {
        match self.0.entry().map(|entry| entry.kind) {
            Some(EntryKind::Key { role, .. }) => role,
            _ => KeyRole::Own,
        }
    }
}

/// The nodes in a collection.
#[derive(Clone, Debug)]
struct Children<'d> {
    document: &'d Document,
    next: u32,
    end: u32,
}

impl<'d> Iterator for Children<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Node<'d>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node::new(self.document, self.next);
        self.next = node.entry()?.end;
        Some(node)
    }
}

/// The items of a list.
#[derive(Clone, Debug)]
pub struct Items<'d> {
    children: Children<'d>,
}

impl<'d> Iterator for Items<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Node<'d>> {
        self.children.next()
    }
}

/// All keys of a mapping that are written in it, and their values.
#[derive(Clone, Debug)]
struct Pairs<'d>(Children<'d>);

impl<'d> Iterator for Pairs<'d> {
    type Item = (Key<'d>, Node<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((Key(self.0.next()?), self.0.next()?))
    }
}

/// The entries of a mapping.
#[derive(Clone, Debug)]
pub struct Entries<'d> {
    own: Pairs<'d>,
    inherited: std::vec::IntoIter<(Key<'d>, Node<'d>)>,
}

impl<'d> Iterator for Entries<'d> {
    type Item = (Key<'d>, Node<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        self.own
            .find(|(key, _)| key.role() == KeyRole::Own)
            .or_else(|| self.inherited.next())
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
    pub(crate) fn of(&self, chars: Chars) -> &str {
        match chars {
            Chars::Written(span) => span.of(self.text.as_str()),
            Chars::Decoded(span) => span.of(self.decoded.as_str()),
        }
    }
}
