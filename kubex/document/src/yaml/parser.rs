//! From tokens to nodes, by libyaml's grammar.

use std::collections::HashMap;

use super::check_characters;
use super::scanner::Scanner;
use super::token::{Token, TokenKind};
use crate::budget::{Budget, MOST_DIRECTIVES};
use crate::builder::{Anchor, Builder, Properties, Texts, Tree};
use crate::error::{Problem, ReadError};
use crate::span::{Chars, Span};
use crate::tag::ScalarTag;
use crate::text::Decoded;
use crate::tree::Style;

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    pub(crate) decoded: Decoded,
    /// Where something stands behind the document: another one, or what is not YAML.
    pub(crate) rest: Option<usize>,
}

/// Reads the first document of a text.
pub(crate) fn parse(text: &str, budget: &Budget) -> Result<Parsed, ReadError> {
    check_characters(text)?;
    let mut decoded = Decoded::default();
    let mut parser = Parser {
        text,
        scanner: Scanner::new(text, &mut decoded, budget),
        builder: Builder::new(budget, text.len()),
        handles: Vec::new(),
        anchors: HashMap::new(),
    };
    parser.document()?;
    let rest = parser.rest();
    let tree = parser.builder.finish();
    Ok(Parsed { tree, decoded, rest })
}

struct Parser<'t, 'd> {
    text: &'t str,
    scanner: Scanner<'t, 'd>,
    builder: Builder,
    /// The `%TAG` directives.
    handles: Vec<(&'t str, Chars)>,
    anchors: HashMap<&'t str, Anchor>,
}

/// The anchor and the tag in front of a node.
#[derive(Clone, Copy)]
struct Front {
    anchor: Option<Anchor>,
    tag: ScalarTag,
    /// Where they end; `None` where there is neither.
    end: Option<usize>,
}

impl Front {
    const NONE: Self = Self {
        anchor: None,
        tag: ScalarTag::None,
        end: None,
    };
}

fn refuse(why: &'static str, token: Token) -> ReadError {
    ReadError::new(Problem::Yaml(why), token.span.start())
}

impl Parser<'_, '_> {
    fn document(&mut self) -> Result<(), ReadError> {
        let first = self.scanner.peek()?;
        match first.kind {
            TokenKind::StreamEnd => return self.empty(first.span.start(), Front::NONE),
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart => {
                self.directives()?;
                let token = self.scanner.peek()?;
                if !matches!(token.kind, TokenKind::DocumentStart) {
                    return Err(refuse("did not find expected <document start>", token));
                }
                self.scanner.take();
                let token = self.scanner.peek()?;
                match token.kind {
                    TokenKind::VersionDirective { .. }
                    | TokenKind::TagDirective { .. }
                    | TokenKind::DocumentStart
                    | TokenKind::DocumentEnd
                    | TokenKind::StreamEnd => self.empty(token.span.start(), Front::NONE)?,
                    _ => self.node(true, false)?,
                }
            }
            _ => self.node(true, false)?,
        }
        // What ends the document must be a token, whichever it is.
        self.scanner.peek().map(|_| ())
    }

    /// Where something stands behind the document.
    fn rest(&mut self) -> Option<usize> {
        loop {
            match self.scanner.peek() {
                Ok(token) if matches!(token.kind, TokenKind::DocumentEnd) => self.scanner.take(),
                Ok(token) if matches!(token.kind, TokenKind::StreamEnd) => return None,
                Ok(token) => return Some(token.span.start()),
                Err(error) => return Some(error.offset()),
            }
        }
    }

    fn directives(&mut self) -> Result<(), ReadError> {
        let mut has_version = false;
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::VersionDirective { is_known } => {
                    if has_version {
                        return Err(refuse("found duplicate %YAML directive", token));
                    }
                    if !is_known {
                        return Err(refuse("found incompatible YAML document", token));
                    }
                    has_version = true;
                }
                TokenKind::TagDirective { handle, prefix } => {
                    let handle = handle.of(self.text);
                    if self.handles.iter().any(|(known, _)| *known == handle) {
                        return Err(refuse("found duplicate %TAG directive", token));
                    }
                    if self.handles.len() >= MOST_DIRECTIVES {
                        let problem = Problem::TooManyDirectives(MOST_DIRECTIVES);
                        return Err(ReadError::new(problem, token.span.start()));
                    }
                    self.handles.push((handle, prefix));
                }
                _ => return Ok(()),
            }
            self.scanner.take();
        }
    }

    fn node(&mut self, is_block: bool, may_be_indentless: bool) -> Result<(), ReadError> {
        let token = self.scanner.peek()?;
        if let TokenKind::Alias(name) = token.kind {
            self.scanner.take();
            let target = self.anchors.get(name.of(self.text)).copied();
            let target = target.ok_or(ReadError::new(Problem::UnknownAnchor, token.span.start()))?;
            return self.builder.alias(token.span, target);
        }
        let front = self.front(token)?;
        let token = self.scanner.peek()?;
        let properties = Properties {
            span: token.span,
            anchor: front.anchor,
        };
        match token.kind {
            TokenKind::BlockEntry if may_be_indentless => {
                self.builder.begin(properties, false)?;
                self.indentless_sequence()
            }
            TokenKind::Scalar { chars, style } => {
                self.scanner.take();
                self.scalar(properties, chars, style, front.tag)
            }
            TokenKind::FlowSequenceStart => {
                self.scanner.take();
                self.builder.begin(properties, false)?;
                self.flow_sequence()
            }
            TokenKind::FlowMappingStart => {
                self.scanner.take();
                self.builder.begin(properties, true)?;
                self.flow_mapping()
            }
            TokenKind::BlockSequenceStart if is_block => {
                self.scanner.take();
                self.builder.begin(properties, false)?;
                self.block_sequence()
            }
            TokenKind::BlockMappingStart if is_block => {
                self.scanner.take();
                self.builder.begin(properties, true)?;
                self.block_mapping()
            }
            _ => match front.end {
                Some(end) => self.empty(end, front),
                None => Err(refuse("did not find expected node content", token)),
            },
        }
    }

    /// Takes an anchor and a tag, in any order.
    fn front(&mut self, mut token: Token) -> Result<Front, ReadError> {
        let mut front = Front::NONE;
        loop {
            match token.kind {
                TokenKind::Anchor(name) if front.anchor.is_none() => {
                    let anchor = self.builder.anchor();
                    front.anchor = Some(anchor);
                    self.anchors.insert(name.of(self.text), anchor);
                }
                TokenKind::Tag { handle, suffix } if front.tag == ScalarTag::None => {
                    front.tag = self.tag(handle, suffix, token)?;
                }
                _ => return Ok(front),
            }
            front.end = Some(token.span.end());
            self.scanner.take();
            token = self.scanner.peek()?;
        }
    }

    fn tag(&mut self, handle: Span, suffix: Chars, token: Token) -> Result<ScalarTag, ReadError> {
        let texts = Texts {
            text: self.text,
            decoded: self.scanner.decoded,
        };
        let suffix = texts.of(suffix);
        let handle = handle.of(self.text);
        let prefix = match self.handles.iter().find(|(known, _)| *known == handle) {
            Some((_, prefix)) => texts.of(*prefix),
            None => match handle {
                "" => "",
                "!" => "!",
                "!!" => "tag:yaml.org,2002:",
                _ => return Err(refuse("found undefined tag handle", token)),
            },
        };
        Ok(ScalarTag::new(prefix, suffix))
    }

    fn scalar(
        &mut self,
        properties: Properties,
        chars: Chars,
        style: Style,
        tag: ScalarTag,
    ) -> Result<(), ReadError> {
        let mut texts = Texts {
            text: self.text,
            decoded: self.scanner.decoded,
        };
        self.builder.scalar(properties, chars, style, tag, &mut texts)
    }

    /// A node that is not written.
    fn empty(&mut self, at: usize, front: Front) -> Result<(), ReadError> {
        let span = Span::new(at, at);
        let properties = Properties {
            span,
            anchor: front.anchor,
        };
        self.scalar(properties, Chars::Written(span), Style::Plain, front.tag)
    }

    fn end(&mut self, at: usize) -> Result<(), ReadError> {
        let texts = Texts {
            text: self.text,
            decoded: self.scanner.decoded,
        };
        self.builder.end(at, &texts)
    }

    /// A node, or an empty one where one of these tokens follows.
    fn node_unless(
        &mut self,
        ends: fn(TokenKind) -> bool,
        at: usize,
        is_block: bool,
        may_be_indentless: bool,
    ) -> Result<(), ReadError> {
        if ends(self.scanner.peek()?.kind) {
            self.empty(at, Front::NONE)
        } else {
            self.node(is_block, may_be_indentless)
        }
    }

    fn block_sequence(&mut self) -> Result<(), ReadError> {
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::BlockEntry => {
                    self.scanner.take();
                    let ends = |kind| matches!(kind, TokenKind::BlockEntry | TokenKind::BlockEnd);
                    self.node_unless(ends, token.span.end(), true, false)?;
                }
                TokenKind::BlockEnd => {
                    self.scanner.take();
                    return self.end(token.span.start());
                }
                _ => return Err(refuse("did not find expected '-' indicator", token)),
            }
        }
    }

    /// A list whose dashes stand in the column of the key that it is the value of.
    fn indentless_sequence(&mut self) -> Result<(), ReadError> {
        loop {
            let token = self.scanner.peek()?;
            let TokenKind::BlockEntry = token.kind else {
                return self.end(token.span.start());
            };
            self.scanner.take();
            let ends = |kind| {
                matches!(
                    kind,
                    TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd
                )
            };
            self.node_unless(ends, token.span.end(), true, false)?;
        }
    }

    fn block_mapping(&mut self) -> Result<(), ReadError> {
        let ends = |kind| matches!(kind, TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd);
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::Key => {
                    self.scanner.take();
                    self.node_unless(ends, token.span.end(), true, true)?;
                }
                TokenKind::BlockEnd => {
                    self.scanner.take();
                    return self.end(token.span.start());
                }
                _ => return Err(refuse("did not find expected key", token)),
            }
            let token = self.scanner.peek()?;
            if let TokenKind::Value = token.kind {
                self.scanner.take();
                self.node_unless(ends, token.span.end(), true, true)?;
            } else {
                self.empty(token.span.start(), Front::NONE)?;
            }
        }
    }

    fn flow_sequence(&mut self) -> Result<(), ReadError> {
        let mut is_first = true;
        loop {
            let mut token = self.scanner.peek()?;
            if !is_first && !matches!(token.kind, TokenKind::FlowSequenceEnd) {
                if !matches!(token.kind, TokenKind::FlowEntry) {
                    return Err(refuse("did not find expected ',' or ']'", token));
                }
                self.scanner.take();
                token = self.scanner.peek()?;
            }
            is_first = false;
            match token.kind {
                TokenKind::FlowSequenceEnd => {
                    self.scanner.take();
                    return self.end(token.span.end());
                }
                TokenKind::Key => self.single_pair(token)?,
                _ => self.node(false, false)?,
            }
        }
    }

    /// A mapping of one key within a list: `[a: b]`.
    fn single_pair(&mut self, key: Token) -> Result<(), ReadError> {
        let ends = |kind| matches!(kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd);
        self.scanner.take();
        let properties = Properties {
            span: key.span,
            anchor: None,
        };
        self.builder.begin(properties, true)?;
        let token = self.scanner.peek()?;
        if ends(token.kind) || matches!(token.kind, TokenKind::Value) {
            // As libyaml does, which passes over what ends the key.
            self.scanner.take();
            self.empty(token.span.end(), Front::NONE)?;
        } else {
            self.node(false, false)?;
        }
        let token = self.scanner.peek()?;
        if let TokenKind::Value = token.kind {
            self.scanner.take();
            self.node_unless(ends, token.span.end(), false, false)?;
        } else {
            self.empty(token.span.start(), Front::NONE)?;
        }
        let end = self.scanner.peek()?.span.start();
        self.end(end)
    }

    fn flow_mapping(&mut self) -> Result<(), ReadError> {
        let ends = |kind| matches!(kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd);
        let ends_key = |kind| {
            matches!(
                kind,
                TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd
            )
        };
        let mut is_first = true;
        loop {
            let mut token = self.scanner.peek()?;
            if !is_first && !matches!(token.kind, TokenKind::FlowMappingEnd) {
                if !matches!(token.kind, TokenKind::FlowEntry) {
                    return Err(refuse("did not find expected ',' or '}'", token));
                }
                self.scanner.take();
                token = self.scanner.peek()?;
            }
            is_first = false;
            match token.kind {
                TokenKind::FlowMappingEnd => {
                    self.scanner.take();
                    return self.end(token.span.end());
                }
                TokenKind::Key => {
                    self.scanner.take();
                    self.node_unless(ends_key, token.span.end(), false, false)?;
                    let token = self.scanner.peek()?;
                    if let TokenKind::Value = token.kind {
                        self.scanner.take();
                        self.node_unless(ends, token.span.end(), false, false)?;
                    } else {
                        self.empty(token.span.start(), Front::NONE)?;
                    }
                }
                _ => {
                    self.node(false, false)?;
                    let at = self.scanner.peek()?.span.start();
                    self.empty(at, Front::NONE)?;
                }
            }
        }
    }
}
