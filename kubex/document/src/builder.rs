//! Builds the vector of nodes from the events of a parser, within the budget.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::budget::Budget;
use crate::error::{Problem, ReadError};
use crate::span::{Chars, Span};
use crate::style::Style;
use crate::tag::ScalarTag;
use crate::text::Decoded;
use crate::tree::{Entry, EntryKind, KeyRole};

/// The approximate number of bytes per node in a small document.
const BYTES_OF_A_NODE: usize = 16;

/// The initial capacity for nodes.
const MOST_AT_ONCE: usize = 256;

/// How deep most documents are nested.
const USUAL_DEPTH: usize = 8;

/// A duplicate key: the indices of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duplicate {
    pub(crate) first: u32,
    pub(crate) second: u32,
}

/// The nodes of a document, with its duplicate and merge keys.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) entries: Vec<Entry>,
    pub(crate) duplicates: Vec<Duplicate>,
    /// The first merge key.
    pub(crate) merge_key: Option<u32>,
}

/// The texts that nodes refer to.
pub(crate) struct Texts<'a> {
    pub(crate) text: &'a str,
    pub(crate) decoded: &'a mut Decoded,
}

impl Texts<'_> {
    pub(crate) fn of(&self, chars: Chars) -> &str {
        match chars {
            Chars::Written(span) => span.of(self.text),
            Chars::Decoded(span) => span.of(self.decoded.as_str()),
        }
    }
}

/// The position of a node, and its anchor.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Properties {
    pub(crate) span: Span,
    pub(crate) anchor: Option<Anchor>,
}

/// The number of an anchor of the document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor(usize);

/// The node of an anchor, and the cost of an alias to it; `None` while the node is not complete.
#[derive(Debug)]
struct Anchored {
    entry: u32,
    cost: Option<Cost>,
}

/// The cost of an alias: how many nodes it expands to, and how deep they are nested.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    nodes: usize,
    levels: usize,
}

/// A collection that is not complete.
#[derive(Debug)]
struct Open {
    entry: u32,
    length: u32,
    is_mapping: bool,
    anchor: Option<Anchor>,
    /// Whether the next node of a mapping is a key.
    is_key_next: bool,
    nodes_before: usize,
    /// The deepest of the nodes in it.
    levels: usize,
}

/// Builds a [`Tree`].
#[derive(Debug)]
pub(crate) struct Builder {
    pub(crate) tree: Tree,
    open: Vec<Open>,
    /// The number of nodes so far, including those that aliases expand to.
    nodes: usize,
    most_nodes: usize,
    deepest: usize,
    longest_key: usize,
    anchored: Vec<Anchored>,
}

impl Builder {
    pub(crate) fn new(budget: &Budget, bytes: usize) -> Self {
        Self {
            tree: Tree {
                entries: Vec::with_capacity(bytes.div_ceil(BYTES_OF_A_NODE).min(MOST_AT_ONCE)),
                ..Tree::default()
            },
            open: Vec::with_capacity(USUAL_DEPTH),
            nodes: 0,
            most_nodes: budget.most_nodes(bytes),
            deepest: budget.depth,
            longest_key: budget.key,
            anchored: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Tree {
        self.tree
    }

    /// An anchor of the next node.
    pub(crate) fn anchor(&mut self) -> Anchor {
        let entry = self.next();
        self.anchored.push(Anchored { entry, cost: None });
        Anchor(self.anchored.len() - 1)
    }

    /// Notes that a node with an anchor is complete.
    fn complete(&mut self, anchor: Option<Anchor>, cost: Cost) {
        if let Some(anchored) = anchor.and_then(|Anchor(index)| self.anchored.get_mut(index)) {
            anchored.cost = Some(cost);
        }
    }

    /// The index of the next node.
    fn next(&self) -> u32 {
        u32::try_from(self.tree.entries.len()).unwrap_or(u32::MAX)
    }

    /// Adds a scalar.
    pub(crate) fn scalar(
        &mut self,
        properties: Properties,
        mut chars: Chars,
        style: Style,
        tag: ScalarTag,
        texts: &mut Texts<'_>,
    ) -> Result<(), ReadError> {
        let at = properties.span.start();
        let refuse = |problem| ReadError::new(problem, at);
        let tag = match tag {
            ScalarTag::None => tag,
            _ => tag.check(texts.of(chars), style).map_err(refuse)?,
        };
        if tag == ScalarTag::Binary {
            chars = decode(chars, texts).ok_or(refuse(Problem::TagMismatch))?;
        }
        self.complete(properties.anchor, Cost::ONE);
        if self.is_key_next() {
            return self.key(properties.span, chars, style, tag, texts);
        }
        self.add(
            properties.span,
            EntryKind::Scalar { chars, style, tag },
            Cost::ONE,
        )
    }

    /// Adds a scalar that has neither a tag nor an anchor, and is not a key.
    pub(crate) fn untagged(&mut self, span: Span, chars: Chars, style: Style) -> Result<(), ReadError> {
        let tag = ScalarTag::None;
        self.add(span, EntryKind::Scalar { chars, style, tag }, Cost::ONE)
    }

    /// Adds a key that is text as it is written.
    pub(crate) fn text_key(&mut self, span: Span) -> Result<(), ReadError> {
        let kind = EntryKind::Key {
            chars: Chars::Written(span),
            style: Style::Plain,
            tag: ScalarTag::None,
            role: KeyRole::Own,
        };
        self.check_length(span.range().len(), span)?;
        self.add(span, kind, Cost::ONE)
    }

    fn check_length(&self, length: usize, span: Span) -> Result<(), ReadError> {
        if length > self.longest_key {
            let problem = Problem::KeyTooLong(self.longest_key);
            return Err(ReadError::new(problem, span.start()));
        }
        Ok(())
    }

    fn is_key_next(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_key_next)
    }

    fn key(
        &mut self,
        span: Span,
        chars: Chars,
        style: Style,
        tag: ScalarTag,
        texts: &Texts<'_>,
    ) -> Result<(), ReadError> {
        let text = texts.of(chars);
        self.check_length(text.len(), span)?;
        let role = if style == Style::Plain && tag == ScalarTag::None && text == "<<" {
            self.tree.merge_key.get_or_insert(self.next());
            KeyRole::Merge
        } else {
            KeyRole::Own
        };
        let kind = EntryKind::Key {
            chars,
            style,
            tag,
            role,
        };
        self.add(span, kind, Cost::ONE)
    }

    /// Adds an alias of the node that the anchor names.
    pub(crate) fn alias(&mut self, span: Span, Anchor(index): Anchor) -> Result<(), ReadError> {
        let found = self.anchored.get(index).and_then(|anchored| {
            let entry = self.tree.entries.get(anchored.entry as usize)?;
            Some((anchored.entry, *entry, anchored.cost?))
        });
        let (target, entry, cost) = found.ok_or(ReadError::new(Problem::RecursiveAlias, span.start()))?;
        if self.open.len() + cost.levels > self.deepest {
            return Err(ReadError::new(Problem::TooDeep(self.deepest), span.start()));
        }
        let kind = if self.is_key_next() {
            match entry.kind {
                EntryKind::Scalar { chars, style, tag }
                | EntryKind::Key {
                    chars, style, tag, ..
                } => EntryKind::Key {
                    chars,
                    style,
                    tag,
                    role: KeyRole::Own,
                },
                _ => return Err(ReadError::new(Problem::KeyNotText, span.start())),
            }
        } else {
            EntryKind::Alias { target }
        };
        self.add(span, kind, cost)
    }

    fn add(&mut self, span: Span, kind: EntryKind, cost: Cost) -> Result<(), ReadError> {
        self.count(span, cost)?;
        let end = self.next().saturating_add(1);
        self.tree.entries.push(Entry { span, end, kind });
        Ok(())
    }

    /// Counts a node as a part of the open collection.
    fn count(&mut self, span: Span, cost: Cost) -> Result<(), ReadError> {
        self.nodes = self.nodes.saturating_add(cost.nodes);
        if self.nodes > self.most_nodes {
            return Err(ReadError::new(
                Problem::TooManyNodes(self.most_nodes),
                span.start(),
            ));
        }
        if let Some(open) = self.open.last_mut() {
            open.levels = open.levels.max(cost.levels);
            if !open.is_key_next {
                open.length += 1;
            }
            open.is_key_next = open.is_mapping && !open.is_key_next;
        }
        Ok(())
    }

    /// Begins a mapping or a list.
    pub(crate) fn begin(&mut self, properties: Properties, is_mapping: bool) -> Result<(), ReadError> {
        let span = properties.span;
        if self.is_key_next() {
            return Err(ReadError::new(Problem::KeyNotText, span.start()));
        }
        if self.open.len() >= self.deepest {
            return Err(ReadError::new(Problem::TooDeep(self.deepest), span.start()));
        }
        let nodes_before = self.nodes;
        self.count(span, Cost::ONE)?;
        self.open.push(Open {
            entry: self.next(),
            length: 0,
            is_mapping,
            anchor: properties.anchor,
            is_key_next: is_mapping,
            nodes_before,
            levels: 0,
        });
        let kind = EntryKind::Sequence { length: 0 };
        self.tree.entries.push(Entry { span, end: 0, kind });
        Ok(())
    }

    /// Ends the innermost open collection. `at` is the end of its text.
    pub(crate) fn end(&mut self, at: usize, texts: &Texts<'_>) -> Result<(), ReadError> {
        let has_merge = match self.open.last() {
            Some(open) if open.is_mapping => self.check_keys(open.entry, open.length, texts)?,
            _ => false,
        };
        self.close(at, has_merge);
        Ok(())
    }

    /// Ends the collection that was begun last, whose keys are checked.
    pub(crate) fn close(&mut self, at: usize, has_merge: bool) {
        let Some(open) = self.open.pop() else { return };
        let length = open.length;
        let kind = if open.is_mapping {
            EntryKind::Mapping { length, has_merge }
        } else {
            EntryKind::Sequence { length }
        };
        let end = self.next();
        if let Some(entry) = self.tree.entries.get_mut(open.entry as usize) {
            entry.span = Span::new(entry.span.start(), at.max(entry.span.end()));
            entry.end = end;
            entry.kind = kind;
        }
        let levels = open.levels + 1;
        if let Some(around) = self.open.last_mut() {
            around.levels = around.levels.max(levels);
        }
        let nodes = self.nodes - open.nodes_before;
        self.complete(open.anchor, Cost { nodes, levels });
    }
}

impl Cost {
    const ONE: Self = Self { nodes: 1, levels: 0 };
}

/// Decodes base64 to text. Line ends in it are ignored, as by Go.
fn decode(chars: Chars, texts: &mut Texts<'_>) -> Option<Chars> {
    let written = texts.of(chars);
    let bare: Zeroizing<Vec<u8>> = Zeroizing::new(
        written
            .bytes()
            .filter(|byte| !matches!(byte, b'\r' | b'\n'))
            .collect(),
    );
    let decoded = Zeroizing::new(STANDARD.decode(&*bare).ok()?);
    let from = texts.decoded.len();
    for chunk in decoded.utf8_chunks() {
        texts.decoded.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            texts.decoded.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Some(Chars::Decoded(Span::new(from, texts.decoded.len())))
}
