//! Classifies one line, without its indentation.

/// The content of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'t> {
    /// `key:` and what follows on the line.
    Entry { key: &'t str, value: Inline<'t> },
    /// `- ` and what follows, this many bytes further.
    Item { width: usize },
    /// `-` alone.
    EmptyItem,
    /// A text as an item of a list.
    Text(&'t str),
}

/// The rest of a line after its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inline<'t> {
    /// Nothing: the value is on the lines below, or is null.
    Nothing,
    /// A text or an empty collection.
    Scalar(&'t str),
    /// A block scalar begins.
    Block,
}

/// The longest key; the YAML scanner looks no further for the colon.
const LONGEST_KEY: usize = 128;

/// How many keys a mapping may have. Duplicates are found by comparing each key with all others.
pub(super) const MOST_KEYS: usize = 256;

/// The characters of a plain scalar, and of a quoted one without escapes: printable ASCII.
const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Whether a line is printable ASCII only. Long lines are mostly base64, so they are checked in large chunks, and short
/// ones in smaller chunks.
pub(super) fn is_all_printable(text: &[u8]) -> bool {
    let are = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_printable(*byte));
    let (chunks, rest) = text.as_chunks::<32>();
    let (small, rest) = rest.as_chunks::<8>();
    chunks.iter().all(|chunk| are(chunk)) && small.iter().all(|chunk| are(chunk)) && are(rest)
}

/// Classifies a line, if it is in the subset. The line has no indentation and no line end, and is printable ASCII only.
pub(super) fn parse(text: &str) -> Option<Line<'_>> {
    if text == "-" {
        return Some(Line::EmptyItem);
    }
    if let Some(rest) = text.strip_prefix("- ") {
        let content = rest.trim_start_matches(' ');
        return (!content.is_empty() && !content.starts_with("- ") && content != "-").then_some(Line::Item {
            width: text.len() - content.len(),
        });
    }
    match key(text) {
        Some((key, "")) => Some(Line::Entry {
            key,
            value: Inline::Nothing,
        }),
        Some((key, rest)) => Some(Line::Entry {
            key,
            value: inline(rest.strip_prefix(' ')?.trim_start_matches(' '))?,
        }),
        None => is_scalar(text).then_some(Line::Text(text)),
    }
}

/// The key that a line begins with, and what follows its colon.
fn key(text: &str) -> Option<(&str, &str)> {
    let (key, rest) = text.split_at_checked(key_length(text)?)?;
    let rest = rest.strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then_some((key, rest))
}

/// The length of the key that a text begins with.
///
/// Only keys that are text in every version of YAML are accepted: a letter, then letters, digits and a few signs.
pub(super) fn key_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let length = bytes
        .iter()
        .take(LONGEST_KEY)
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/')))?;
    let is_key = bytes.first().is_some_and(u8::is_ascii_alphabetic) && !is_word(text.get(..length)?);
    is_key.then_some(length)
}

/// The plain words that are not text.
fn is_word(text: &str) -> bool {
    ["true", "false", "null"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

fn inline(text: &str) -> Option<Inline<'_>> {
    match text {
        "" => None,
        "|" | "|-" | "|+" | ">" | ">-" | ">+" => Some(Inline::Block),
        "{}" | "[]" => Some(Inline::Scalar(text)),
        _ => is_scalar(text).then_some(Inline::Scalar(text)),
    }
}

/// Whether a scalar is complete and valid on this line, and has no comment after it.
fn is_scalar(text: &str) -> bool {
    if text.ends_with(' ') {
        return false;
    }
    match text.as_bytes() {
        [b'\'', inner @ .., b'\''] => memchr::memchr(b'\'', inner).is_none(),
        [b'"', inner @ .., b'"'] => memchr::memchr2(b'"', b'\\', inner).is_none(),
        [first, ..]
            if first.is_ascii_alphanumeric() || matches!(first, b'.' | b'/' | b'_' | b'+' | b'(' | b'~') =>
        {
            is_plain(text)
        }
        [b'-', second, ..] if second.is_ascii_alphanumeric() || matches!(second, b'-' | b'.') => {
            is_plain(text) && !text.starts_with("---")
        }
        _ => false,
    }
}

/// Whether a plain scalar contains nothing that would end it: a colon before a space or at the end, or a hash after a
/// space.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    !text.ends_with(':')
        && !text.starts_with("...")
        && memchr::memchr2_iter(b':', b'#', bytes).all(|at| match bytes.get(at) {
            Some(b':') => bytes.get(at + 1) != Some(&b' '),
            _ => at > 0 && bytes.get(at - 1) != Some(&b' '),
        })
}

/// The text of a scalar, if it is certainly text. Numbers and words are left to the parser.
pub(super) fn text(scalar: &str) -> Option<&str> {
    match scalar.as_bytes().first()? {
        b'\'' | b'"' => scalar.get(1..scalar.len().checked_sub(1)?),
        first if first.is_ascii_alphabetic() && !is_word(scalar) => Some(scalar),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_line_is_recognised() {
        let entry = |key, value| Some(Line::Entry { key, value });
        for (text, expected) in [
            ("users:", entry("users", Inline::Nothing)),
            ("name: a", entry("name", Inline::Scalar("a"))),
            (
                "server: https://h:6443",
                entry("server", Inline::Scalar("https://h:6443")),
            ),
            ("name: 'a: b # c'", entry("name", Inline::Scalar("'a: b # c'"))),
            ("extension: |-", entry("extension", Inline::Block)),
            ("args: []", entry("args", Inline::Scalar("[]"))),
            ("- name: a", Some(Line::Item { width: 2 })),
            ("-   name: a", Some(Line::Item { width: 4 })),
            ("-", Some(Line::EmptyItem)),
            ("--region", Some(Line::Text("--region"))),
            ("a#b", Some(Line::Text("a#b"))),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn any_other_line_is_not_understood() {
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
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
