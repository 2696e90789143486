//! Scans a YAML document line by line.

use kubex_document::{Position, Span};
use memchr::memchr;

use super::field::{Item, RawField, Slice};
use super::levels::Levels;
use super::line::{self, Inline, Line};
use crate::section::Section;

/// How many bytes a document must have for each of its items to be outlined: an item costs about 130 bytes of memory,
/// however short its text is. The minimum is for the smallest documents that are outlined.
pub(super) const BYTES_FOR_AN_ITEM: usize = 64;
pub(super) const MIN_ITEMS: usize = 64;

/// The top-level fields of a document, in order. `None` if the document is outside of the subset, whether valid or not.
pub(crate) fn read(text: &str) -> Option<Vec<RawField>> {
    u32::try_from(text.len()).ok()?;
    let mut scan = Scan {
        text,
        levels: Levels::default(),
        fields: Vec::new(),
        items: 0,
        most_items: (text.len() / BYTES_FOR_AN_ITEM).max(MIN_ITEMS),
    };
    let mut lines = Lines {
        text,
        at: 0,
        count: 0,
    };
    lines.skip_beginning()?;
    while let Some(at) = lines.next()? {
        scan.line(&at, &mut lines)?;
    }
    scan.end_item(text.len());
    scan.end_field(text.len());
    Some(scan.fields)
}

/// Where a line with content is.
struct At {
    /// Where the line begins, and where its first character is.
    line: usize,
    start: usize,
    end: usize,
    /// The number of the line, counted from 1.
    number: u32,
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
    count: u32,
}

impl Lines<'_> {
    /// Comments and the mark that begins a document.
    fn skip_beginning(&mut self) -> Option<()> {
        let before = (self.at, self.count);
        if let Some(first) = self.next()?
            && self.text.get(first.line..first.end)? != "---"
        {
            (self.at, self.count) = before;
        }
        Some(())
    }

    /// The next line that is neither blank nor a comment. The outer `None` means a line outside of the subset.
    #[expect(clippy::option_option, reason = "private, and both are read by `?`")]
    fn next(&mut self) -> Option<Option<At>> {
        while let Some((line, end)) = self.line() {
            let bytes = self.text.as_bytes().get(line..end)?;
            let column = bytes.iter().take_while(|byte| **byte == b' ').count();
            let content = bytes.get(column..)?;
            if content.is_empty() {
                continue;
            }
            if !line::is_all_printable(content) {
                return None;
            }
            if content.first() != Some(&b'#') {
                return Some(Some(At {
                    line,
                    start: line + column,
                    end,
                    number: self.count,
                }));
            }
        }
        Some(None)
    }

    /// Where the next line is, without its end.
    fn line(&mut self) -> Option<(usize, usize)> {
        let rest = self.text.as_bytes().get(self.at..)?;
        if rest.is_empty() {
            return None;
        }
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = self.at;
        self.at = line + length + 1;
        self.count += 1;
        let has_return = length > 0 && rest.get(length - 1) == Some(&b'\r') && length < rest.len();
        Some((line, line + length - usize::from(has_return)))
    }

    /// Skips a block scalar whose key stands in this column. Its first line determines its indentation.
    fn skip_block(&mut self, column: usize) -> Option<()> {
        let mut indentation = None;
        loop {
            let before = (self.at, self.count);
            let Some((line, end)) = self.line() else {
                return Some(());
            };
            let bytes = self.text.as_bytes().get(line..end)?;
            let spaces = bytes.iter().take_while(|byte| **byte == b' ').count();
            let content = bytes.get(spaces..)?;
            if content.is_empty() {
                // Blank lines before the first line, or with more spaces than it, have special rules.
                if spaces > 0 || indentation.is_none() {
                    return None;
                }
                continue;
            }
            let least = *indentation.get_or_insert(spaces);
            if least <= column || spaces < least {
                // The scalar is empty, or ends here.
                (self.at, self.count) = before;
                return (spaces <= column).then_some(());
            }
            if !line::is_all_printable(content) {
                return None;
            }
        }
    }
}

struct Scan<'t> {
    text: &'t str,
    levels: Levels<'t>,
    fields: Vec<RawField>,
    items: usize,
    most_items: usize,
}

impl<'t> Scan<'t> {
    fn line(&mut self, at: &At, lines: &mut Lines<'t>) -> Option<()> {
        let mut start = at.start;
        let mut column = at.start - at.line;
        let mut line = line::parse(self.text.get(start..at.end)?)?;
        self.levels.take(line, column)?;
        let depth = self.levels.depth();
        if depth <= 2 {
            self.end_item(at.line);
        }
        let is_item = matches!(line, Line::Item { .. } | Line::EmptyItem);
        if let (2 | 3, Some(RawField::List(_, items))) = (depth, self.fields.last_mut()) {
            match (depth, is_item) {
                (2, true) => {
                    items.push(Item::default());
                    self.items += 1;
                    if self.items > self.most_items {
                        return None;
                    }
                }
                // A mapping instead of the list, or a list instead of an item, is outside of the subset.
                (2, false) | (_, true) => return None,
                (_, false) => {}
            }
        }
        if let Line::Item { width } = line {
            start += width;
            column += width;
            line = line::parse(self.text.get(start..at.end)?)?;
            let is_in_list = depth == 2 && matches!(self.fields.last(), Some(RawField::List(..)));
            if is_in_list && matches!(line, Line::Text(_)) {
                return None;
            }
            self.levels.take_behind_dash(line, column)?;
        }
        if let Line::Entry { key, value } = line {
            let place = Position {
                line: at.number,
                column: u32::try_from(column).ok()?.checked_add(1)?,
            };
            let slice = Slice {
                span: Span::new(start, start),
                start: place,
            };
            match self.levels.depth() {
                1 => self.begin_field(key, value, slice)?,
                3 => self.item_entry(key, value, slice, at.end)?,
                _ => {}
            }
            if value == Inline::Block {
                lines.skip_block(column)?;
            }
        }
        Some(())
    }

    fn begin_field(&mut self, key: &str, value: Inline<'_>, slice: Slice) -> Option<()> {
        self.end_field(slice.span.start());
        self.fields.push(match (Section::from_list(key), value) {
            (None, _) => RawField::Value(slice),
            (Some(section), Inline::Nothing | Inline::Scalar("[]")) => RawField::List(section, Vec::new()),
            (Some(_), _) => return None,
        });
        Some(())
    }

    /// The last field ends there.
    fn end_field(&mut self, end: usize) {
        if let Some(RawField::Value(slice)) = self.fields.last_mut() {
            slice.span = Span::new(slice.span.start(), end);
        }
    }

    /// A key of the last item of a list, and its value, whose line ends there.
    fn item_entry(&mut self, key: &str, value: Inline<'_>, slice: Slice, line_end: usize) -> Option<()> {
        let Some(RawField::List(_, items)) = self.fields.last_mut() else {
            return Some(());
        };
        let item = items.last_mut()?;
        item.slice.get_or_insert(slice);
        if key == "name" {
            let Inline::Scalar(written) = value else {
                return None;
            };
            let name = line::text(written)?;
            let start = line_end - written.len() + usize::from(name.len() < written.len());
            item.name = Span::new(start, start + name.len());
        }
        Some(())
    }

    /// The last item ends there, unless it has ended before.
    fn end_item(&mut self, end: usize) {
        if let Some(RawField::List(_, items)) = self.fields.last_mut()
            && let Some(Item {
                slice: Some(slice), ..
            }) = items.last_mut()
            && slice.span.is_empty()
        {
            slice.span = Span::new(slice.span.start(), end);
        }
    }
}
