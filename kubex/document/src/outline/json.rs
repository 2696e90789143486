//! Scans a JSON document: strict JSON in ASCII. Each value is checked and none is kept.

use memchr::{memchr_iter, memchr2, memrchr};

use super::field::{OutlinedField, OutlinedItem, Slice};
use super::{NAME, most_items};
use crate::bytes::{eight, is_all_printable, is_printable, run_length};
use crate::cursor::Cursor;
use crate::lines::Position;
use crate::simple::{DEEPEST, MOST_KEYS};
use crate::span::Span;

/// How many bytes of a string are checked before a longer one is searched for its end, because most strings are shorter.
const SHORT: usize = 32;

/// The fields of a JSON document, in order. `None` if the document is outside of the subset, whether valid or not.
pub(super) fn read(text: &str, lists: &[&str]) -> Option<Vec<OutlinedField>> {
    u32::try_from(text.len()).ok()?;
    if !text.is_ascii() {
        return None;
    }
    let mut scan = Scan {
        cursor: Cursor::new(text),
        lists,
        keys: Vec::with_capacity(64),
        place: Place::default(),
        items_left: most_items(text.len()),
    };
    let mut fields = Vec::with_capacity(8);
    scan.expect(b'{')?;
    scan.members(0, &mut |scan, key, start| scan.field(key, start, &mut fields))?;
    scan.cursor.skip_space();
    (scan.cursor.at == text.len()).then_some(fields)
}

/// A place whose line is known.
#[derive(Clone, Copy, Default)]
struct Place {
    at: usize,
    lines_before: usize,
    line_start: usize,
}

struct Scan<'t> {
    cursor: Cursor<'t>,
    /// The keys of the lists whose items are found.
    lists: &'t [&'t str],
    /// The keys of the mappings that are open, the outermost first.
    keys: Vec<&'t str>,
    /// The last place whose line was counted.
    place: Place,
    /// How many more items may follow.
    items_left: usize,
}

/// Reads a member's value, behind its key, which starts there.
type Member<'m, 't> = &'m mut dyn FnMut(&mut Scan<'t>, &'t str, usize) -> Option<()>;

impl<'t> Scan<'t> {
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.cursor.take(byte).then_some(())
    }

    /// A field at the top, whose key starts there.
    fn field(&mut self, key: &str, start: usize, fields: &mut Vec<OutlinedField>) -> Option<()> {
        if let Some(index) = self.lists.iter().position(|list| *list == key) {
            fields.push(OutlinedField::List(index, self.list()?));
            return Some(());
        }
        let place = self.position(start)?;
        self.value(1)?;
        if let Some(OutlinedField::Members(slice)) = fields.last_mut() {
            slice.span = Span::new(slice.span.start(), self.cursor.at);
            return Some(());
        }
        fields.push(OutlinedField::Members(Slice {
            span: Span::new(start, self.cursor.at),
            start: place,
        }));
        // Before a member, there must be space for the bracket that makes it a document.
        (place.column > 1).then_some(())
    }

    /// The items of one of the lists.
    fn list(&mut self) -> Option<Vec<OutlinedItem>> {
        let mut items = Vec::new();
        self.cursor.skip_space();
        if self.cursor.peek() == b'n' {
            self.word("null")?;
            return Some(items);
        }
        self.expect(b'[')?;
        if self.cursor.take(b']') {
            return Some(items);
        }
        loop {
            self.items_left = self.items_left.checked_sub(1)?;
            items.push(self.item()?);
            if self.cursor.take(b']') {
                return Some(items);
            }
            self.expect(b',')?;
        }
    }

    fn item(&mut self) -> Option<OutlinedItem> {
        self.cursor.skip_space();
        if self.cursor.peek() == b'n' {
            self.word("null")?;
            return Some(OutlinedItem::default());
        }
        let start = self.cursor.at;
        let place = self.position(start)?;
        self.expect(b'{')?;
        let mut name = Span::default();
        self.members(2, &mut |scan, key, _| {
            if key != NAME {
                return scan.value(3);
            }
            scan.cursor.skip_space();
            let start = scan.cursor.at + 1;
            let text = scan.plain_string()?;
            name = Span::new(start, start + text.len());
            Some(())
        })?;
        Some(OutlinedItem {
            slice: Some(Slice {
                span: Span::new(start, self.cursor.at),
                start: place,
            }),
            name,
        })
    }

    /// The line and the column of a place that is not before the last one.
    fn position(&mut self, at: usize) -> Option<Position> {
        let passed = self.cursor.text.as_bytes().get(self.place.at..at)?;
        if let Some(last) = memrchr(b'\n', passed) {
            self.place.lines_before += memchr_iter(b'\n', passed).count();
            self.place.line_start = self.place.at + last + 1;
        }
        self.place.at = at;
        Some(Position {
            line: u32::try_from(self.place.lines_before + 1).ok()?,
            column: u32::try_from(at - self.place.line_start + 1).ok()?,
        })
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.cursor.skip_space();
        match self.cursor.peek() {
            b'{' => {
                self.cursor.at += 1;
                self.members(depth, &mut |scan, _, _| scan.value(depth + 1))
            }
            b'[' => {
                self.cursor.at += 1;
                self.items(depth)
            }
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.integer(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => None,
        }
    }

    /// The members of a mapping, behind its bracket. A duplicate key is not supported.
    fn members(&mut self, depth: usize, member: Member<'_, 't>) -> Option<()> {
        if depth >= DEEPEST {
            return None;
        }
        if self.cursor.take(b'}') {
            return Some(());
        }
        let first = self.keys.len();
        loop {
            self.cursor.skip_space();
            let start = self.cursor.at;
            let key = self.plain_string()?;
            let known = self.keys.get(first..)?;
            if known.len() >= MOST_KEYS || known.contains(&key) {
                return None;
            }
            self.keys.push(key);
            self.expect(b':')?;
            member(self, key, start)?;
            if self.cursor.take(b'}') {
                self.keys.truncate(first);
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    fn items(&mut self, depth: usize) -> Option<()> {
        if depth >= DEEPEST {
            return None;
        }
        if self.cursor.take(b']') {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.cursor.take(b']') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let is_there = self.cursor.rest().starts_with(word.as_bytes());
        self.cursor.at += word.len();
        is_there.then_some(())
    }

    /// A whole number. Other numbers are left to the reader.
    fn integer(&mut self) -> Option<()> {
        self.cursor.at += usize::from(self.cursor.peek() == b'-');
        let digits = self.cursor.rest();
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let has_zero_in_front = length > 1 && digits.first() == Some(&b'0');
        self.cursor.at += length;
        let is_whole = !matches!(self.cursor.peek(), b'.' | b'e' | b'E');
        // Every reader accepts a number of this length.
        ((1..=18).contains(&length) && !has_zero_in_front && is_whole).then_some(())
    }

    /// A string without escapes, without its quotes.
    fn plain_string(&mut self) -> Option<&'t str> {
        let start = self.cursor.at + 1;
        let is_plain = self.string()?;
        is_plain
            .then(|| self.cursor.text.get(start..self.cursor.at - 1))
            .flatten()
    }

    /// A string; whether it has no escapes.
    fn string(&mut self) -> Option<bool> {
        self.expect(b'"')?;
        let mut is_plain = true;
        loop {
            let rest = self.cursor.rest();
            let length = end_of_run(rest)?;
            self.cursor.at += length + 1;
            if rest.get(length) == Some(&b'"') {
                return Some(is_plain);
            }
            is_plain = false;
            // Escapes with digits are left to the reader.
            if !matches!(
                self.cursor.peek(),
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'
            ) {
                return None;
            }
            self.cursor.at += 1;
        }
    }
}

/// Where the quote or the backslash is that ends these characters of a string.
fn end_of_run(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte| matches!(byte, b'"' | b'\\');
    let (begin, rest) = bytes.split_at_checked(SHORT).unwrap_or((bytes, &[]));
    let length = run_length(begin, marks, |byte| is_end(byte) || !is_printable(byte));
    if let Some(other) = begin.get(length) {
        return is_end(*other).then_some(length);
    }
    let length = memchr2(b'"', b'\\', rest)?;
    is_all_printable(rest.get(..length)?).then_some(begin.len() + length)
}

/// Sets the highest bit of each byte of ASCII that is a quote, a backslash or a control character. A borrow may set it in
/// further bytes too, but never in an earlier one.
fn marks(word: u64) -> u64 {
    let below = |least: u8, word: u64| word.wrapping_sub(eight(least)) & !word;
    (below(1, word ^ eight(b'"')) | below(1, word ^ eight(b'\\')) | below(b' ', word)) & eight(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_mark_wherever_it_is() {
        for length in [1, 7, 8, 9, 31, 32, 33, 100] {
            for at in 0..length {
                for byte in 0..0x7f {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    text.push(b'"');
                    let expected = match byte {
                        0..0x20 => None,
                        b'"' | b'\\' => Some(at),
                        _ => Some(length),
                    };
                    assert_eq!(end_of_run(&text), expected, "{byte} at {at} of {length}");
                }
            }
        }
    }
}
