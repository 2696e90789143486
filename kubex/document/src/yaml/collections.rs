//! Parses lists and mappings in block and flow style, by libyaml's grammar.

use super::parser::{Front, Parser, refuse};
use super::token::{Token, TokenKind};
use crate::builder::Properties;
use crate::error::ReadError;

impl Parser<'_, '_> {
    pub(super) fn block_sequence(&mut self) -> Result<(), ReadError> {
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
                _ => {
                    return Err(refuse(
                        "expected '- ' in the column of the list's other entries, or less indentation",
                        token,
                    ));
                }
            }
        }
    }

    /// A list whose dashes are in the same column as its key.
    pub(super) fn indentless_sequence(&mut self) -> Result<(), ReadError> {
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

    pub(super) fn block_mapping(&mut self) -> Result<(), ReadError> {
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
                _ => {
                    return Err(refuse(
                        "expected a key in the column of the mapping's other keys, or less indentation",
                        token,
                    ));
                }
            }
            self.value(ends, true)?;
        }
    }

    /// The value after a key. It is empty if `:` or the value is missing.
    fn value(&mut self, ends: fn(TokenKind) -> bool, is_block: bool) -> Result<(), ReadError> {
        let token = self.scanner.peek()?;
        if let TokenKind::Value = token.kind {
            self.scanner.take();
            self.node_unless(ends, token.span.end(), is_block, is_block)
        } else {
            self.empty(token.span.start(), Front::NONE)
        }
    }

    pub(super) fn flow_sequence(&mut self) -> Result<(), ReadError> {
        let mut is_first = true;
        loop {
            let mut token = self.scanner.peek()?;
            if !is_first && !matches!(token.kind, TokenKind::FlowSequenceEnd) {
                if !matches!(token.kind, TokenKind::FlowEntry) {
                    return Err(refuse("expected ',' or ']'", token));
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
            // libyaml also skips the token that ends the key.
            self.scanner.take();
            self.empty(token.span.end(), Front::NONE)?;
        } else {
            self.node(false, false)?;
        }
        self.value(ends, false)?;
        let end = self.scanner.peek()?.span.start();
        self.end(end)
    }

    pub(super) fn flow_mapping(&mut self) -> Result<(), ReadError> {
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
                    return Err(refuse("expected ',' or '}'", token));
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
                    self.value(ends, false)?;
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
