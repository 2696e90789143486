//! Classifies one line, without its indentation.

use memchr::{memchr, memchr2, memchr2_iter};

use crate::style::Style;

/// The content of a line. A value extends to the end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'t> {
    /// `key:` and what follows on the line.
    Entry { key: &'t [u8], value: Inline<'t> },
    /// `- ` and what follows, this many bytes further.
    Item { width: usize },
    /// `-` alone.
    EmptyItem,
    /// A text as an item of a list.
    Text(&'t [u8], Style),
}

/// The rest of a line after its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inline<'t> {
    /// Nothing: the value is on the lines below, or is null.
    Nothing,
    /// A scalar, with its quotes.
    Scalar(&'t [u8], Style),
    /// `[]` or `{}`.
    Empty { is_list: bool },
    /// A block scalar begins.
    Block,
}

/// The longest key; the scanner of all YAML looks no further than 1024 characters for the colon.
const LONGEST_KEY: usize = 128;

/// How many keys a mapping may have. Duplicates are found by comparing each key with all others.
pub(crate) const MOST_KEYS: usize = 256;

/// Classifies a line, if it is simple. The line has no indentation and no line end, and is printable ASCII only.
#[inline]
pub(super) fn parse(line: &[u8]) -> Option<Content<'_>> {
    match line {
        b"-" => return Some(Content::EmptyItem),
        [b'-', b' ', ..] => return item(line),
        _ => {}
    }
    match key(line) {
        Some((key, [])) => Some(Content::Entry {
            key,
            value: Inline::Nothing,
        }),
        Some((key, rest)) => Some(Content::Entry {
            key,
            value: inline(without_spaces(rest))?,
        }),
        None => scalar(line).map(|style| Content::Text(line, style)),
    }
}

/// A dash, and the content behind it, which is not a list.
fn item(line: &[u8]) -> Option<Content<'_>> {
    let content = without_spaces(line.get(1..)?);
    match content {
        [] | b"-" | [b'-', b' ', ..] => None,
        _ => Some(Content::Item {
            width: line.len() - content.len(),
        }),
    }
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| **byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

/// The key that a line begins with, and what follows its colon.
#[inline]
fn key(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, rest) = line.split_at_checked(key_length(line)?)?;
    let rest = rest.strip_prefix(b":")?;
    matches!(rest, [] | [b' ', ..]).then_some((key, rest))
}

/// The length of the key that a line begins with.
///
/// Only keys that are text in every version of YAML are accepted: a letter, then letters, digits and a few signs.
#[inline]
fn key_length(line: &[u8]) -> Option<usize> {
    let begin = line.get(..LONGEST_KEY).unwrap_or(line);
    let length = begin.iter().position(|byte| !is_of_key(*byte))?;
    let key = line.get(..length)?;
    let is_key = key.first().is_some_and(u8::is_ascii_alphabetic) && !is_word(key);
    is_key.then_some(length)
}

/// Whether a byte may be a part of a key. Such a comparison takes longer than a table.
fn is_of_key(byte: u8) -> bool {
    #[expect(clippy::indexing_slicing, reason = "each byte is an index of the table")]
    const OF_KEY: [bool; 256] = {
        let mut of_key = [false; 256];
        let mut byte = 0;
        while byte < 128_u8 {
            of_key[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
            byte += 1;
        }
        of_key
    };
    OF_KEY.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The plain words that are not text.
fn is_word(text: &[u8]) -> bool {
    match text.first() {
        Some(b't' | b'T') => text.eq_ignore_ascii_case(b"true"),
        Some(b'f' | b'F') => text.eq_ignore_ascii_case(b"false"),
        Some(b'n' | b'N') => text.eq_ignore_ascii_case(b"null"),
        _ => false,
    }
}

#[inline]
fn inline(text: &[u8]) -> Option<Inline<'_>> {
    match text {
        b"|" | b"|-" | b"|+" | b">" | b">-" | b">+" => Some(Inline::Block),
        b"[]" => Some(Inline::Empty { is_list: true }),
        b"{}" => Some(Inline::Empty { is_list: false }),
        _ => scalar(text).map(|style| Inline::Scalar(text, style)),
    }
}

/// The style of a scalar that is complete and valid on its line, and has no comment after it.
#[inline]
fn scalar(text: &[u8]) -> Option<Style> {
    match text {
        [.., b' '] => None,
        [b'\'', inner @ .., b'\''] => memchr(b'\'', inner).is_none().then_some(Style::SingleQuoted),
        [b'"', inner @ .., b'"'] => memchr2(b'"', b'\\', inner)
            .is_none()
            .then_some(Style::DoubleQuoted),
        [first, ..]
            if first.is_ascii_alphanumeric() || matches!(first, b'.' | b'/' | b'_' | b'+' | b'(' | b'~') =>
        {
            is_plain(text).then_some(Style::Plain)
        }
        [b'-', second, ..] if second.is_ascii_alphanumeric() || matches!(second, b'-' | b'.') => {
            (is_plain(text) && !text.starts_with(b"---")).then_some(Style::Plain)
        }
        _ => None,
    }
}

/// Whether a plain scalar contains nothing that would end it: a colon before a space or at the end, or a hash after a
/// space.
fn is_plain(text: &[u8]) -> bool {
    !text.starts_with(b"...")
        && memchr2_iter(b':', b'#', text).all(|at| match text.get(at) {
            Some(b':') => !matches!(text.get(at + 1), None | Some(b' ')),
            _ => at > 0 && text.get(at - 1) != Some(&b' '),
        })
}

/// Whether the text of a scalar is certainly text. Numbers and words are left to the parser.
pub(crate) fn is_certainly_text(text: &[u8], style: Style) -> bool {
    style.is_quoted() || text.first().is_some_and(u8::is_ascii_alphabetic) && !is_word(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Inline<'_> {
        Inline::Scalar(text.as_bytes(), Style::Plain)
    }

    #[test]
    fn each_form_of_a_line_is_recognised() {
        let entry = |key: &'static str, value| {
            let key = key.as_bytes();
            Some(Content::Entry { key, value })
        };
        for (text, expected) in [
            ("users:", entry("users", Inline::Nothing)),
            ("name: a", entry("name", plain("a"))),
            ("server: https://h:6443", entry("server", plain("https://h:6443"))),
            (
                "name: 'a: b # c'",
                entry("name", Inline::Scalar(b"'a: b # c'", Style::SingleQuoted)),
            ),
            ("extension: |-", entry("extension", Inline::Block)),
            ("args: []", entry("args", Inline::Empty { is_list: true })),
            ("- name: a", Some(Content::Item { width: 2 })),
            ("-   name: a", Some(Content::Item { width: 4 })),
            ("-", Some(Content::EmptyItem)),
            ("--region", Some(Content::Text(b"--region", Style::Plain))),
            ("a#b", Some(Content::Text(b"a#b", Style::Plain))),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn any_other_line_is_not_simple() {
        for text in [
            "name: a # b",
            "name: a: b",
            "name: 'a''b'",
            "name: \"a\\n\"",
            "name: 'a",
            "name: &a b",
            "name: *a",
            "name: !!str a",
            "name: {a: b}",
            "name: [a]",
            "name: a ",
            "name: ",
            "name:a:",
            "<<: *a",
            "true: a",
            "1: a",
            "'a': b",
            "? a",
            "- - a",
            "- ",
            "---",
            "name: @a",
            "name: `a",
            "name: %a",
            "name: =",
            "name: -",
            "name: ,",
            "name: |2",
            "name: > # x",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
