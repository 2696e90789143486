//! TOML, whose parser tells the place of everything.

use std::ops::Range;

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result};
use toml::de::{DeTable, DeValue};

use super::{Growth, TOO_DEEP, malformed, too_deep};

pub(super) fn parse(text: &str, origin: &Origin, growth: &mut Growth) -> Result<Value> {
    // The parser bounds brackets and not dots, and what it makes of them is taken down level by level.
    if text.lines().any(has_too_many_keys) {
        return Err(too_deep(origin));
    }
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|error| {
        let origin = match error.span() {
            Some(span) => lines.place(origin.clone(), span.start),
            None => origin.clone(),
        };
        if error.message() == DUPLICATE {
            let origin = error
                .span()
                .map_or(origin.clone(), |span| origin.key(&keys_at(text, &span)));
            return Error::new(ErrorKind::DuplicateName, "the key is written twice")
                .with_origin(&origin)
                .with_help("remove one of the two");
        }
        malformed(&format!("is no valid TOML: {}", error.message()), &origin)
    })?;
    mapping(table.get_ref(), origin.clone(), 0, &lines, growth).map_err(|why| {
        if why == TOO_DEEP {
            too_deep(origin)
        } else {
            malformed(why, origin)
        }
    })
}

/// What the parser says of a key that is there already.
const DUPLICATE: &str = "duplicate key";

/// The keys that lead to one that stands there: its table's and its own.
fn keys_at(text: &str, span: &Range<usize>) -> String {
    let header = |line: &str| {
        let inner = line.trim().strip_prefix('[')?.split(']').next()?;
        Some(inner.trim_start_matches('[').trim().to_owned())
    };
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let key = text.get(span.clone()).unwrap_or_default();
    if line.trim_start().starts_with('[') {
        return header(&format!("{line}{key}")).unwrap_or_default();
    }
    match before.lines().rev().find_map(header) {
        Some(table) => format!("{table}.{key}"),
        None => key.to_owned(),
    }
}

/// Whether a line's part before its value, or its table header, has more keys than a configuration has levels.
fn has_too_many_keys(line: &str) -> bool {
    line.split(['=', '"', '\'', '#'])
        .next()
        .is_some_and(|keys| keys.matches('.').count() > super::DEEPEST)
        || line.matches("\".").count() > super::DEEPEST
        || line.matches("'.").count() > super::DEEPEST
}

fn mapping(
    table: &DeTable<'_>,
    origin: Origin,
    depth: usize,
    lines: &Lines<'_>,
    growth: &mut Growth,
) -> Result<Value, &'static str> {
    let mut entries = Vec::new();
    let mut found: Vec<_> = table.iter().collect();
    found.sort_by_key(|(key, _)| key.span().start);
    for (key, found) in found {
        let name = key.get_ref().to_string();
        let place = lines.place(origin.clone(), key.span().start).key(&name);
        entries.push((name, value(found.get_ref(), place, depth + 1, lines, growth)?));
    }
    Ok(Value::new(entries, origin))
}

fn value(
    found: &DeValue<'_>,
    origin: Origin,
    depth: usize,
    lines: &Lines<'_>,
    growth: &mut Growth,
) -> Result<Value, &'static str> {
    growth.add_value(depth)?;
    let kind: ValueKind = match found {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map(ValueKind::Integer)
            .map_err(|_| "has a number that is too large")?,
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map(ValueKind::Float)
            .map_err(|_| "has a number that cannot be read")?,
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => {
            let mut sequence = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let place = origin.clone().key(&format!("[{index}]"));
                let place = lines.place(place, item.span().start);
                sequence.push(value(item.get_ref(), place, depth + 1, lines, growth)?);
            }
            ValueKind::Sequence(sequence)
        }
        DeValue::Table(table) => return mapping(table, origin, depth, lines, growth),
    };
    Ok(Value::new(kind, origin))
}

/// Where the lines of a text begin.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after).collect(),
        }
    }

    fn place(&self, origin: Origin, at: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index));
        let before = start.and_then(|start| self.text.get(*start..at));
        let column = before.map(|before| before.chars().count() + 1);
        match (u32::try_from(line), column.map(u32::try_from)) {
            (Ok(line), Some(Ok(column))) => origin.position(line, column),
            _ => origin,
        }
    }
}
