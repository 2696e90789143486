//! Going through a document line by line.

use memchr::memchr;

use super::line::{self, Inline, Line};
use super::outline::Outline;

/// The lists whose items are told apart.
const LISTS: &[&str] = &["contexts", "clusters", "users"];

/// How many lines are gone through; the parser has bounds of its own for longer documents.
const MOST_LINES: u32 = 2_000_000;

/// A part of the text, and the line that it begins on, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Where the key of it stands, or itself where it has none.
    pub(crate) key: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: u32,
}

impl Spot {
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// What stands under a key at the top of the document.
#[derive(Debug)]
pub(crate) enum Part {
    /// The items of one of the three lists.
    Items(Vec<Item>),
    /// Anything else: where its text is.
    Value(Spot),
}

/// An item of a list: where it begins, where the text of its name is, of its content, and its other keys.
#[derive(Debug, Default)]
pub(crate) struct Item {
    pub(crate) spot: Spot,
    pub(crate) name: Option<Spot>,
    pub(crate) content: Option<Spot>,
    pub(crate) others: Vec<Spot>,
    /// An item without any key is none.
    pub(crate) is_mapping: bool,
}

/// The keys at the top of a document and what is under them, in the order it is written; `None` where it is in
/// another form than the one that is understood, be it valid or not.
pub(crate) fn read(text: &str) -> Option<Vec<(&str, Part)>> {
    let mut reader = Reader {
        text,
        outline: Outline::default(),
        parts: Vec::new(),
        open: None,
    };
    let mut lines = Lines {
        text,
        at: 0,
        count: 0,
    };
    lines.skip_beginning()?;
    while let Some(at) = lines.next()? {
        reader.line(&at, &mut lines)?;
    }
    reader.end_value(text.len());
    reader.end_item(text.len());
    Some(reader.parts)
}

/// Where a line with content is.
struct At {
    /// Where the line begins, and where its first character is.
    line: usize,
    start: usize,
    end: usize,
    /// Which line it is, counted from 1.
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

    /// The next line that is neither blank nor a comment. The outer `None` is for one that is not understood.
    #[expect(clippy::option_option, reason = "private, and both are read by `?`")]
    fn next(&mut self) -> Option<Option<At>> {
        while let Some((line, end)) = self.line() {
            let bytes = self.text.as_bytes().get(line..end)?;
            let column = bytes.iter().take_while(|byte| **byte == b' ').count();
            let content = bytes.get(column..)?;
            if content.is_empty() {
                continue;
            }
            if self.count > MOST_LINES || !line::is_all_printable(content) {
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

    /// Goes behind a block scalar whose key stands in this column. Its first line says how far it is indented.
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
                // Before the first line, or with more spaces than it, blank lines have rules of their own.
                if spaces > 0 || indentation.is_none() {
                    return None;
                }
                continue;
            }
            let least = *indentation.get_or_insert(spaces);
            if least <= column {
                // The scalar is empty.
                (self.at, self.count) = before;
                return Some(());
            }
            if spaces < least {
                (self.at, self.count) = before;
                return (spaces <= column).then_some(());
            }
            if !line::is_all_printable(content) {
                return None;
            }
        }
    }
}

/// A value that is being gone through.
#[derive(Clone, Copy)]
struct Open {
    key: usize,
    start: usize,
    line: u32,
    /// How many collections its key is in.
    depth: usize,
    of: Field,
}

/// Whose value it is.
#[derive(Clone, Copy)]
enum Field {
    Part,
    Name,
    Content,
    Other,
}

struct Reader<'t> {
    text: &'t str,
    outline: Outline<'t>,
    parts: Vec<(&'t str, Part)>,
    open: Option<Open>,
}

impl<'t> Reader<'t> {
    fn line(&mut self, at: &At, lines: &mut Lines<'t>) -> Option<()> {
        let mut start = at.start;
        let mut column = at.start - at.line;
        let mut line = line::of(self.text.get(start..at.end)?)?;
        self.outline.take(line, column)?;
        if self.open.is_some_and(|open| self.outline.depth() <= open.depth) {
            self.end_value(at.line);
        }
        if self.outline.depth() <= 2 {
            self.end_item(at.line);
        }
        let is_item = matches!(line, Line::Item { .. } | Line::EmptyItem);
        // A list in the place of an entry is the parser's to refuse.
        if is_item && self.outline.depth() == 3 && self.items().is_some() {
            return None;
        }
        if is_item && self.outline.depth() == 2 {
            self.items()?.push(Item::default());
            if line == Line::EmptyItem {
                self.begin_item(at.start, at.number);
            }
        }
        if let Line::Item { width } = line {
            start += width;
            column += width;
            line = line::of(self.text.get(start..at.end)?)?;
            // A list of texts is none of entries.
            if matches!(line, Line::Text(_)) && self.outline.depth() == 2 {
                return None;
            }
            if self.outline.depth() == 2 {
                self.begin_item(start, at.number);
            }
            self.outline.take_behind_dash(line, column)?;
        }
        if let Line::Entry { key, value } = line {
            self.entry(start, key, value, at)?;
            if value == Inline::Block {
                lines.skip_block(column)?;
            }
        }
        Some(())
    }

    /// The items of the list that is being gone through.
    fn items(&mut self) -> Option<&mut Vec<Item>> {
        match self.parts.last_mut()? {
            (_, Part::Items(items)) => Some(items),
            (_, Part::Value(_)) => None,
        }
    }

    /// The item that was pushed last begins there.
    fn begin_item(&mut self, start: usize, line: u32) {
        if let Some((_, Part::Items(items))) = self.parts.last_mut()
            && let Some(item) = items.last_mut()
        {
            item.spot = Spot {
                key: start,
                start,
                end: start,
                line,
            };
        }
    }

    /// The last item, if it has not ended before, ends there.
    fn end_item(&mut self, end: usize) {
        if let Some((_, Part::Items(items))) = self.parts.last_mut()
            && let Some(item) = items.last_mut()
            && item.spot.end == item.spot.start
        {
            item.spot.end = end;
        }
    }

    fn end_value(&mut self, end: usize) {
        let Some(open) = self.open.take() else { return };
        let range = Spot {
            key: open.key,
            start: open.start,
            end,
            line: open.line,
        };
        match (open.of, self.parts.last_mut()) {
            (Field::Part, Some((_, Part::Value(value)))) => *value = range,
            (Field::Name, Some((_, Part::Items(items)))) => {
                if let Some(item) = items.last_mut() {
                    item.name = Some(range);
                }
            }
            (Field::Content, Some((_, Part::Items(items)))) => {
                if let Some(item) = items.last_mut() {
                    item.content = Some(range);
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, start: usize, key: &'t str, value: Inline<'_>, at: &At) -> Option<()> {
        let spot = |value, end| Spot {
            key: start,
            start: value,
            end,
            line: at.number,
        };
        let value_start = match value {
            Inline::Nothing => at.end,
            Inline::Scalar(scalar) => at.end - scalar.len(),
            Inline::Block => start + key.len() + 1,
        };
        let depth = self.outline.depth();
        let of = match depth {
            1 => {
                let is_list = LISTS.contains(&key) && value == Inline::Nothing;
                let part = if is_list {
                    Part::Items(Vec::new())
                } else {
                    Part::Value(spot(value_start, at.end))
                };
                self.parts.push((key, part));
                Field::Part
            }
            // A mapping in the place of one of the lists is the parser's to refuse.
            2 if matches!(self.parts.last(), Some((_, Part::Items(_)))) => return None,
            3 => {
                let Some((list, Part::Items(items))) = self.parts.last_mut() else {
                    return Some(());
                };
                let inner = list.strip_suffix('s')?;
                let item = items.last_mut()?;
                item.is_mapping = true;
                if key == "name" {
                    Field::Name
                } else if key == inner {
                    Field::Content
                } else {
                    item.others.push(spot(start, start + key.len()));
                    Field::Other
                }
            }
            _ => return Some(()),
        };
        self.open = Some(Open {
            key: start,
            start: value_start,
            line: at.number,
            depth,
            of,
        });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let slice = |spot: &Spot| spot.of(text).trim().replace('\n', "|");
        let parts = read(text)?;
        let parts = parts.iter().map(|(key, part)| match part {
            Part::Value(spot) => format!("{key}={}", slice(spot)),
            Part::Items(items) => {
                let items = items.iter().map(|item| {
                    let field = |spot: &Option<Spot>| spot.as_ref().map_or("-".into(), slice);
                    format!("{}:{}", field(&item.name), field(&item.content))
                });
                format!("{key}=[{}]", items.collect::<Vec<_>>().join(", "))
            }
        });
        Some(parts.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn entries_are_found_in_each_form_that_tools_write() {
        for (text, expected) in [
            (
                "apiVersion: v1\nclusters:\n- cluster:\n    server: s\n  name: a\ncurrent-context: a\n",
                "apiVersion=v1; clusters=[a:server: s]; current-context=a",
            ),
            (
                "---\n# x\nusers:\n  - name: a\n    user:\n      token: t\n\n      exec:\n        args:\n        - b\n        \
                 - c\n  - name: b\n    user: {}\npreferences: {}\n",
                "users=[a:token: t||      exec:|        args:|        - b|        - c, b:{}]; preferences={}",
            ),
            (
                "contexts:\n-\n  name: a\n  context:\n    cluster: c\nusers:\n- name: b\n  user:\n    token: |\n      \
                 x: y\n      # z\n- name: c\n",
                "contexts=[a:cluster: c]; users=[b:token: ||      x: y|      # z, c:-]",
            ),
            ("users:\nclusters: []\n", "users=[]; clusters=[]"),
            ("", ""),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_left_to_the_parser() {
        for text in [
            "a: b\na: c\n",
            "users:\n- name: a\n  name: b\n",
            "users:\n- a\n",
            "users:\n  a: b\n",
            "- a\n",
            " a: b\n",
            "a: b\n  c: d\n",
            "a:\n  b: c\n d: e\n",
            "a: b\n---\nc: d\n",
            "a: b\n...\n",
            "a:\n\tb: c\n",
            "a: ü\n",
            "a: |\n\n  b\n",
            "a: |\n    b\n  c\n",
            "{a: b}\n",
            "a\n",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
