//! Parses tokens to nodes, by libyaml's grammar: documents, anchors, tags and scalars.

use std::collections::HashMap;

use super::characters;
use super::scanner::Scanner;
use super::token::{Token, TokenKind};
use crate::budget::{Budget, MOST_DIRECTIVES};
use crate::builder::{Anchor, Builder, Properties, Texts, Tree};
use crate::error::{Problem, ReadError};
use crate::span::{Chars, Span};
use crate::style::Style;
use crate::tag::ScalarTag;
use crate::text::Decoded;

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) tree: Tree,
    pub(crate) decoded: Decoded,
    /// The offset of the content after the document: a second document, or text that is not YAML.
    pub(crate) rest: Option<usize>,
}

/// Reads the first document of a text, which may be any YAML.
pub(crate) fn parse(text: &str, budget: &Budget) -> Result<Parsed, ReadError> {
    characters::check(text)?;
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

pub(super) struct Parser<'t, 'd> {
    text: &'t str,
    pub(super) scanner: Scanner<'t, 'd>,
    pub(super) builder: Builder,
    /// The `%TAG` directives.
    handles: Vec<(&'t str, Chars)>,
    anchors: HashMap<&'t str, Anchor>,
}

/// The anchor and the tag before a node.
#[derive(Clone, Copy)]
pub(super) struct Front {
    anchor: Option<Anchor>,
    tag: ScalarTag,
    /// Where they end; `None` if there is neither.
    end: Option<usize>,
}

impl Front {
    pub(super) const NONE: Self = Self {
        anchor: None,
        tag: ScalarTag::None,
        end: None,
    };
}

pub(super) fn refuse(why: &'static str, token: Token) -> ReadError {
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
                    return Err(refuse("expected a line with --- after the directives", token));
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
        // The document must be followed by a token of any kind.
        self.scanner.peek().map(|_| ())
    }

    /// The offset of the content after the document.
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
                        return Err(refuse("the directive %YAML is written twice", token));
                    }
                    if !is_known {
                        return Err(refuse("expected version 1.1 in the directive %YAML", token));
                    }
                    has_version = true;
                }
                TokenKind::TagDirective { handle, prefix } => {
                    let handle = handle.of(self.text);
                    if self.handles.iter().any(|(known, _)| *known == handle) {
                        return Err(refuse(
                            "the directive %TAG is written twice for one handle",
                            token,
                        ));
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

    pub(super) fn node(&mut self, is_block: bool, may_be_indentless: bool) -> Result<(), ReadError> {
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
                None => Err(refuse("expected a value", token)),
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
                _ => {
                    return Err(refuse(
                        "the handle of the tag is not defined by a directive %TAG; a value that begins with '!' needs quotes",
                        token,
                    ));
                }
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

    /// An empty node.
    pub(super) fn empty(&mut self, at: usize, front: Front) -> Result<(), ReadError> {
        let span = Span::new(at, at);
        let properties = Properties {
            span,
            anchor: front.anchor,
        };
        self.scalar(properties, Chars::Written(span), Style::Plain, front.tag)
    }

    pub(super) fn end(&mut self, at: usize) -> Result<(), ReadError> {
        let texts = Texts {
            text: self.text,
            decoded: self.scanner.decoded,
        };
        self.builder.end(at, &texts)
    }

    /// A node, or an empty one where one of these tokens follows.
    pub(super) fn node_unless(
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
}
