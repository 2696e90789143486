//! What a part says that was passed over.

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};

use super::line::{self, Inline, Line};
use super::{Spot, is_json};
use crate::document;

/// How deep collections are decoded here; they were not followed deeper either.
const DEEPEST: usize = 32;

/// The value of a part of this text.
///
/// What is a text for sure, and the collections around it, are built at once. What else a value may be (a number, a word, a
/// block scalar) only the parser says, and it is asked for nothing but that.
pub(crate) fn value(spot: Spot, text: &str) -> Value {
    let part = spot.of(text);
    if is_json(text) {
        return document::json_value(part).unwrap_or_default();
    }
    let built = Lines::of(part)
        .value()
        .map(|kind| Value::new(kind, Origin::code()));
    built.or_else(|| document::value(part)).unwrap_or_default()
}

/// The part of a name that is the name as it is written, where that needs no decoding.
pub(crate) fn written(spot: Spot, text: &str) -> Option<Spot> {
    let part = spot.of(text);
    let name = if is_json(text) {
        part.strip_prefix('"')?
            .strip_suffix('"')
            .filter(|name| !name.contains('\\'))?
    } else {
        // What may follow on the next lines is blank, or a comment.
        line::text(part.lines().next()?)?
    };
    let start = spot.start() + usize::from(part.starts_with(['"', '\'']));
    Some(Spot::new(start, start, start + name.len(), spot.line()))
}

/// The lines with content of a part that was read before, so that their indentation is known to be right.
struct Lines<'t> {
    rest: std::str::Lines<'t>,
    /// The next line: its column and what stands there.
    next: Option<(usize, &'t str)>,
    depth: usize,
}

impl<'t> Lines<'t> {
    fn of(part: &'t str) -> Self {
        Self {
            rest: part.lines(),
            next: None,
            depth: 0,
        }
    }

    fn step(&mut self) {
        self.next = self.rest.by_ref().find_map(|line| {
            let content = line.trim_start_matches(' ');
            let has_content = !content.is_empty() && !content.starts_with('#');
            has_content.then_some((line.len() - content.len(), content))
        });
    }

    /// What stands behind the key, or on the lines below it.
    fn value(mut self) -> Option<ValueKind> {
        let inline = self.rest.next().unwrap_or_default().trim_start_matches(' ');
        self.step();
        match inline {
            "" => self.below(None),
            "|" | "|-" | "|+" | ">" | ">-" | ">+" => None,
            _ => scalar(inline),
        }
    }

    /// The collection on the lines that follow a key in this column, or an item; null where none follows.
    fn below(&mut self, key: Option<usize>) -> Option<ValueKind> {
        let Some((column, content)) = self.next else {
            return Some(ValueKind::Null);
        };
        let is_item = content == "-" || content.starts_with("- ");
        let is_below = key.is_none_or(|key| column > key || (column == key && is_item));
        if !is_below {
            return Some(ValueKind::Null);
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let kind = if is_item {
            self.list(column)
        } else {
            self.mapping(column)
        };
        self.depth -= 1;
        kind
    }

    fn mapping(&mut self, column: usize) -> Option<ValueKind> {
        let mut entries = Vec::new();
        while let Some((at, content)) = self.next
            && at == column
        {
            let Line::Entry { key, value } = line::of(content)? else {
                break;
            };
            self.step();
            let kind = match value {
                Inline::Nothing => self.below(Some(column))?,
                Inline::Scalar(text) => scalar(text)?,
                Inline::Block => return None,
            };
            entries.push((key.to_owned(), Value::new(kind, Origin::code())));
        }
        Some(ValueKind::Mapping(entries))
    }

    fn list(&mut self, column: usize) -> Option<ValueKind> {
        let mut items = Vec::new();
        while let Some((at, content)) = self.next
            && at == column
        {
            let kind = match line::of(content)? {
                Line::EmptyItem => {
                    self.step();
                    // The dashes of the list itself stand in this column, and are no list of the item's.
                    match self.next {
                        Some((next, _)) if next > column => self.below(None)?,
                        _ => ValueKind::Null,
                    }
                }
                Line::Item { width } => {
                    let content = content.get(width..)?;
                    match line::of(content)? {
                        Line::Text(text) => {
                            self.step();
                            scalar(text)?
                        }
                        Line::Entry { .. } => {
                            self.next = Some((column + width, content));
                            self.mapping(column + width)?
                        }
                        Line::Item { .. } | Line::EmptyItem => return None,
                    }
                }
                Line::Entry { .. } | Line::Text(_) => break,
            };
            items.push(Value::new(kind, Origin::code()));
        }
        Some(ValueKind::Sequence(items))
    }
}

fn scalar(text: &str) -> Option<ValueKind> {
    if let Some(text) = line::text(text) {
        return Some(text.into());
    }
    match text {
        "true" => Some(ValueKind::Boolean(true)),
        "false" => Some(ValueKind::Boolean(false)),
        "null" | "~" => Some(ValueKind::Null),
        "{}" => Some(ValueKind::Mapping(Vec::new())),
        "[]" => Some(ValueKind::Sequence(Vec::new())),
        _ => document::value(text).map(Value::into_kind),
    }
}
