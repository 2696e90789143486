//! Iterates over lists and mappings. The last of a repeated key is used, and merge keys are followed.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::document::Document;
use crate::lines::Position;
use crate::node::{Kind, Node, key_name};
use crate::span::Span;
use crate::tree::{EntryKind, KeyRole};

impl<'d> Node<'d> {
    /// How many items or entries it has, without those that merge keys add.
    pub fn len(self) -> usize {
        match self.target().entry().map(|entry| entry.kind) {
            Some(EntryKind::Sequence { length } | EntryKind::Mapping { length, .. }) => length as usize,
            _ => 0,
        }
    }

    /// An upper limit of the number of its entries, including those that merge keys add.
    pub fn most_entries(self) -> usize {
        let merged = self.merged().into_iter().map(Node::most_entries);
        merged.fold(self.len(), usize::saturating_add)
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items of a list. Other nodes have none.
    pub fn items(self) -> Items<'d> {
        Items {
            children: self.children(|kind| matches!(kind, EntryKind::Sequence { .. })),
        }
    }

    /// The entries of a mapping in order, then those that its merge keys add. Other nodes have none.
    pub fn entries(self) -> Entries<'d> {
        Entries {
            own: self.pairs(),
            inherited: self.inherited().into_iter(),
        }
    }

    /// The value of a key of a mapping.
    pub fn get(self, key: &str) -> Option<Node<'d>> {
        self.get_entry(key).map(|(_, value)| value)
    }

    /// A key of a mapping and its value.
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

    /// The entry that contains this index, even if a later one replaces it.
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

    /// Whether a key has this name. Only the names of numbers, booleans and null differ from what is written, so most keys
    /// are distinguished by their text alone.
    fn matcher(name: &str) -> impl Fn(Self) -> bool + use<'_, 'd> {
        let is_text = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !matches!(name, "null" | "true" | "false" | "inf" | "NaN");
        move |key| (!is_text || key.0.scalar_text() == Some(name)) && key.name() == name
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
