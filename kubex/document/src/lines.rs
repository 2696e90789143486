//! Converts byte offsets to lines and columns, by an index of the lines.

/// A line and a column of a text, both counted from 1. Columns count characters, as in an editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The number of the line, from 1.
    pub line: u32,
    /// The number of the character in the line, from 1.
    pub column: u32,
}

impl Position {
    /// The same position, in a text with this many more lines before it.
    pub(crate) fn below(self, lines: u32) -> Self {
        Self {
            line: self.line.saturating_add(lines),
            ..self
        }
    }
}

/// The maximum number of bytes to read for one position.
const STRIDE: usize = 256;

/// The number of lines and characters at each [`STRIDE`] of the text. With it, a position is found in constant time, on a line
/// of any length.
///
/// Lines end with a line feed, alone or after a carriage return. YAML 1.1 has further line ends (U+0085, U+2028), but editors
/// do not.
#[derive(Debug)]
pub(crate) struct Lines {
    marks: Vec<Mark>,
}

/// The counts at one place.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// How many lines end before it.
    lines: u32,
    /// Characters since the beginning of its line.
    characters: u32,
}

impl Mark {
    /// The same after these bytes.
    fn after(self, bytes: &[u8]) -> Self {
        let of_characters = |bytes: &[u8]| {
            // Most text is ASCII. Checking that is much faster than counting characters.
            if bytes.is_ascii() {
                narrow(bytes.len())
            } else {
                narrow(bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count())
            }
        };
        match memchr::memrchr(b'\n', bytes) {
            None => Self {
                lines: self.lines,
                characters: self.characters.saturating_add(of_characters(bytes)),
            },
            Some(last) => Self {
                lines: self
                    .lines
                    .saturating_add(narrow(memchr::memchr_iter(b'\n', bytes).count())),
                characters: of_characters(bytes.get(last + 1..).unwrap_or_default()),
            },
        }
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let mut mark = Mark::default();
        let chunks = text.as_bytes().chunks(STRIDE);
        let marks = chunks.map(|chunk| {
            let before = mark;
            mark = mark.after(chunk);
            before
        });
        Self {
            marks: marks.collect(),
        }
    }

    /// The position of a byte of the text that this was made of.
    pub(crate) fn position(&self, text: &str, offset: usize) -> Position {
        let offset = offset.min(text.len());
        let (index, mark) = match self.marks.get(offset / STRIDE) {
            Some(mark) => (offset / STRIDE, *mark),
            // The end of a text whose length is a multiple of the stride.
            None => match self.marks.len().checked_sub(1) {
                Some(last) => (last, self.marks.get(last).copied().unwrap_or_default()),
                None => (0, Mark::default()),
            },
        };
        let passed = text.as_bytes().get(index * STRIDE..offset).unwrap_or_default();
        let mark = mark.after(passed);
        Position {
            line: mark.lines.saturating_add(1),
            column: mark.characters.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_that_an_editor_counts() {
        let text = "añb\r\n日本: x\n\n".to_owned() + &"é".repeat(2000) + "\n" + &"y\n".repeat(700);
        let lines = Lines::new(&text);
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let found = lines.position(&text, offset);
            assert_eq!((found.line as usize, found.column as usize), (line, column));
        }
    }

    #[test]
    fn an_empty_text_and_one_of_a_whole_stride_have_an_end() {
        assert_eq!(Lines::new("").position("", 0), Position { line: 1, column: 1 });
        let text = "a".repeat(STRIDE);
        assert_eq!(
            Lines::new(&text).position(&text, text.len()),
            Position { line: 1, column: 257 }
        );
    }
}
