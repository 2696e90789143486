//! The outline of simple YAML.

use super::field::{OutlinedField, OutlinedItem, Slice};
use super::{NAME, most_items};
use crate::lines::Position;
use crate::simple::{At, Scalar, Sink, is_certainly_text, scan};
use crate::span::Span;

/// How deep the items of a list are, as the number of collections around their keys: the document's own mapping, the
/// list, and the item.
const ITEM: usize = 3;
const LIST: usize = 2;
const TOP: usize = 1;

/// The top-level fields of a document, in order. `None` if the document is not simple.
pub(super) fn read(text: &str, lists: &[&str]) -> Option<Vec<OutlinedField>> {
    let mut sink = OutlineSink {
        text,
        lists,
        depth: 0,
        fields: Vec::with_capacity(8),
        is_in_list: false,
        is_name: false,
        items_left: most_items(text.len()),
    };
    scan(text, &mut sink)?;
    sink.end_field(text.len());
    Some(sink.fields)
}

struct OutlineSink<'t> {
    text: &'t str,
    lists: &'t [&'t str],
    depth: usize,
    fields: Vec<OutlinedField>,
    /// Whether the last field is one of the lists.
    is_in_list: bool,
    /// Whether the last key is the name of an item.
    is_name: bool,
    items_left: usize,
}

impl OutlineSink<'_> {
    fn items(&mut self) -> Option<&mut Vec<OutlinedItem>> {
        match self.fields.last_mut() {
            Some(OutlinedField::List(_, items)) => Some(items),
            _ => None,
        }
    }

    /// A value that is neither a mapping nor a list. The lists themselves and their items must not be one, and a name is
    /// a text.
    #[inline]
    fn other_value(&self) -> Option<()> {
        (!self.is_in_list || self.depth >= ITEM && !self.is_name).then_some(())
    }

    fn begin_field(&mut self, key: &[u8], at: At) -> Option<()> {
        let list = self.lists.iter().position(|list| list.as_bytes() == key);
        self.is_in_list = list.is_some();
        if let Some(index) = list {
            self.end_field(at.line_start);
            self.fields.push(OutlinedField::List(index, Vec::new()));
        } else if !matches!(self.fields.last(), Some(OutlinedField::Values(_))) {
            self.fields.push(OutlinedField::Values(Slice::begin(at)?));
        }
        Some(())
    }

    /// The last field ends there.
    fn end_field(&mut self, end: usize) {
        if let Some(OutlinedField::Values(slice)) = self.fields.last_mut() {
            slice.span = Span::new(slice.span.start(), end);
        }
    }
}

impl Slice {
    fn begin(at: At) -> Option<Self> {
        let start = Position {
            line: at.line,
            column: u32::try_from(at.column()).ok()?.checked_add(1)?,
        };
        let span = Span::new(at.byte, at.byte);
        Some(Self { span, start })
    }
}

impl Sink for OutlineSink<'_> {
    #[inline]
    fn begin(&mut self, is_list: bool, at: At) -> Option<()> {
        self.depth += 1;
        match self.depth {
            _ if self.is_name => None,
            TOP => (at.column() == 0).then_some(()),
            LIST if self.is_in_list => is_list.then_some(()),
            ITEM if self.is_in_list => (!is_list).then_some(()),
            _ => Some(()),
        }
    }

    #[inline]
    fn end(&mut self, at: At) -> Option<()> {
        if self.depth == ITEM
            && self.is_in_list
            && let Some(slice) = self.items()?.last_mut()?.slice.as_mut()
        {
            slice.span = Span::new(slice.span.start(), at.line_start);
        }
        self.depth -= 1;
        Some(())
    }

    #[inline]
    fn item(&mut self) -> Option<()> {
        if self.depth == LIST && self.is_in_list {
            self.items_left = self.items_left.checked_sub(1)?;
            self.items()?.push(OutlinedItem::default());
        }
        Some(())
    }

    #[inline]
    fn key(&mut self, key: &[u8], at: At) -> Option<()> {
        if self.depth == TOP {
            self.begin_field(key, at)?;
        } else if self.depth == ITEM && self.is_in_list {
            self.is_name = key == NAME.as_bytes();
            let slice = &mut self.items()?.last_mut()?.slice;
            if slice.is_none() {
                *slice = Some(Slice::begin(at)?);
            }
        }
        Some(())
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar) -> Option<()> {
        if self.is_name {
            self.is_name = false;
            let text = scalar.chars().of(self.text).as_bytes();
            let is_text = is_certainly_text(text, scalar.style);
            self.items()?.last_mut()?.name = is_text.then(|| scalar.chars())?;
            return Some(());
        }
        self.other_value()
    }

    #[inline]
    fn missing(&mut self, _: usize) -> Option<()> {
        (!self.is_name).then_some(())
    }

    #[inline]
    fn empty(&mut self, is_list: bool, _: Span) -> Option<()> {
        let is_empty_list = is_list && self.depth == TOP;
        if is_empty_list {
            Some(())
        } else {
            self.other_value()
        }
    }

    #[inline]
    fn block(&mut self) -> Option<()> {
        self.other_value()
    }
}
