//! Iterates over lists and mappings. If a key is repeated, its last value is used. The entries of merge keys are
//! included.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::document::Document;
use crate::lines::Position;
use crate::node::{Kind, Node, key_name};
use crate::span::Span;
use crate::tree::{EntryKind, KeyRole};

impl<'d> Node<'d> {
    /// Returns the number of items or entries. Entries that merge keys add are not counted.
    pub fn len(self) -> usize {
        match self.target().entry().map(|entry| entry.kind) {
            Some(EntryKind::Sequence { length } | EntryKind::Mapping { length, .. }) => length as usize,
            _ => 0,
        }
    }

    /// Returns an upper limit of the number of entries, including those that merge keys add.
    pub fn most_entries(self) -> usize {
        let merged = self.merged().into_iter().map(Node::most_entries);
        merged.fold(self.len(), usize::saturating_add)
    }

    /// Returns whether the node has no items or entries of its own.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the items of a list. Empty for other nodes.
    pub fn items(self) -> Items<'d> {
        Items {
            children: self.children(|kind| matches!(kind, EntryKind::Sequence { .. })),
        }
    }

    /// Returns the entries of a mapping in order, then the entries that its merge keys add. Empty for other nodes.
    pub fn entries(self) -> Entries<'d> {
        Entries {
            own: self.pairs(),
            inherited: self.inherited().into_iter(),
        }
    }

    /// Returns the value of a key of a mapping. `None` if the mapping does not contain the key.
    pub fn get(self, key: &str) -> Option<Node<'d>> {
        self.get_entry(key).map(|(_, value)| value)
    }

    /// Returns a key of a mapping with its value. `None` if the mapping does not contain the key.
    pub fn get_entry(self, key: &str) -> Option<(Key<'d>, Node<'d>)> {
        let is_name = Key::matcher(key);
        let mut own = self.pairs();
        own.find(|(found, _)| found.role() == KeyRole::Own && is_name(*found))
            .or_else(|| {
                let mut merged = self.merged().into_iter();
                merged.find_map(|mapping| mapping.get_entry(key))
            })
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

    /// The entry that contains this index, even if a later entry replaces it.
    pub(crate) fn pairs_until(self, index: u32) -> Option<(Key<'d>, Node<'d>)> {
        self.pairs().take_while(|(key, _)| key.0.index <= index).last()
    }

    /// The list item that contains this index, and its number.
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
        if !self.has_merge() {
            return mappings;
        }
        for (_, value) in self.pairs().filter(|(key, _)| key.role() == KeyRole::Merge) {
            match value.kind() {
                Kind::Sequence => mappings.extend(value.items()),
                _ => mappings.push(value),
            }
        }
        mappings
    }

    /// The entries that merge keys add. The mapping's own keys take precedence, then those of an earlier mapping (YAML 1.1,
    /// "Merge Key Language-Independent Type").
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

/// A key of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Key<'d>(Node<'d>);

impl<'d> Key<'d> {
    pub(crate) fn new(node: Node<'d>) -> Self {
        Self(node)
    }

    /// Returns the name of the key. A number, a boolean or null is converted to the name that it would have in JSON,
    /// such as `16` for `0x10`.
    pub fn name(self) -> Cow<'d, str> {
        match self.0.entry().map(|entry| entry.kind) {
            Some(EntryKind::Key {
                chars, style, tag, ..
            }) => key_name(self.0.document.of(chars), style, tag),
            _ => Cow::default(),
        }
    }

    /// Whether a key has this name. Only the names of numbers, booleans and null differ from their text, so most keys are
    /// compared by text alone.
    fn matcher(name: &str) -> impl Fn(Self) -> bool + use<'_, 'd> {
        let is_text = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !matches!(name, "null" | "true" | "false" | "inf" | "NaN");
        move |key| (!is_text || key.0.scalar_text() == Some(name)) && key.name() == name
    }

    /// Returns the node of the key.
    pub fn node(self) -> Node<'d> {
        self.0
    }

    /// Returns the range of the key in the text of the document.
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// Returns the line and the column where the key begins.
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

/// An iterator over the items of a list.
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

/// The mapping's own entries, including those that a later entry replaces.
#[derive(Clone, Debug)]
struct Pairs<'d>(Children<'d>);

impl<'d> Iterator for Pairs<'d> {
    type Item = (Key<'d>, Node<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((Key(self.0.next()?), self.0.next()?))
    }
}

/// An iterator over the entries of a mapping.
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
