//! Directives, anchors, aliases and tags.

use super::scanner::Scanner;
use super::token::TokenKind;
use crate::error::ReadError;
use crate::span::{Chars, Span};

/// How many digits a version may have.
const LONGEST_NUMBER: usize = 9;

impl Scanner<'_, '_> {
    pub(super) fn scan_directive(&mut self) -> Result<(), ReadError> {
        let text = self.cursor.text();
        let start = self.cursor.at();
        self.cursor.skip_ascii(1);
        let name_start = self.cursor.at();
        self.cursor.skip_word();
        let name = Span::new(name_start, self.cursor.at()).of(text);
        if name.is_empty() {
            return Err(self.error("expected the name of a directive after '%'"));
        }
        if !self.cursor.is_blank_break_or_end(0) {
            return Err(self.error("expected a space after the name of the directive"));
        }
        self.cursor.skip_blanks();
        let kind = match name {
            "YAML" => {
                let major = self.scan_version_number()?;
                if !self.cursor.is(b'.') {
                    return Err(self.error("expected a version such as 1.1"));
                }
                self.cursor.skip_ascii(1);
                let minor = self.scan_version_number()?;
                TokenKind::VersionDirective {
                    is_known: (major, minor) == (1, 1),
                }
            }
            "TAG" => {
                let handle = self.scan_tag_handle(true)?;
                if !self.cursor.is_blank(0) {
                    return Err(self.error("expected a space after the handle of the tag"));
                }
                self.cursor.skip_blanks();
                let prefix = self.scan_tag_uri(self.cursor.at(), true)?;
                if !self.cursor.is_blank_break_or_end(0) {
                    return Err(self.error("expected a space or a line break after the tag"));
                }
                TokenKind::TagDirective { handle, prefix }
            }
            _ => return Err(self.error("the directive is unknown; expected %YAML or %TAG")),
        };
        self.push(kind, start);
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end() {
            return Err(self.error("expected a comment or a line break after the directive"));
        }
        self.cursor.skip_break();
        Ok(())
    }

    fn scan_version_number(&mut self) -> Result<u32, ReadError> {
        let mut number: u32 = 0;
        let mut length = 0;
        while let digit @ b'0'..=b'9' = self.cursor.peek(0) {
            length += 1;
            if length > LONGEST_NUMBER {
                return Err(self.error("the version number is too long"));
            }
            number = number * 10 + u32::from(digit - b'0');
            self.cursor.skip_ascii(1);
        }
        if length == 0 {
            return Err(self.error("expected a version such as 1.1"));
        }
        Ok(number)
    }

    pub(super) fn scan_anchor(&mut self) -> Result<(), ReadError> {
        let is_alias = self.cursor.is(b'*');
        let start = self.cursor.at();
        self.cursor.skip_ascii(1);
        let name_start = self.cursor.at();
        self.cursor.skip_word();
        let name = Span::new(name_start, self.cursor.at());
        let is_ended = self.cursor.is_blank_break_or_end(0)
            || matches!(
                self.cursor.peek(0),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if name.is_empty() || !is_ended {
            return Err(self.error("expected a name of letters and digits after '&' or '*'; a value that begins with one of them needs quotes"));
        }
        let kind = if is_alias {
            TokenKind::Alias(name)
        } else {
            TokenKind::Anchor(name)
        };
        self.push(kind, start);
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Result<(), ReadError> {
        let text = self.cursor.text();
        let start = self.cursor.at();
        let (handle, suffix) = if self.cursor.peek(1) == b'<' {
            self.cursor.skip_ascii(2);
            let uri = self.scan_tag_uri(self.cursor.at(), true)?;
            if !self.cursor.is(b'>') {
                return Err(self.error("expected '>' at the end of the tag"));
            }
            self.cursor.skip_ascii(1);
            (Span::default(), uri)
        } else {
            let handle = self.scan_tag_handle(false)?;
            if handle.end() - handle.start() > 1 && handle.of(text).ends_with('!') {
                (handle, self.scan_tag_uri(self.cursor.at(), false)?)
            } else {
                let handle = Span::new(start, start + 1);
                let suffix = self.scan_tag_uri(start + 1, false);
                match suffix {
                    // The tag `!` alone.
                    _ if self.cursor.at() == start + 1 => (Span::default(), Chars::Written(handle)),
                    suffix => (handle, suffix?),
                }
            }
        };
        let is_ended = self.cursor.is_blank_break_or_end(0) || self.is_in_flow() && self.cursor.is(b',');
        if !is_ended {
            return Err(self.error("expected a space or a line break after the tag"));
        }
        self.push(TokenKind::Tag { handle, suffix }, start);
        Ok(())
    }

    /// `!`, `!!` or `!name!`; of a tag, also the beginning of what has no second `!`.
    fn scan_tag_handle(&mut self, is_directive: bool) -> Result<Span, ReadError> {
        let start = self.cursor.at();
        if !self.cursor.is(b'!') {
            return Err(self.error("expected '!' in the handle of the tag"));
        }
        self.cursor.skip_ascii(1);
        self.cursor.skip_word();
        if self.cursor.is(b'!') {
            self.cursor.skip_ascii(1);
        } else if is_directive && self.cursor.at() > start + 1 {
            return Err(self.error("expected '!' in the handle of the tag"));
        }
        Ok(Span::new(start, self.cursor.at()))
    }

    /// The rest of a URI that begins there.
    fn scan_tag_uri(&mut self, from: usize, may_have_brackets: bool) -> Result<Chars, ReadError> {
        let text = self.cursor.text();
        let mut gathered_to = from;
        let mut decoded_from = None;
        loop {
            self.cursor.skip_word();
            match self.cursor.peek(0) {
                b'%' => {
                    decoded_from.get_or_insert(self.decoded.len());
                    let before = Span::new(gathered_to, self.cursor.at()).of(text);
                    self.decoded.push_str(before);
                    let meaning = self.scan_uri_escape()?;
                    self.decoded.push(meaning);
                    gathered_to = self.cursor.at();
                }
                b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b'.' | b'!' | b'~' | b'*'
                | b'\'' | b'(' | b')' => self.cursor.skip_ascii(1),
                b',' | b'[' | b']' if may_have_brackets => self.cursor.skip_ascii(1),
                _ => break,
            }
        }
        let end = self.cursor.at();
        if end == from {
            return Err(self.error("expected a name after '!'; a value that begins with '!' needs quotes"));
        }
        Ok(match decoded_from {
            None => Chars::Written(Span::new(from, end)),
            Some(from) => {
                self.decoded.push_str(Span::new(gathered_to, end).of(text));
                Chars::Decoded(Span::new(from, self.decoded.len()))
            }
        })
    }

    /// A character that is written as octets: `%C3%A9`.
    fn scan_uri_escape(&mut self) -> Result<char, ReadError> {
        let mut octets = [0_u8; 4];
        let mut width = 1;
        let mut length = 0;
        for slot in &mut octets {
            if length == width {
                break;
            }
            let digit = |ahead| char::from(self.cursor.peek(ahead)).to_digit(16);
            let octet = match (self.cursor.peek(0), digit(1), digit(2)) {
                (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                _ => return Err(self.error("expected two hexadecimal digits after '%' in the tag")),
            };
            if length == 0 {
                width = match octet {
                    0..0x80 => 1,
                    0xc0..0xe0 => 2,
                    0xe0..0xf0 => 3,
                    0xf0..0xf8 => 4,
                    _ => return Err(self.error("the tag has an escape that is not UTF-8")),
                };
            }
            *slot = octet;
            length += 1;
            self.cursor.skip_ascii(3);
        }
        let character = octets
            .get(..length)
            .and_then(|octets| std::str::from_utf8(octets).ok());
        character
            .and_then(|character| character.chars().next())
            .ok_or_else(|| self.error("the tag has an escape that is not UTF-8"))
    }
}
