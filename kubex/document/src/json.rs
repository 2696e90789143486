//! Reads JSON, strictly by RFC 8259. A text that is not JSON may still be YAML, which has the same brackets.

use crate::budget::Budget;
use crate::builder::{Builder, Properties, Texts, Tree};
use crate::bytes::find;
use crate::error::ReadError;
use crate::simple::spaces;
use crate::span::{Chars, Span};
use crate::style::Style;
use crate::tag::ScalarTag;
use crate::text::Decoded;

/// Why JSON was not read.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// It is not JSON.
    NotJson,
    /// It exceeds the budget.
    Refused(ReadError),
}

impl From<ReadError> for NotRead {
    fn from(error: ReadError) -> Self {
        Self::Refused(error)
    }
}

/// Whether a text begins as a JSON document of a mapping does.
pub(crate) fn begins_like_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Reads a JSON document.
pub(crate) fn parse(text: &str, budget: &Budget) -> Result<(Tree, Decoded), NotRead> {
    let mut decoded = Decoded::default();
    let mut reader = Reader {
        text,
        at: 0,
        builder: Builder::new(budget, text.len()),
        decoded: &mut decoded,
    };
    reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(NotRead::NotJson);
    }
    let tree = reader.builder.finish();
    Ok((tree, decoded))
}

struct Reader<'t, 'd> {
    text: &'t str,
    at: usize,
    builder: Builder,
    decoded: &'d mut Decoded,
}

impl Reader<'_, '_> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn skip_space(&mut self) {
        loop {
            match self.peek() {
                // Documents for people are indented, most of it by many spaces.
                b' ' => self.at += spaces(self.text.as_bytes().get(self.at..).unwrap_or_default()),
                b'\t' | b'\n' | b'\r' => self.at += 1,
                _ => return,
            }
        }
    }

    /// Consumes white space, then this byte.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_there = self.peek() == byte;
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotRead> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(NotRead::NotJson)
        }
    }

    fn value(&mut self) -> Result<(), NotRead> {
        self.skip_space();
        let start = self.at;
        let properties = Properties {
            span: Span::new(start, start),
            anchor: None,
        };
        match self.peek() {
            b'{' => {
                self.at += 1;
                self.builder.begin(properties, true)?;
                self.members()?;
                self.end()
            }
            b'[' => {
                self.at += 1;
                self.builder.begin(properties, false)?;
                self.items()?;
                self.end()
            }
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => {
                self.skip_number()?;
                self.plain(start)
            }
            _ => {
                let rest = self.text.get(start..).unwrap_or_default();
                let word = ["null", "true", "false"]
                    .iter()
                    .find(|word| rest.starts_with(**word));
                self.at += word.ok_or(NotRead::NotJson)?.len();
                self.plain(start)
            }
        }
    }

    fn end(&mut self) -> Result<(), NotRead> {
        let texts = Texts {
            text: self.text,
            decoded: self.decoded,
        };
        Ok(self.builder.end(self.at, &texts)?)
    }

    fn members(&mut self) -> Result<(), NotRead> {
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            if self.peek() != b'"' {
                return Err(NotRead::NotJson);
            }
            self.string()?;
            self.expect(b':')?;
            self.value()?;
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn items(&mut self) -> Result<(), NotRead> {
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value()?;
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn add(&mut self, start: usize, chars: Chars, style: Style) -> Result<(), NotRead> {
        let properties = Properties {
            span: Span::new(start, self.at),
            anchor: None,
        };
        let mut texts = Texts {
            text: self.text,
            decoded: self.decoded,
        };
        Ok(self
            .builder
            .scalar(properties, chars, style, ScalarTag::None, &mut texts)?)
    }

    /// A number or a word, which mean in JSON what they mean in YAML.
    fn plain(&mut self, start: usize) -> Result<(), NotRead> {
        self.add(start, Chars::Written(Span::new(start, self.at)), Style::Plain)
    }

    fn skip_digits(&mut self) -> Result<(), NotRead> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start {
            return Err(NotRead::NotJson);
        }
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), NotRead> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.skip_digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.skip_digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'-' | b'+'));
            self.skip_digits()?;
        }
        // JSON readers do not accept a number that no float can represent.
        let number: Option<f64> = self.text.get(start..self.at).and_then(|text| text.parse().ok());
        if number.is_some_and(f64::is_finite) {
            Ok(())
        } else {
            Err(NotRead::NotJson)
        }
    }

    fn string(&mut self) -> Result<(), NotRead> {
        let start = self.at;
        self.at += 1;
        let mut from = self.at;
        let mut decoded_from = None;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let passed = find(rest, |byte| byte < 0x20 || byte == b'"' || byte == b'\\');
            let passed = passed.ok_or(NotRead::NotJson)?;
            self.at += passed;
            match self.peek() {
                b'"' => break,
                b'\\' => {
                    decoded_from.get_or_insert(self.decoded.len());
                    self.decoded.push_str(Span::new(from, self.at).of(self.text));
                    let meaning = self.escape()?;
                    self.decoded.push(meaning);
                    from = self.at;
                }
                _ => return Err(NotRead::NotJson),
            }
        }
        let chars = match decoded_from {
            None => Chars::Written(Span::new(from, self.at)),
            Some(decoded_from) => {
                self.decoded.push_str(Span::new(from, self.at).of(self.text));
                Chars::Decoded(Span::new(decoded_from, self.decoded.len()))
            }
        };
        self.at += 1;
        self.add(start, chars, Style::DoubleQuoted)
    }

    fn escape(&mut self) -> Result<char, NotRead> {
        self.at += 1;
        let kind = self.peek();
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.code_unit()?;
                let units = if (0xd800..0xdc00).contains(&unit) {
                    let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
                    if !rest.starts_with(b"\\u") {
                        return Err(NotRead::NotJson);
                    }
                    self.at += 2;
                    [unit, self.code_unit()?]
                } else {
                    [unit, 0]
                };
                let first = char::decode_utf16(units).next();
                first.and_then(Result::ok).ok_or(NotRead::NotJson)?
            }
            _ => return Err(NotRead::NotJson),
        })
    }

    fn code_unit(&mut self) -> Result<u16, NotRead> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotRead::NotJson)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotRead::NotJson);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| NotRead::NotJson)
    }
}
