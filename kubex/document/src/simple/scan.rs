//! Tracks the collections around each line, by its indentation, and passes the nodes to a [`Sink`].
//!
//! The rule (YAML 1.1, "Block Collection Styles"): what is indented further belongs to the last key or item, which must not
//! have a value yet; what is indented the same is the next key or item; what is indented less ends the collection. The
//! dashes of a list that is a key's value may stand in the column of the key.

use super::line::{self, Content, Inline, MOST_KEYS};
use super::lines::{Line, Lines};
use super::sink::{At, Scalar, Sink};
use crate::span::Span;
use crate::style::Style;

/// The deepest nesting of a simple document.
pub(crate) const DEEPEST: usize = 24;

/// How many keys most documents have open at once.
const USUAL_KEYS: usize = 32;

/// Passes the nodes of a text to a sink. `None` if the text is not simple, or if the sink does not support it.
pub(crate) fn scan(text: &str, sink: &mut impl Sink) -> Option<()> {
    // Spans have 32 bits.
    u32::try_from(text.len()).ok()?;
    let mut lines = Lines::new(text);
    lines.skip_mark()?;
    let mut scan = Scan {
        sink,
        levels: Vec::with_capacity(DEEPEST),
        keys: Vec::with_capacity(USUAL_KEYS),
        lacks: None,
    };
    while let Some(line) = lines.next()? {
        scan.line(line, &mut lines)?;
    }
    scan.finish(At::new(lines.end()))
}

impl At {
    fn new(line: Line) -> Self {
        Self {
            line_start: line.start,
            line: line.number,
            byte: line.content,
        }
    }
}

/// A block collection that is open.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// The column of its keys or dashes.
    column: usize,
    is_list: bool,
    /// How many keys the collections around it have.
    keys_before: usize,
}

struct Scan<'s, 't, S> {
    sink: &'s mut S,
    /// The collections that are open, the outermost first.
    levels: Vec<Level>,
    /// The keys of the mappings that are open.
    keys: Vec<&'t [u8]>,
    /// Where the value of the last key or item would begin, while it has none.
    lacks: Option<usize>,
}

impl<'t, S: Sink> Scan<'_, 't, S> {
    #[inline]
    fn line(&mut self, line: Line, lines: &mut Lines<'t>) -> Option<()> {
        let mut at = At::new(line);
        let content = lines.content(line);
        match line::parse(content)? {
            Content::Entry { key, value } => {
                self.enter(at, false)?;
                self.entry(key, value, at, line.end, lines)
            }
            Content::EmptyItem => {
                self.enter(at, true)?;
                self.sink.item()?;
                self.lacks = Some(line.end);
                Some(())
            }
            Content::Item { width } => {
                self.enter(at, true)?;
                self.sink.item()?;
                at.byte += width;
                match line::parse(content.get(width..)?)? {
                    Content::Entry { key, value } => {
                        self.begin(at, false)?;
                        self.entry(key, value, at, line.end, lines)
                    }
                    Content::Text(text, style) => self.scalar(text, style, line.end),
                    Content::Item { .. } | Content::EmptyItem => None,
                }
            }
            Content::Text(..) => None,
        }
    }

    /// Ends and begins collections, so that the innermost one is that of a key or a dash at this place.
    fn enter(&mut self, at: At, is_item: bool) -> Option<()> {
        let column = at.column();
        loop {
            let Some(level) = self.levels.last().copied() else {
                // Only the first line has no collection around it.
                return if is_item { None } else { self.begin(at, false) };
            };
            let begins_list = is_item && !level.is_list && column == level.column;
            if column > level.column || begins_list {
                self.lacks.take()?;
                return self.begin(at, is_item);
            }
            self.leave_out()?;
            if column == level.column && is_item == level.is_list {
                return Some(());
            }
            if self.levels.len() == 1 {
                return None;
            }
            self.end(at)?;
        }
    }

    fn begin(&mut self, at: At, is_list: bool) -> Option<()> {
        if self.levels.len() >= DEEPEST {
            return None;
        }
        self.levels.push(Level {
            column: at.column(),
            is_list,
            keys_before: self.keys.len(),
        });
        self.sink.begin(is_list, at)
    }

    fn end(&mut self, at: At) -> Option<()> {
        let level = self.levels.pop()?;
        self.keys.truncate(level.keys_before);
        self.sink.end(at)
    }

    /// The last key or item has no value, if none has followed.
    fn leave_out(&mut self) -> Option<()> {
        match self.lacks.take() {
            Some(at) => self.sink.missing(at),
            None => Some(()),
        }
    }

    #[inline]
    fn entry(
        &mut self,
        key: &'t [u8],
        value: Inline<'t>,
        at: At,
        end: usize,
        lines: &mut Lines<'t>,
    ) -> Option<()> {
        let known = self.keys.get(self.levels.last()?.keys_before..)?;
        if known.len() >= MOST_KEYS || known.contains(&key) {
            return None;
        }
        self.keys.push(key);
        self.sink.key(key, at)?;
        match value {
            Inline::Nothing => {
                self.lacks = Some(end);
                Some(())
            }
            Inline::Scalar(text, style) => self.scalar(text, style, end),
            Inline::Empty { is_list } => self.sink.empty(is_list, Span::new(end - 2, end)),
            Inline::Block => {
                self.sink.block()?;
                lines.skip_block(at.column())
            }
        }
    }

    fn scalar(&mut self, text: &[u8], style: Style, end: usize) -> Option<()> {
        self.sink.scalar(Scalar {
            span: Span::new(end - text.len(), end),
            style,
        })
    }

    /// Ends every collection at the end of the text.
    fn finish(&mut self, at: At) -> Option<()> {
        self.leave_out()?;
        while !self.levels.is_empty() {
            self.end(at)?;
        }
        Some(())
    }
}
