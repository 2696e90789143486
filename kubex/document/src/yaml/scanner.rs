//! Splits a text into tokens, by libyaml's rules.
//!
//! A key is recognized only by the colon after it. So wherever a key may begin, its position is kept as a [`PossibleKey`].
//! A colon on the same line, within 1024 characters, inserts the key's token before all tokens that follow that position.
//! Indentation becomes tokens too: a deeper one begins a block collection, and a shallower one ends all collections that
//! are deeper.

use std::collections::VecDeque;

use super::cursor::Cursor;
use super::token::{Token, TokenKind};
use crate::budget::Budget;
use crate::error::{Problem, ReadError};
use crate::span::Span;
use crate::text::Decoded;

/// The longest distance from the beginning of a key to its colon, in characters.
const LONGEST_KEY: usize = 1024;

/// A place where a key may have begun.
#[derive(Clone, Copy, Debug)]
struct PossibleKey {
    /// The number of the token before which it would be inserted.
    token: usize,
    /// Whether it must be a key, because it has the indentation of its mapping.
    is_required: bool,
    at: usize,
    character: usize,
    column: usize,
    line: usize,
}

/// Splits a text into tokens.
#[derive(Debug)]
pub(super) struct Scanner<'t, 'd> {
    pub(super) cursor: Cursor<'t>,
    pub(super) decoded: &'d mut Decoded,
    tokens: VecDeque<Token>,
    /// Whether no token can be inserted before the first one.
    is_ready: bool,
    /// How many tokens were taken.
    taken: usize,
    /// The column of the block collection that is open; `None` outside of any.
    pub(super) indent: Option<usize>,
    /// Those of the collections around it.
    indents: Vec<Option<usize>>,
    /// The key that may have begun at each level of brackets, the outermost first.
    keys: Vec<Option<PossibleKey>>,
    /// Whether a key may begin here.
    pub(super) may_begin_key: bool,
    deepest: usize,
}

impl<'t, 'd> Scanner<'t, 'd> {
    pub(super) fn new(text: &'t str, decoded: &'d mut Decoded, budget: &Budget) -> Self {
        Self {
            cursor: Cursor::new(text),
            decoded,
            tokens: VecDeque::with_capacity(16),
            is_ready: false,
            taken: 0,
            indent: None,
            indents: Vec::with_capacity(8),
            keys: vec![None],
            may_begin_key: true,
            deepest: budget.depth,
        }
    }

    /// The next token, which stays.
    pub(super) fn peek(&mut self) -> Result<Token, ReadError> {
        loop {
            if let Some(token) = self.tokens.front().copied() {
                if self.is_ready {
                    return Ok(token);
                }
                self.drop_stale_keys()?;
                let may_be_key = self.keys.iter().flatten().any(|key| key.token == self.taken);
                if !may_be_key {
                    self.is_ready = true;
                    return Ok(token);
                }
            }
            self.fetch()?;
        }
    }

    /// Takes the token that was last peeked at.
    pub(super) fn take(&mut self) {
        self.tokens.pop_front();
        self.taken += 1;
        self.is_ready = false;
    }

    pub(super) fn is_in_flow(&self) -> bool {
        self.keys.len() > 1
    }

    /// Returns an error at the position of the cursor.
    pub(super) fn error(&self, why: &'static str) -> ReadError {
        ReadError::new(Problem::Yaml(why), self.cursor.at())
    }

    /// Returns the error for a tab where only spaces are allowed.
    pub(super) fn tab(&self, why: &'static str) -> ReadError {
        ReadError::new(Problem::Tab(why), self.cursor.at())
    }

    /// Adds a token that ends at the cursor.
    pub(super) fn push(&mut self, kind: TokenKind, start: usize) {
        self.push_until(kind, start, self.cursor.at());
    }

    /// Adds a token that ended before the cursor.
    pub(super) fn push_until(&mut self, kind: TokenKind, start: usize, end: usize) {
        let span = Span::new(start, end);
        self.tokens.push_back(Token { kind, span });
    }

    fn push_indicator(&mut self, kind: TokenKind, length: usize) {
        let start = self.cursor.at();
        self.cursor.skip_ascii(length);
        self.push(kind, start);
    }

    fn fetch(&mut self) -> Result<(), ReadError> {
        self.skip_to_token();
        self.drop_stale_keys()?;
        self.unroll(Some(self.cursor.column()));
        let cursor = &self.cursor;
        if cursor.is_end() {
            return self.fetch_end();
        }
        if cursor.is(b'%') && cursor.column() == 0 {
            self.unroll(None);
            self.forget_key()?;
            self.may_begin_key = false;
            return self.scan_directive();
        }
        if cursor.is_document_indicator() {
            let kind = if cursor.is(b'-') {
                TokenKind::DocumentStart
            } else {
                TokenKind::DocumentEnd
            };
            self.unroll(None);
            self.forget_key()?;
            self.may_begin_key = false;
            self.push_indicator(kind, 3);
            return Ok(());
        }
        let is_in_flow = self.is_in_flow();
        let is_alone = cursor.is_blank_break_or_end(1);
        match cursor.peek(0) {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.forget_key()?;
                self.may_begin_key = true;
                self.push_indicator(TokenKind::FlowEntry, 1);
                Ok(())
            }
            b'-' if is_alone => self.fetch_block_entry(),
            b'?' if is_in_flow || is_alone => self.fetch_key(),
            b':' if is_in_flow || is_alone => self.fetch_value(),
            b'*' | b'&' => {
                self.begin_key()?;
                self.scan_anchor()
            }
            b'!' => {
                self.begin_key()?;
                self.scan_tag()
            }
            b'|' | b'>' if !is_in_flow => {
                self.forget_key()?;
                self.may_begin_key = true;
                self.scan_block_scalar()
            }
            b'\'' | b'"' => {
                self.begin_key()?;
                self.scan_quoted_scalar()
            }
            b'#' | b'%' | b'@' | b'`' | b'|' | b'>' | b'\t' => Err(if self.cursor.is(b'\t') {
                self.tab("found a tab character where a value begins")
            } else {
                self.error("a value cannot begin with this character unless it is in quotes")
            }),
            _ => {
                self.begin_key()?;
                self.scan_plain_scalar()
            }
        }
    }

    /// Skips white space, comments and line ends.
    fn skip_to_token(&mut self) {
        loop {
            let may_be_tab = self.is_in_flow() || !self.may_begin_key;
            let cursor = &mut self.cursor;
            while cursor.is(b' ') || may_be_tab && cursor.is(b'\t') {
                cursor.skip_ascii(1);
            }
            cursor.skip_comment();
            if cursor.skip_break().is_none() {
                return;
            }
            if !self.is_in_flow() {
                self.may_begin_key = true;
            }
        }
    }

    /// Removes each possible key whose colon can no longer follow.
    fn drop_stale_keys(&mut self) -> Result<(), ReadError> {
        let (line, character) = (self.cursor.line(), self.cursor.character());
        for slot in &mut self.keys {
            let Some(key) = *slot else { continue };
            if key.line < line || key.character + LONGEST_KEY < character {
                if key.is_required {
                    return Err(self.error("expected ':' after the key that begins before this place"));
                }
                *slot = None;
            }
        }
        Ok(())
    }

    /// Records that a key may begin here, and that none may begin after it.
    fn begin_key(&mut self) -> Result<(), ReadError> {
        if self.may_begin_key {
            let column = self.cursor.column();
            let key = PossibleKey {
                token: self.taken + self.tokens.len(),
                is_required: !self.is_in_flow() && self.indent == Some(column),
                at: self.cursor.at(),
                character: self.cursor.character(),
                column,
                line: self.cursor.line(),
            };
            self.forget_key()?;
            if let Some(slot) = self.keys.last_mut() {
                *slot = Some(key);
            }
        }
        self.may_begin_key = false;
        Ok(())
    }

    /// What began here is not a key.
    fn forget_key(&mut self) -> Result<(), ReadError> {
        match self.keys.last_mut().and_then(Option::take) {
            Some(key) if key.is_required => {
                Err(self.error("expected ':' after the key that begins before this place"))
            }
            _ => Ok(()),
        }
    }

    /// Begins a block collection if the column is to the right of the open one.
    fn roll(
        &mut self,
        column: usize,
        kind: TokenKind,
        at: usize,
        before: Option<usize>,
    ) -> Result<(), ReadError> {
        if self.is_in_flow() || self.indent >= Some(column) {
            return Ok(());
        }
        if self.indents.len() > self.deepest {
            return Err(ReadError::new(Problem::TooDeep(self.deepest), at));
        }
        self.indents.push(self.indent);
        self.indent = Some(column);
        let span = Span::new(at, at);
        let index = before.map_or(self.tokens.len(), |number| number - self.taken);
        self.tokens.insert(index, Token { kind, span });
        Ok(())
    }

    /// Ends the block collections to the right of this column.
    fn unroll(&mut self, column: Option<usize>) {
        if self.is_in_flow() {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.cursor.at());
            self.indent = self.indents.pop().flatten();
        }
    }

    fn fetch_end(&mut self) -> Result<(), ReadError> {
        self.unroll(None);
        if self.keys.iter().flatten().any(|key| key.is_required) {
            return Err(self.error("expected ':' after the key that begins before this place"));
        }
        self.keys.fill(None);
        self.may_begin_key = false;
        self.push(TokenKind::StreamEnd, self.cursor.at());
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), ReadError> {
        self.begin_key()?;
        if self.keys.len() > self.deepest {
            return Err(ReadError::new(Problem::TooDeep(self.deepest), self.cursor.at()));
        }
        self.keys.push(None);
        self.may_begin_key = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), ReadError> {
        self.forget_key()?;
        if self.is_in_flow() {
            self.keys.pop();
        }
        self.may_begin_key = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), ReadError> {
        if !self.is_in_flow() {
            if !self.may_begin_key {
                return Err(self.error("a list cannot begin here; expected it on a line of its own"));
            }
            let (column, at) = (self.cursor.column(), self.cursor.at());
            self.roll(column, TokenKind::BlockSequenceStart, at, None)?;
        }
        self.forget_key()?;
        self.may_begin_key = true;
        self.push_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), ReadError> {
        if !self.is_in_flow() {
            if !self.may_begin_key {
                return Err(self.error("a key with '? ' cannot begin here; expected it on a line of its own"));
            }
            let (column, at) = (self.cursor.column(), self.cursor.at());
            self.roll(column, TokenKind::BlockMappingStart, at, None)?;
        }
        self.forget_key()?;
        self.may_begin_key = !self.is_in_flow();
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), ReadError> {
        if let Some(key) = self.keys.last_mut().and_then(Option::take) {
            let span = Span::new(key.at, key.at);
            let kind = TokenKind::Key;
            self.tokens.insert(key.token - self.taken, Token { kind, span });
            self.roll(key.column, TokenKind::BlockMappingStart, key.at, Some(key.token))?;
            self.may_begin_key = false;
        } else {
            if !self.is_in_flow() {
                if !self.may_begin_key {
                    return Err(self.error("found ': ' within a value; expected quotes around the value, ':' after the key above, or other indentation"));
                }
                let (column, at) = (self.cursor.column(), self.cursor.at());
                self.roll(column, TokenKind::BlockMappingStart, at, None)?;
            }
            self.may_begin_key = !self.is_in_flow();
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }
}
