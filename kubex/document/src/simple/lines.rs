//! The lines of a text that are neither blank nor comments.

use crate::bytes::{printable, spaces};

/// A line with content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) start: usize,
    /// Where its content begins, after the indentation.
    pub(super) content: usize,
    pub(super) end: usize,
    /// Counted from 1.
    pub(super) number: u32,
}

/// Goes through the lines of a text.
pub(super) struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    count: u32,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            count: 0,
        }
    }

    /// The content of a line.
    pub(super) fn content(&self, line: Line) -> &'t [u8] {
        self.text.get(line.content..line.end).unwrap_or_default()
    }

    /// The end of the text.
    pub(super) fn end(&self) -> Line {
        let end = self.text.len();
        Line {
            start: end,
            content: end,
            end,
            number: self.count + 1,
        }
    }

    /// Skips the mark that begins a document.
    pub(super) fn skip_mark(&mut self) -> Option<()> {
        let before = (self.at, self.count);
        if let Some(first) = self.next()?
            && (first.start != first.content || self.content(first) != b"---")
        {
            (self.at, self.count) = before;
        }
        Some(())
    }

    /// The next line with content. The outer `None` is a line with a character that is not simple.
    #[expect(clippy::option_option, reason = "private, and both are read by `?`")]
    #[inline]
    pub(super) fn next(&mut self) -> Option<Option<Line>> {
        while self.at < self.text.len() {
            let line = self.line()?;
            if line.content < line.end && self.text.get(line.content) != Some(&b'#') {
                return Some(Some(line));
            }
        }
        Some(None)
    }

    /// The next line of any kind. `None` if a character of it is not simple.
    #[inline]
    fn line(&mut self) -> Option<Line> {
        let start = self.at;
        let content = start + spaces(self.text.get(start..)?);
        let end = content + printable(self.text.get(content..)?);
        self.at = match self.text.get(end..) {
            None | Some([]) => end,
            Some([b'\n', ..]) => end + 1,
            Some([b'\r', b'\n', ..]) => end + 2,
            Some(_) => return None,
        };
        self.count += 1;
        Some(Line {
            start,
            content,
            end,
            number: self.count,
        })
    }

    /// Skips a block scalar whose key stands in this column. Its first line determines its indentation.
    pub(super) fn skip_block(&mut self, column: usize) -> Option<()> {
        let mut indentation = None;
        loop {
            let before = (self.at, self.count);
            if self.at >= self.text.len() {
                return Some(());
            }
            let line = self.line()?;
            let spaces = line.content - line.start;
            if line.content == line.end {
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
        }
    }
}
