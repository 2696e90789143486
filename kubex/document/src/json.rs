//! Reads JSON, strictly by RFC 8259. A text that is not JSON may still be YAML, which has the same brackets.

use crate::budget::Budget;
use crate::builder::{Builder, Properties, Texts, Tree};
use crate::bytes::find;
use crate::cursor::Cursor;
use crate::error::ReadError;
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
        cursor: Cursor::new(text),
        builder: Builder::new(budget, text.len()),
        decoded: &mut decoded,
    };
    reader.value()?;
    reader.cursor.skip_space();
    if reader.cursor.at < text.len() {
        return Err(NotRead::NotJson);
    }
    let tree = reader.builder.finish();
    Ok((tree, decoded))
}

struct Reader<'t, 'd> {
    cursor: Cursor<'t>,
    builder: Builder,
    decoded: &'d mut Decoded,
}

impl Reader<'_, '_> {
    fn expect(&mut self, byte: u8) -> Result<(), NotRead> {
        if self.cursor.take(byte) {
            Ok(())
        } else {
            Err(NotRead::NotJson)
        }
    }

    fn value(&mut self) -> Result<(), NotRead> {
        self.cursor.skip_space();
        let start = self.cursor.at;
        let properties = Properties {
            span: Span::new(start, start),
            anchor: None,
        };
        match self.cursor.peek() {
            b'{' => {
                self.cursor.at += 1;
                self.builder.begin(properties, true)?;
                self.members()?;
                self.end()
            }
            b'[' => {
                self.cursor.at += 1;
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
                let rest = self.cursor.text.get(start..).unwrap_or_default();
                let word = ["null", "true", "false"]
                    .iter()
                    .find(|word| rest.starts_with(**word));
                self.cursor.at += word.ok_or(NotRead::NotJson)?.len();
                self.plain(start)
            }
        }
    }

    fn end(&mut self) -> Result<(), NotRead> {
        let texts = Texts {
            text: self.cursor.text,
            decoded: self.decoded,
        };
        Ok(self.builder.end(self.cursor.at, &texts)?)
    }

    fn members(&mut self) -> Result<(), NotRead> {
        if self.cursor.take(b'}') {
            return Ok(());
        }
        loop {
            self.cursor.skip_space();
            if self.cursor.peek() != b'"' {
                return Err(NotRead::NotJson);
            }
            self.string()?;
            self.expect(b':')?;
            self.value()?;
            if self.cursor.take(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn items(&mut self) -> Result<(), NotRead> {
        if self.cursor.take(b']') {
            return Ok(());
        }
        loop {
            self.value()?;
            if self.cursor.take(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn add(&mut self, start: usize, chars: Chars, style: Style) -> Result<(), NotRead> {
        let properties = Properties {
            span: Span::new(start, self.cursor.at),
            anchor: None,
        };
        let mut texts = Texts {
            text: self.cursor.text,
            decoded: self.decoded,
        };
        Ok(self
            .builder
            .scalar(properties, chars, style, ScalarTag::None, &mut texts)?)
    }

    /// A number or a word, which mean in JSON what they mean in YAML.
    fn plain(&mut self, start: usize) -> Result<(), NotRead> {
        self.add(
            start,
            Chars::Written(Span::new(start, self.cursor.at)),
            Style::Plain,
        )
    }

    fn skip_digits(&mut self) -> Result<(), NotRead> {
        let start = self.cursor.at;
        while self.cursor.peek().is_ascii_digit() {
            self.cursor.at += 1;
        }
        if self.cursor.at == start {
            return Err(NotRead::NotJson);
        }
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), NotRead> {
        let start = self.cursor.at;
        self.cursor.at += usize::from(self.cursor.peek() == b'-');
        if self.cursor.peek() == b'0' {
            self.cursor.at += 1;
        } else {
            self.skip_digits()?;
        }
        if self.cursor.peek() == b'.' {
            self.cursor.at += 1;
            self.skip_digits()?;
        }
        if matches!(self.cursor.peek(), b'e' | b'E') {
            self.cursor.at += 1;
            self.cursor.at += usize::from(matches!(self.cursor.peek(), b'-' | b'+'));
            self.skip_digits()?;
        }
        // JSON readers do not accept a number that no float can represent.
        let number: Option<f64> = self
            .cursor
            .text
            .get(start..self.cursor.at)
            .and_then(|text| text.parse().ok());
        if number.is_some_and(f64::is_finite) {
            Ok(())
        } else {
            Err(NotRead::NotJson)
        }
    }

    fn string(&mut self) -> Result<(), NotRead> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        let mut from = self.cursor.at;
        let mut decoded_from = None;
        loop {
            let rest = self.cursor.rest();
            let passed = find(rest, |byte| byte < 0x20 || byte == b'"' || byte == b'\\');
            let passed = passed.ok_or(NotRead::NotJson)?;
            self.cursor.at += passed;
            match self.cursor.peek() {
                b'"' => break,
                b'\\' => {
                    decoded_from.get_or_insert(self.decoded.len());
                    self.decoded
                        .push_str(Span::new(from, self.cursor.at).of(self.cursor.text));
                    let meaning = self.escape()?;
                    self.decoded.push(meaning);
                    from = self.cursor.at;
                }
                _ => return Err(NotRead::NotJson),
            }
        }
        let chars = match decoded_from {
            None => Chars::Written(Span::new(from, self.cursor.at)),
            Some(decoded_from) => {
                self.decoded
                    .push_str(Span::new(from, self.cursor.at).of(self.cursor.text));
                Chars::Decoded(Span::new(decoded_from, self.decoded.len()))
            }
        };
        self.cursor.at += 1;
        self.add(start, chars, Style::DoubleQuoted)
    }

    fn escape(&mut self) -> Result<char, NotRead> {
        self.cursor.at += 1;
        let kind = self.cursor.peek();
        self.cursor.at += 1;
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
                    let rest = self.cursor.rest();
                    if !rest.starts_with(b"\\u") {
                        return Err(NotRead::NotJson);
                    }
                    self.cursor.at += 2;
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
        let digits = self
            .cursor
            .text
            .get(self.cursor.at..self.cursor.at + 4)
            .ok_or(NotRead::NotJson)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotRead::NotJson);
        }
        self.cursor.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| NotRead::NotJson)
    }
}
