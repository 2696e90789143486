//! Scans plain and quoted scalars. Their text is not copied, unless it contains escapes or folded lines.

use super::cursor::Cursor;
use super::scanner::Scanner;
use super::token::TokenKind;
use crate::error::ReadError;
use crate::span::{Chars, Span};
use crate::style::Style;
use crate::text::Decoded;

/// The text of a scalar while it is scanned. It is not copied until it differs from the document.
#[derive(Debug)]
struct Gathered {
    /// The end of the text that is in the buffer already.
    taken_to: usize,
    /// Where its text begins in the buffer; `None` while all of it is as it is written.
    decoded_from: Option<usize>,
    start: usize,
}

impl Gathered {
    fn new(start: usize) -> Self {
        Self {
            taken_to: start,
            decoded_from: None,
            start,
        }
    }

    /// Takes the text up to `until`, and replaces the text from there up to `resumes` with `text`.
    fn take(&mut self, until: usize, resumes: usize, text: &str, decoded: &mut Decoded) {
        self.decoded_from.get_or_insert(decoded.len());
        decoded.push_str(text.get(self.taken_to..until).unwrap_or_default());
        self.taken_to = resumes;
    }

    fn end(mut self, end: usize, text: &str, decoded: &mut Decoded) -> Chars {
        match self.decoded_from {
            None => Chars::Written(Span::new(self.start, end)),
            Some(from) => {
                self.take(end, end, text, decoded);
                Chars::Decoded(Span::new(from, decoded.len()))
            }
        }
    }
}

/// Appends the meaning of white space with line ends: the first line end is a space, and further ones are line feeds. After an
/// escaped line end, each one is a line feed.
fn fold(space: &str, is_escaped: bool, decoded: &mut Decoded) {
    let mut cursor = Cursor::new(space);
    let mut breaks = std::iter::from_fn(|| {
        while !cursor.is_end() {
            match cursor.skip_break() {
                Some(meaning) => return Some(meaning),
                None => cursor.skip(),
            }
        }
        None
    });
    let first = if is_escaped { None } else { breaks.next() };
    let mut has_further = false;
    if let Some(first) = first.filter(|first| *first != '\n') {
        decoded.push(first);
        has_further = true;
    }
    for further in breaks {
        decoded.push(further);
        has_further = true;
    }
    if first.is_some() && !has_further {
        decoded.push(' ');
    }
}

impl Scanner<'_, '_> {
    pub(super) fn scan_plain_scalar(&mut self) -> Result<(), ReadError> {
        let text = self.cursor.text();
        let is_in_flow = self.is_in_flow();
        let least_column = self.indent.map_or(0, |indent| indent + 1);
        let start = self.cursor.at();
        let mut gathered = Gathered::new(start);
        let mut end = start;
        let mut is_behind_break = false;
        while !self.cursor.is_document_indicator() && !self.cursor.is(b'#') {
            let space = end;
            let word = self.cursor.at();
            self.skip_plain_word(is_in_flow)?;
            if self.cursor.at() > word {
                if is_behind_break {
                    gathered.take(space, word, text, self.decoded);
                    fold(Span::new(space, word).of(text), false, self.decoded);
                    is_behind_break = false;
                }
                end = self.cursor.at();
            }
            if !self.cursor.is_blank(0) && !self.cursor.is_break() {
                break;
            }
            loop {
                if self.cursor.is_blank(0) {
                    if is_behind_break && self.cursor.is(b'\t') && self.cursor.column() < least_column {
                        return Err(self.tab("found a tab character that violates indentation"));
                    }
                    self.cursor.skip_ascii(1);
                } else if self.cursor.skip_break().is_some() {
                    is_behind_break = true;
                } else {
                    break;
                }
            }
            if !is_in_flow && self.cursor.column() < least_column {
                break;
            }
        }
        if is_behind_break {
            self.may_begin_key = true;
        }
        let chars = gathered.end(end, text, self.decoded);
        let kind = TokenKind::Scalar {
            chars,
            style: Style::Plain,
        };
        self.push_until(kind, start, end);
        Ok(())
    }

    /// Moves to the end of a word of a plain scalar.
    fn skip_plain_word(&mut self, is_in_flow: bool) -> Result<(), ReadError> {
        loop {
            self.cursor.skip_ordinary();
            match self.cursor.peek(0) {
                b':' if self.cursor.is_blank_break_or_end(1) => return Ok(()),
                b':' if is_in_flow
                    && matches!(self.cursor.peek(1), b',' | b'?' | b'[' | b']' | b'{' | b'}') =>
                {
                    return Err(self.error("expected a space after ':', or quotes around the value"));
                }
                b',' | b'[' | b']' | b'{' | b'}' if is_in_flow => return Ok(()),
                _ if self.cursor.is_blank_break_or_end(0) => return Ok(()),
                _ => self.cursor.skip(),
            }
        }
    }

    pub(super) fn scan_quoted_scalar(&mut self) -> Result<(), ReadError> {
        let text = self.cursor.text();
        let start = self.cursor.at();
        let is_single = self.cursor.is(b'\'');
        let quote = self.cursor.peek(0);
        self.cursor.skip_ascii(1);
        let mut gathered = Gathered::new(self.cursor.at());
        loop {
            if self.cursor.is_document_indicator() {
                return Err(self.error(
                    "expected the closing quote of the value that is open before the line with --- or ...",
                ));
            }
            if self.cursor.is_end() {
                return Err(
                    self.error("expected the closing quote of a value, found the end of the document")
                );
            }
            let is_escaped = self.skip_quoted_word(is_single, &mut gathered)?;
            if self.cursor.is(quote) {
                break;
            }
            let space = self.cursor.at();
            let mut has_break = is_escaped;
            loop {
                if self.cursor.is_blank(0) {
                    self.cursor.skip_ascii(1);
                } else if self.cursor.skip_break().is_some() {
                    has_break = true;
                } else {
                    break;
                }
            }
            if has_break {
                let word = self.cursor.at();
                gathered.take(space, word, text, self.decoded);
                fold(Span::new(space, word).of(text), is_escaped, self.decoded);
            }
        }
        let chars = gathered.end(self.cursor.at(), text, self.decoded);
        self.cursor.skip_ascii(1);
        let style = if is_single {
            Style::SingleQuoted
        } else {
            Style::DoubleQuoted
        };
        self.push(TokenKind::Scalar { chars, style }, start);
        Ok(())
    }

    /// Moves to a closing quote or white space; returns whether that follows an escaped line end.
    fn skip_quoted_word(&mut self, is_single: bool, gathered: &mut Gathered) -> Result<bool, ReadError> {
        let text = self.cursor.text();
        loop {
            self.cursor.skip_ordinary();
            let at = self.cursor.at();
            match self.cursor.peek(0) {
                b'\'' if is_single => {
                    if self.cursor.peek(1) != b'\'' {
                        return Ok(false);
                    }
                    self.cursor.skip_ascii(2);
                    gathered.take(at + 1, at + 2, text, self.decoded);
                }
                b'"' if !is_single => return Ok(false),
                b'\\' if !is_single => {
                    if self.cursor.break_length(1) > 0 {
                        self.cursor.skip_ascii(1);
                        self.cursor.skip_break();
                        gathered.take(at, self.cursor.at(), text, self.decoded);
                        return Ok(true);
                    }
                    let meaning = self.scan_escape()?;
                    gathered.take(at, self.cursor.at(), text, self.decoded);
                    self.decoded.push(meaning);
                }
                _ if self.cursor.is_blank_break_or_end(0) => return Ok(false),
                _ => self.cursor.skip(),
            }
        }
    }

    /// Returns the character of an escape in double quotes.
    fn scan_escape(&mut self) -> Result<char, ReadError> {
        let digits = match self.cursor.peek(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            other => {
                let meaning = match other {
                    b'0' => '\0',
                    b'a' => '\x07',
                    b'b' => '\x08',
                    b't' | b'\t' => '\t',
                    b'n' => '\n',
                    b'v' => '\x0b',
                    b'f' => '\x0c',
                    b'r' => '\r',
                    b'e' => '\x1b',
                    b' ' => ' ',
                    b'"' => '"',
                    // go-yaml has this escape, and libyaml does not.
                    b'\'' => '\'',
                    b'/' => '/',
                    b'\\' => '\\',
                    b'N' => '\u{85}',
                    b'_' => '\u{a0}',
                    b'L' => '\u{2028}',
                    b'P' => '\u{2029}',
                    _ => return Err(self.error("expected an escape that YAML has after the backslash; a value with backslashes may stand in single quotes")),
                };
                self.cursor.skip_ascii(2);
                return Ok(meaning);
            }
        };
        let mut code: u32 = 0;
        for index in 0..digits {
            let digit = char::from(self.cursor.peek(2 + index)).to_digit(16);
            let digit = digit.ok_or_else(|| self.error("expected hexadecimal digits in the escape"))?;
            code = (code << 4) | digit;
        }
        let meaning =
            char::from_u32(code).ok_or_else(|| self.error("the escape is not that of a character"))?;
        self.cursor.skip_ascii(2 + digits);
        Ok(meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_folded() {
        for (space, is_escaped, expected) in [
            (" \n ", false, " "),
            ("\r\n\r\n", false, "\n"),
            ("\n \n\t\n", false, "\n\n"),
            ("\u{2028}\n", false, "\u{2028}\n"),
            ("\u{2028}", false, "\u{2028}"),
            ("  ", true, ""),
            ("\n", true, "\n"),
        ] {
            let mut decoded = Decoded::default();
            fold(space, is_escaped, &mut decoded);
            assert_eq!(decoded.as_str(), expected, "{space:?}");
        }
    }
}
