//! Where the nodes of a document stand in its text: line and column for errors, warnings and provenance.
//!
//! The parsers tell no positions, so the text is looked through once more, by its structure alone and only
//! where somebody asks. What is understood is the form that people and tools write: block mappings and block
//! sequences (indented or flush), flow collections, JSON, quoted and plain scalars, block scalars, comments.
//! In anything else (tabs as indentation, `? ` keys, directives, other line ends) a node has no position of its own: it
//! has that of the nearest thing around it whose place is known, or none, and the keys that lead to it.
//!
//! A wrong position would be worse than none. So the parsed tree leads: only what it has is looked for, a
//! mapping's values by their keys, a list's items by their number where the number of items is the same. What
//! does not fit has no position.

mod block;
mod flow;
#[cfg(test)]
pub(crate) mod tests;
mod yaml_1_1;

use std::ops::Range;
use std::sync::OnceLock;

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};

use crate::selective::Spot;
use crate::text::Text;

/// What an extension says is the plugin's, and not a kubeconfig's.
const EXTENSION: &str = "extension";

/// A node: where its text begins, where it must have ended, and how what is below it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    start: usize,
    end: usize,
    /// The line of its start, counted from 1.
    line: u32,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Scalar,
    /// Its tag says what it is, whatever it looks like.
    TaggedScalar,
    /// The columns of what is below, counted from 0.
    BlockMapping(usize),
    BlockSequence(usize),
    FlowMapping,
    FlowSequence,
}

impl Node {
    /// A scalar's place, or that of anything that is not looked into.
    fn scalar(start: usize, line: u32) -> Self {
        Self {
            start,
            end: start,
            line,
            shape: Shape::Scalar,
        }
    }

    /// The entries of a mapping: each key and its value.
    fn entries(self, text: &str) -> Option<Vec<(String, Self)>> {
        match self.shape {
            Shape::BlockMapping(column) => block::entries(text, self, column),
            Shape::FlowMapping => flow::entries(text, self),
            _ => None,
        }
    }

    /// The items of a list.
    fn items(self, text: &str) -> Option<Vec<Self>> {
        match self.shape {
            Shape::BlockSequence(column) => block::items(text, self, column),
            Shape::FlowSequence => flow::items(text, self),
            _ => None,
        }
    }

    /// The value of a key; of one that is written twice, the last.
    fn value_of(self, text: &str, key: &str) -> Option<Self> {
        let entries = self.entries(text)?;
        entries
            .into_iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    /// Line and column, counted from 1.
    fn position(self, text: &str) -> Option<(u32, u32)> {
        let before = text.get(..self.start)?;
        let line = before.rsplit('\n').next().unwrap_or_default();
        Some((
            self.line,
            u32::try_from(line.chars().count()).ok()?.checked_add(1)?,
        ))
    }
}

/// The text of a document and, as far as somebody asked, where its sections and their items are.
#[derive(Debug)]
pub(crate) struct Layout {
    text: Text,
    sections: OnceLock<Vec<Section>>,
}

/// A key at the top of the document.
#[derive(Debug)]
struct Section {
    key: String,
    node: Node,
    items: OnceLock<Vec<Node>>,
}

impl Layout {
    pub(crate) fn of(text: Text) -> Self {
        Self {
            text,
            sections: OnceLock::new(),
        }
    }

    /// The document's text.
    pub(crate) fn text(&self) -> &str {
        self.text.as_str()
    }

    /// The root of the document, where it is seen to be a mapping.
    fn root(&self) -> Option<Node> {
        let root = (!has_other_line_ends(self.text())).then(|| block::document(self.text()))?;
        root.filter(|root| matches!(root.shape, Shape::BlockMapping(_) | Shape::FlowMapping))
    }

    /// The value of a key at the top of the document.
    pub(crate) fn section(&self, key: &str) -> Option<Node> {
        self.find(key).map(|section| section.node)
    }

    /// An item of a list at the top of the document, which has so many.
    pub(crate) fn item(&self, key: &str, index: usize, of: usize) -> Option<Node> {
        let section = self.find(key)?;
        let items = section
            .items
            .get_or_init(|| section.node.items(self.text()).unwrap_or_default());
        items.get(index).filter(|_| items.len() == of).copied()
    }

    /// The value that follows a key there; where there is none, the key.
    pub(crate) fn value(&self, spot: Spot) -> Node {
        let node = block::value_at(self.text(), spot.start, spot.end, spot.line);
        node.ok().flatten().unwrap_or(Node::scalar(spot.key, spot.line))
    }

    /// The item of a list that begins there.
    pub(crate) fn beginning(&self, spot: Spot) -> Option<Node> {
        block::item_at(self.text(), spot)
    }

    /// What is below a node under this key.
    pub(crate) fn below(&self, node: Node, key: &str) -> Option<Node> {
        node.value_of(self.text(), key)
    }

    /// The origin with the node's position, where it is known.
    pub(crate) fn locate(&self, origin: Origin, node: Option<Node>) -> Origin {
        match node.and_then(|node| node.position(self.text())) {
            Some((line, column)) => origin.position(line, column),
            None => origin,
        }
    }

    /// The origin of what the steps lead to, keys and `[index]`es. It has the position of the last step that is
    /// known.
    pub(crate) fn trace(&self, mut origin: Origin, steps: &[String]) -> Origin {
        let mut node = self.root();
        for step in steps {
            node = node.and_then(|node| match index_of(step) {
                Some(index) => node.items(self.text())?.get(index).copied(),
                None => node.value_of(self.text(), step),
            });
            origin = self.locate(origin.key(step), node);
        }
        origin
    }

    /// Gives a value, and every value in it, its place.
    ///
    /// A text that is written without quotes, and that kubectl takes for a number though the YAML parser here does
    /// not (`0777`, `1_000`), becomes that number on the way, so that it is refused where a text is wanted.
    pub(crate) fn place(&self, value: Value, origin: Origin, node: Option<Node>) -> Value {
        self.place_among(value, origin, node, false)
    }

    /// `is_free`: no field of a kubeconfig is in it, so that the words of YAML 1.1 for booleans are booleans too.
    fn place_among(&self, value: Value, origin: Origin, node: Option<Node>, is_free: bool) -> Value {
        let origin = self.locate(origin, node);
        let kind = match value.into_kind() {
            ValueKind::Sequence(items) => {
                let nodes = node.and_then(|node| node.items(self.text()));
                let nodes = nodes
                    .filter(|nodes| nodes.len() == items.len())
                    .unwrap_or_default();
                let items = items.into_iter().enumerate().map(|(index, item)| {
                    let origin = origin.clone().key(&format!("[{index}]"));
                    self.place_among(item, origin, nodes.get(index).copied(), is_free)
                });
                ValueKind::Sequence(items.collect())
            }
            ValueKind::Mapping(entries) => {
                let nodes = node
                    .and_then(|node| node.entries(self.text()))
                    .unwrap_or_default();
                let entries = entries.into_iter().map(|(key, value)| {
                    let mut nodes = nodes.iter().rev();
                    let node = nodes.find(|(name, _)| *name == key).map(|(_, node)| *node);
                    let is_free = is_free || key == EXTENSION;
                    let value = self.place_among(value, origin.clone().key(&key), node, is_free);
                    (key, value)
                });
                ValueKind::Mapping(entries.collect())
            }
            ValueKind::String(text) if node.is_some_and(|node| self.is_plain(node, &text)) => {
                match yaml_1_1::number(&text) {
                    Some(number) => number,
                    None if is_free => {
                        yaml_1_1::boolean(&text).map_or(ValueKind::String(text), ValueKind::Boolean)
                    }
                    None => ValueKind::String(text),
                }
            }
            other => other,
        };
        Value::new(kind, origin)
    }

    /// Whether a text stands there without quotes.
    fn is_plain(&self, node: Node, text: &str) -> bool {
        node.shape == Shape::Scalar
            && self
                .text()
                .get(node.start..)
                .is_some_and(|rest| rest.starts_with(text))
    }

    fn find(&self, key: &str) -> Option<&Section> {
        let sections = self.sections.get_or_init(|| {
            let entries = self.root().and_then(|root| root.entries(self.text()));
            let entries = entries.unwrap_or_default().into_iter();
            entries
                .map(|(key, node)| Section {
                    key,
                    node,
                    items: OnceLock::new(),
                })
                .collect()
        });
        sections.iter().rev().find(|section| section.key == key)
    }
}

fn index_of(step: &str) -> Option<usize> {
    step.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// Whether lines end there by anything but a line feed, alone or after a carriage return, or begin with a byte order
/// mark: YAML 1.1 knows such things, and hardly an editor counts by them.
fn has_other_line_ends(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memmem::find(bytes, "\u{feff}".as_bytes()).is_some()
        || memchr::memchr3_iter(b'\r', 0xc2, 0xe2, bytes).any(|at| {
            match bytes.get(at..).unwrap_or_default() {
                [b'\r', b'\n', ..] => false,
                // In UTF-8: U+0085, U+2028, U+2029.
                [b'\r', ..] | [0xc2, 0x85, ..] | [0xe2, 0x80, 0xa8 | 0xa9, ..] => true,
                _ => false,
            }
        })
}

/// The part of a line before its comment, without trailing white space.
fn without_comment(line: &str) -> &str {
    let end = line.match_indices('#').map(|(at, _)| at).find(|at| {
        line.get(..*at)
            .is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
    });
    line.get(..end.unwrap_or(line.len()))
        .unwrap_or(line)
        .trim_end_matches(BLANK)
}

/// Where a quoted scalar that begins there has ended.
fn after_quoted(text: &str, start: usize, within: &Range<usize>) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    while at < within.end {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// A quoted key as a text, where it has no escapes in it.
fn unquoted(quoted: &str) -> Option<&str> {
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    (!inner.contains(['\\', '\'', '"'])).then_some(inner)
}

/// White space as YAML knows it, and what ends a line. A no-break space is a part of a text.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Counts lines while a text is gone through from front to back.
struct LineCounter<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> LineCounter<'t> {
    fn at_start(text: &'t str) -> Self {
        Self::from(text, Node::scalar(0, 1))
    }

    fn from(text: &'t str, node: Node) -> Self {
        Self {
            text,
            at: node.start,
            line: node.line,
        }
    }

    /// The line of a place behind those that were asked for before.
    fn line_of(&mut self, at: usize) -> u32 {
        let passed = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', passed).count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at = at;
        self.line
    }
}
