//! Reads TOML into the same tree, with the crate `toml`, which reports the position of each key and value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use zeroize::Zeroizing;

use crate::budget::Budget;
use crate::builder::{Builder, Properties, Texts, Tree};
use crate::error::{Problem, ReadError};
use crate::lines::Lines;
use crate::span::{Chars, Span};
use crate::style::Style;
use crate::tag::ScalarTag;
use crate::text::Decoded;

/// Reads a document.
pub(crate) fn parse(text: &str, budget: &Budget) -> Result<(Tree, Decoded), ReadError> {
    // The parser does not limit dotted keys, and recurses into each level.
    let too_deep = text
        .lines()
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len() + 1;
            Some((start, line))
        })
        .find(|(_, line)| has_too_many_keys(line, budget.depth));
    if let Some((at, _)) = too_deep {
        return Err(ReadError::new(Problem::TooDeep(budget.depth), at));
    }
    if kubex_core::text::is_nested_deeper_than(budget.depth, text) {
        return Err(ReadError::new(Problem::TooDeep(budget.depth), 0));
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        let span = error.span().unwrap_or_default();
        let problem = match DuplicateKey::find(text, span.clone()) {
            Some(DuplicateKey { keys, first }) => Problem::TomlDuplicateKey {
                keys,
                first_line: Lines::new(text).position(text, first).line,
            },
            None => Problem::Toml(error.message().to_owned()),
        };
        return Err(ReadError::new(problem, span.start));
    }
    let mut decoded = Decoded::default();
    let mut reader = Reader {
        text,
        builder: Builder::new(budget, text.len()),
        decoded: &mut decoded,
    };
    reader.table(table.get_ref(), Span::new(0, 0))?;
    let tree = reader.builder.finish();
    Ok((tree, decoded))
}

/// Whether a line's part before its value, or its table header, has more keys than there may be levels.
fn has_too_many_keys(line: &str, deepest: usize) -> bool {
    line.split(['=', '"', '\'', '#'])
        .next()
        .is_some_and(|keys| keys.matches('.').count() > deepest)
        || line.matches("\".").count() > deepest
        || line.matches("'.").count() > deepest
}

/// A key that the parser refuses because its table already has it.
struct DuplicateKey {
    /// The keys that lead to it, and its own.
    keys: Vec<String>,
    /// Where the first one is written.
    first: usize,
}

impl DuplicateKey {
    /// The duplicate key at this position, if there is one. To check that, the key is renamed: then the parser must
    /// accept the document, and the table must contain the original name.
    fn find(text: &str, span: Range<usize>) -> Option<Self> {
        let (before, written, after) = (
            text.get(..span.start)?,
            text.get(span.clone())?,
            text.get(span.end..)?,
        );
        // No run of dashes in the text is as long, so the name is free.
        let longest = text.split(|c| c != '-').map(str::len).max().unwrap_or_default();
        let free = format!("free{}", "-".repeat(longest + 1));
        let renamed = Zeroizing::new([before, &free, after].concat());
        let (table, errors) = DeTable::parse_recoverable(&renamed);
        let is_taken = errors
            .first()
            .and_then(toml::de::Error::span)
            .is_none_or(|error| error.start > span.start);
        let (table, mut keys) = Self::table_of(table.get_ref(), &free).filter(|_| is_taken)?;
        let assignment = Zeroizing::new(format!("{written} = 0"));
        let name = DeTable::parse(&assignment).ok()?;
        let name = name.get_ref().keys().next()?.get_ref().to_string();
        let (first, _) = table.get_key_value(name.as_str())?;
        keys.push(name);
        let first = first.span().start;
        Some(Self { keys, first })
    }

    /// The table that has a key of this name, and the keys that lead to it.
    fn table_of<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<(&'t DeTable<'i>, Vec<String>)> {
        if table.contains_key(name) {
            return Some((table, Vec::new()));
        }
        table.iter().find_map(|(key, value)| {
            let (table, mut keys) = match value.get_ref() {
                DeValue::Table(table) => Self::table_of(table, name)?,
                DeValue::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
                    let DeValue::Table(table) = item.get_ref() else {
                        return None;
                    };
                    let (table, mut keys) = Self::table_of(table, name)?;
                    keys.insert(0, format!("[{index}]"));
                    Some((table, keys))
                })?,
                _ => return None,
            };
            keys.insert(0, key.get_ref().to_string());
            Some((table, keys))
        })
    }
}

struct Reader<'t, 'd> {
    text: &'t str,
    builder: Builder,
    decoded: &'d mut Decoded,
}

impl Reader<'_, '_> {
    fn table(&mut self, table: &DeTable<'_>, span: Span) -> Result<(), ReadError> {
        let properties = Properties { span, anchor: None };
        self.builder.begin(properties, true)?;
        let mut entries: Vec<(&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let span = key.span();
            self.text(
                key.get_ref(),
                Span::new(span.start, span.end),
                Style::DoubleQuoted,
            )?;
            self.value(value)?;
        }
        self.end(span.end())
    }

    fn end(&mut self, at: usize) -> Result<(), ReadError> {
        let texts = Texts {
            text: self.text,
            decoded: self.decoded,
        };
        self.builder.end(at, &texts)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Result<(), ReadError> {
        let span = Span::new(value.span().start, value.span().end);
        match value.get_ref() {
            DeValue::String(text) => self.text(text, span, Style::DoubleQuoted),
            DeValue::Boolean(value) => self.text(if *value { "true" } else { "false" }, span, Style::Plain),
            DeValue::Integer(number) => {
                let number = i128::from_str_radix(number.as_str(), number.radix());
                let number = number.map_err(|_| {
                    let why = "a number is too large".to_owned();
                    ReadError::new(Problem::Toml(why), span.start())
                })?;
                self.text(&number.to_string(), span, Style::Plain)
            }
            DeValue::Float(number) => match number.as_str() {
                "inf" | "+inf" => self.text(".inf", span, Style::Plain),
                "-inf" => self.text("-.inf", span, Style::Plain),
                "nan" | "+nan" | "-nan" => self.text(".nan", span, Style::Plain),
                number => self.text(number, span, Style::Plain),
            },
            DeValue::Datetime(moment) => self.text(&moment.to_string(), span, Style::DoubleQuoted),
            DeValue::Array(items) => {
                let properties = Properties { span, anchor: None };
                self.builder.begin(properties, false)?;
                for item in items {
                    self.value(item)?;
                }
                self.end(span.end())
            }
            DeValue::Table(table) => self.table(table, span),
        }
    }

    /// Adds a scalar. Its text is not copied if the document contains it unchanged.
    fn text(&mut self, text: &str, span: Span, style: Style) -> Result<(), ReadError> {
        let written = span.of(self.text);
        let inner = written
            .get(1..written.len().saturating_sub(1))
            .unwrap_or_default();
        let chars = if written == text {
            Chars::Written(span)
        } else if inner == text && !text.is_empty() {
            Chars::Written(Span::new(span.start() + 1, span.end() - 1))
        } else {
            let from = self.decoded.len();
            self.decoded.push_str(text);
            Chars::Decoded(Span::new(from, self.decoded.len()))
        };
        let properties = Properties { span, anchor: None };
        let mut texts = Texts {
            text: self.text,
            decoded: self.decoded,
        };
        self.builder
            .scalar(properties, chars, style, ScalarTag::None, &mut texts)
    }
}
