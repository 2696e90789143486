//! The lines of a text that are neither blank nor comments.

/// The printable characters of ASCII, of which a simple document consists.
const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

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

/// The same byte, eight times.
pub(crate) const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// How many spaces these bytes begin with. Eight bytes are compared at once.
#[inline]
pub(crate) fn spaces(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, further)) = rest.split_first_chunk() {
        let others = u64::from_le_bytes(*chunk) ^ eight(b' ');
        if others != 0 {
            return bytes.len() - rest.len() + (others.trailing_zeros() / 8) as usize;
        }
        rest = further;
    }
    let found = rest.iter().position(|byte| *byte != b' ');
    bytes.len() - rest.len() + found.unwrap_or(rest.len())
}

/// A long line: most of them are base64.
const LONG: usize = 64;

/// How many printable characters these bytes begin with. Eight bytes are compared at once, and more of a long line.
#[inline]
fn printable(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, further)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        // Sets the highest bit of each byte that is below a space, above the tilde, or the tilde's successor. A borrow may
        // set it in further bytes too, but never in an earlier one.
        let others = word.wrapping_sub(eight(b' ')) | word | word.wrapping_add(eight(1));
        let others = others & eight(0x80);
        if others != 0 {
            return bytes.len() - rest.len() + (others.trailing_zeros() / 8) as usize;
        }
        rest = further;
        if bytes.len() - rest.len() == LONG {
            rest = skip_long(rest);
        }
    }
    let found = rest.iter().position(|byte| !is_printable(*byte));
    bytes.len() - rest.len() + found.unwrap_or(rest.len())
}

/// Skips the chunks that are printable as a whole.
fn skip_long(mut rest: &[u8]) -> &[u8] {
    while let Some((chunk, further)) = rest.split_first_chunk::<LONG>() {
        if !chunk.iter().fold(true, |all, byte| all & is_printable(*byte)) {
            break;
        }
        rest = further;
    }
    rest
}

/// Whether a text consists of printable characters of ASCII.
pub(crate) fn is_all_printable(text: &[u8]) -> bool {
    printable(text) == text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_other_byte_ends_a_run_wherever_it_is() {
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
            let text = vec![b'a'; length];
            assert_eq!(printable(&text), length);
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = text.clone();
                    text[at] = byte;
                    let expected = if is_printable(byte) { length } else { at };
                    assert_eq!(printable(&text), expected, "{byte} at {at} of {length}");
                }
            }
            for at in 0..=length {
                let mut text = vec![b' '; length];
                text[at..].fill(b'-');
                assert_eq!(spaces(&text), at);
            }
        }
    }
}
