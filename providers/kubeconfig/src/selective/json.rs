//! Going through a document in JSON.
//!
//! All of it is checked, in one pass and without being decoded: brackets, commas, colons, what is in quotes and what
//! is not. Of what JSON may have, the part that tools write is taken: printable ASCII, keys of letters, digits and a
//! few signs, whole numbers.

use memchr::memchr2;

use super::line::{MOST_KEYS, is_all_printable, key_length};
use super::read::{Item, LISTS, Part, Spot};

/// How deep collections are followed; what is nested deeper is left to the parser.
const DEEPEST: usize = 24;

/// The longest whole number, in digits; there are none that a parser takes for another one.
const LONGEST_NUMBER: usize = 15;

/// The keys at the top of a document and what is under them; `None` where it is in another form than the one that is
/// understood, be it valid or not.
pub(super) fn read(text: &str) -> Option<Vec<(&str, Part)>> {
    let mut scanner = Scanner {
        text,
        at: 0,
        line: 1,
        depth: 0,
        keys: Vec::new(),
    };
    let mut parts = Vec::new();
    scanner.skip_space()?;
    scanner.mapping(&mut |scanner, key, name| {
        let part = if LISTS.contains(&name) && scanner.peek() == Some(b'[') {
            Part::Items(scanner.items(name.strip_suffix('s')?)?)
        } else {
            Part::Value(scanner.spot(key)?)
        };
        parts.push((name, part));
        Some(())
    })?;
    scanner.skip_space()?;
    (scanner.at == text.len()).then_some(parts)
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// Which line that is, counted from 1.
    line: u32,
    depth: usize,
    /// The keys until now of each mapping that is open, the innermost last.
    keys: Vec<&'t str>,
}

/// What to do with an entry of a mapping: where its key stands, and the key. Goes behind the value.
type Entry<'e, 't> = &'e mut dyn FnMut(&mut Scanner<'t>, usize, &'t str) -> Option<()>;

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    /// Goes behind white space: spaces and line ends.
    fn skip_space(&mut self) -> Option<()> {
        loop {
            match self.peek() {
                Some(b' ') => {}
                Some(b'\n') => self.line = self.line.checked_add(1)?,
                // Alone it ends no line for everybody.
                Some(b'\r') if self.text.as_bytes().get(self.at + 1) == Some(&b'\n') => {}
                _ => return Some(()),
            }
            self.at += 1;
        }
    }

    /// Goes behind the value that stands here, and says where it is.
    fn spot(&mut self, key: usize) -> Option<Spot> {
        let (start, line) = (self.at, self.line);
        self.value()?;
        Some(Spot::new(key, start, self.at, line))
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.mapping(&mut |scanner, _, _| scanner.value()),
            b'[' => self.list(&mut Self::value),
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn mapping(&mut self, entry: Entry<'_, 't>) -> Option<()> {
        let outer = self.keys.len();
        self.begin(b'{')?;
        if !self.take(b'}') {
            loop {
                let start = self.at;
                let key = self.key()?;
                let siblings = self.keys.get(outer..)?;
                if siblings.len() >= MOST_KEYS || siblings.contains(&key) {
                    return None;
                }
                self.keys.push(key);
                entry(self, start, key)?;
                self.skip_space()?;
                if !self.take(b',') {
                    break;
                }
                self.skip_space()?;
            }
            self.expect(b'}')?;
        }
        self.keys.truncate(outer);
        self.depth -= 1;
        Some(())
    }

    fn list(&mut self, item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.begin(b'[')?;
        if !self.take(b']') {
            loop {
                item(self)?;
                self.skip_space()?;
                if !self.take(b',') {
                    break;
                }
                self.skip_space()?;
            }
            self.expect(b']')?;
        }
        self.depth -= 1;
        Some(())
    }

    fn begin(&mut self, bracket: u8) -> Option<()> {
        self.expect(bracket)?;
        self.depth += 1;
        (self.depth <= DEEPEST).then_some(())?;
        self.skip_space()
    }

    /// Goes behind a key and its colon.
    fn key(&mut self) -> Option<&'t str> {
        self.expect(b'"')?;
        let rest = self.text.get(self.at..)?;
        let key = rest.get(..key_length(rest)?)?;
        self.at += key.len();
        self.expect(b'"')?;
        self.skip_space()?;
        self.expect(b':')?;
        self.skip_space()?;
        Some(key)
    }

    fn string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            let length = memchr2(b'"', b'\\', rest)?;
            if !is_all_printable(rest.get(..length)?) {
                return None;
            }
            self.at += length + 1;
            if rest.get(length) == Some(&b'"') {
                return Some(());
            }
            let escape = rest.get(length + 1..)?;
            self.at += match escape.first()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 1,
                // Half of a pair (D8 to DF) is the parser's to judge.
                b'u' if !matches!(escape.get(1)?, b'd' | b'D')
                    && escape.get(1..5)?.iter().all(u8::is_ascii_hexdigit) =>
                {
                    5
                }
                _ => return None,
            };
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        self.take(b'-');
        let rest = self.text.as_bytes().get(self.at..)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_whole = !matches!(rest.get(digits), Some(b'.' | b'e' | b'E'));
        let has_zeros = digits > 1 && rest.first() == Some(&b'0');
        self.at += digits;
        (is_whole && !has_zeros && (1..=LONGEST_NUMBER).contains(&digits)).then_some(())
    }

    /// The items of one of the three lists, whose content stands under this key.
    fn items(&mut self, inner: &str) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        self.list(&mut |scanner| {
            items.push(scanner.item(inner)?);
            Some(())
        })?;
        Some(items)
    }

    fn item(&mut self, inner: &str) -> Option<Item> {
        let (start, line) = (self.at, self.line);
        let mut item = Item {
            is_mapping: true,
            ..Item::default()
        };
        self.mapping(&mut |scanner, key, name| {
            let spot = scanner.spot(key)?;
            if name == "name" {
                item.name = Some(spot);
            } else if name == inner {
                item.content = Some(spot);
            } else {
                item.others
                    .push(Spot::new(key, key + 1, key + 1 + name.len(), line));
            }
            Some(())
        })?;
        item.spot = Spot::new(start, start, self.at, line);
        Some(item)
    }
}
