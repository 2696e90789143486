//! Block scalars: `|` and `>`.

use super::scanner::Scanner;
use super::token::TokenKind;
use crate::error::ReadError;
use crate::span::{Chars, Span};
use crate::style::Style;

/// The treatment of the line ends after the last line of a block scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_, '_> {
    pub(super) fn scan_block_scalar(&mut self) -> Result<(), ReadError> {
        let text = self.cursor.text();
        let start = self.cursor.at();
        let is_folded = self.cursor.is(b'>');
        self.cursor.skip_ascii(1);
        let (chomping, increment) = self.scan_block_header()?;
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end() {
            return Err(
                self.error("expected a comment or a line break after the mark of a block text (| or >)")
            );
        }
        self.cursor.skip_break();
        let from = self.decoded.len();
        let mut indent = increment.map(|increment| self.indent.unwrap_or_default() + increment);
        let mut breaks = String::new();
        let mut last_break = None;
        let mut was_blank = false;
        let mut end = self.skip_block_breaks(&mut indent, &mut breaks)?;
        while !self.cursor.is_end() && Some(self.cursor.column()) == indent {
            let is_blank = self.cursor.is_blank(0);
            if is_folded && last_break == Some('\n') && !was_blank && !is_blank {
                if breaks.is_empty() {
                    self.decoded.push(' ');
                }
            } else if let Some(last) = last_break {
                self.decoded.push(last);
            }
            self.decoded.push_str(&breaks);
            breaks.clear();
            was_blank = is_blank;
            let line = self.cursor.at();
            self.cursor.skip_line();
            self.decoded.push_str(Span::new(line, self.cursor.at()).of(text));
            last_break = self.cursor.skip_break();
            end = self.skip_block_breaks(&mut indent, &mut breaks)?;
        }
        if let Some(last) = last_break.filter(|_| chomping != Chomping::Strip) {
            self.decoded.push(last);
        }
        if chomping == Chomping::Keep {
            self.decoded.push_str(&breaks);
        }
        let kind = TokenKind::Scalar {
            chars: Chars::Decoded(Span::new(from, self.decoded.len())),
            style: if is_folded { Style::Folded } else { Style::Literal },
        };
        self.push_until(kind, start, end);
        Ok(())
    }

    /// Reads the header after `|` or `>`: the chomping and the indentation.
    fn scan_block_header(&mut self) -> Result<(Chomping, Option<usize>), ReadError> {
        let mut chomping = None;
        let mut increment = None;
        for _ in 0..2 {
            match self.cursor.peek(0) {
                b'+' if chomping.is_none() => chomping = Some(Chomping::Keep),
                b'-' if chomping.is_none() => chomping = Some(Chomping::Strip),
                b'0' if increment.is_none() => {
                    return Err(self
                        .error("expected an indentation of 1 to 9 after the mark of a block text (| or >)"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(usize::from(digit - b'0')),
                _ => break,
            }
            self.cursor.skip_ascii(1);
        }
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    /// Advances to the next line of the scalar, and determines the indentation of its lines. Returns the end of the last
    /// line.
    fn skip_block_breaks(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
    ) -> Result<usize, ReadError> {
        let mut widest = 0;
        let mut end = self.cursor.at();
        loop {
            while self.cursor.is(b' ') && indent.is_none_or(|indent| self.cursor.column() < indent) {
                self.cursor.skip_ascii(1);
            }
            widest = widest.max(self.cursor.column());
            if self.cursor.is(b'\t') && indent.is_none_or(|indent| self.cursor.column() < indent) {
                return Err(self.tab("found a tab character where an indentation space is expected"));
            }
            let Some(meaning) = self.cursor.skip_break() else {
                break;
            };
            breaks.push(meaning);
            end = self.cursor.at();
        }
        if indent.is_none() {
            let least = self.indent.map_or(1, |indent| indent + 1);
            *indent = Some(widest.max(least));
        }
        Ok(end)
    }
}
