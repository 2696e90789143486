//! A cursor that moves forward in a text. It counts bytes, characters, lines and columns as YAML 1.1 does.

use crate::bytes::find;

/// Whether a byte may matter within a scalar; `0xc2` and `0xe2` begin the line ends beyond ASCII.
fn is_special(byte: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "each byte is an index of the table")]
    const SPECIAL: [bool; 256] = {
        let mut special = [false; 256];
        let mut bytes: &[u8] = b"\t\n\r \"',:[\\]{}\xc2\xe2";
        while let [byte, rest @ ..] = bytes {
            special[*byte as usize] = true;
            bytes = rest;
        }
        special
    };
    // A table is faster than this many comparisons.
    SPECIAL.get(usize::from(byte)).copied().unwrap_or_default()
}

/// A position in a text. The text contains no NUL, which represents its end.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Bytes before it that are not the first of a character.
    continuations: usize,
    line: usize,
    /// The character that its line begins with.
    line_start: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            continuations: 0,
            line: 0,
            line_start: 0,
        }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The current offset in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The current offset in characters.
    pub(super) fn character(&self) -> usize {
        self.at - self.continuations
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Characters since the beginning of the line.
    pub(super) fn column(&self) -> usize {
        self.character() - self.line_start
    }

    /// Returns the byte that is this far ahead; zero after the end.
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn is(&self, byte: u8) -> bool {
        self.peek(0) == byte
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// A space or a tab.
    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), b' ' | b'\t')
    }

    /// How many bytes end the line ahead; none where no line ends there.
    pub(super) fn break_length(&self, ahead: usize) -> usize {
        match self.peek(ahead) {
            b'\r' if self.peek(ahead + 1) == b'\n' => 2,
            b'\n' | b'\r' => 1,
            0xc2 if self.peek(ahead + 1) == 0x85 => 2,
            0xe2 if self.peek(ahead + 1) == 0x80 && matches!(self.peek(ahead + 2), 0xa8 | 0xa9) => 3,
            _ => 0,
        }
    }

    pub(super) fn is_break(&self) -> bool {
        self.break_length(0) > 0
    }

    pub(super) fn is_break_or_end(&self) -> bool {
        self.is_end() || self.is_break()
    }

    /// A blank, a line end, or the end of the text.
    pub(super) fn is_blank_break_or_end(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            b' ' | b'\t' | 0 => true,
            _ => self.break_length(ahead) > 0,
        }
    }

    /// `---` or `...` at the beginning of a line.
    pub(super) fn is_document_indicator(&self) -> bool {
        matches!(self.peek(0), b'-' | b'.')
            && self.column() == 0
            && self.peek(1) == self.peek(0)
            && self.peek(2) == self.peek(0)
            && self.is_blank_break_or_end(3)
    }

    /// Moves forward by one character.
    pub(super) fn skip(&mut self) {
        let width = match self.peek(0) {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        self.at += width;
        self.continuations += width - 1;
    }

    /// Moves forward by this many ASCII characters.
    pub(super) fn skip_ascii(&mut self, count: usize) {
        self.at += count;
    }

    /// Skips a line end and returns its meaning: a line feed, except for U+2028 and U+2029.
    pub(super) fn skip_break(&mut self) -> Option<char> {
        let length = self.break_length(0);
        let meaning = match (length, self.peek(2)) {
            (0, _) => return None,
            (3, 0xa8) => '\u{2028}',
            (3, _) => '\u{2029}',
            _ => '\n',
        };
        let is_return = self.is(b'\r');
        self.at += length;
        if !is_return {
            self.continuations += length - 1;
        }
        self.line += 1;
        self.line_start = self.character();
        Some(meaning)
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.at += 1;
        }
    }

    /// Moves to the end of the line.
    pub(super) fn skip_line(&mut self) {
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let passed = find(rest, |byte| matches!(byte, b'\n' | b'\r' | 0xc2 | 0xe2));
            self.advance(passed.unwrap_or(rest.len()));
            if self.is_break_or_end() {
                return;
            }
            self.skip();
        }
    }

    pub(super) fn skip_comment(&mut self) {
        if self.is(b'#') {
            self.skip_line();
        }
    }

    /// Moves to the next character that may matter in a scalar.
    pub(super) fn skip_ordinary(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.advance(find(rest, is_special).unwrap_or(rest.len()));
    }

    /// Skips letters, digits, `_` and `-`.
    pub(super) fn skip_word(&mut self) {
        while matches!(self.peek(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-') {
            self.at += 1;
        }
    }

    fn advance(&mut self, bytes: usize) {
        let passed = self
            .text
            .as_bytes()
            .get(self.at..self.at + bytes)
            .unwrap_or_default();
        self.continuations += passed.iter().filter(|byte| **byte & 0xc0 == 0x80).count();
        self.at += bytes;
    }
}
