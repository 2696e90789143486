//! Edits of a document's text.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::{Budget, Document, Format, Key, Node};

/// An edit that replaces a range of a text. [`apply`] applies it.
#[derive(Debug, PartialEq, Eq)]
pub struct Edit {
    range: Range<usize>,
    // It may be secret.
    text: Zeroizing<String>,
}

impl Edit {
    /// Creates an edit that replaces this range of bytes with `text`.
    pub fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: Zeroizing::new(text.into()),
        }
    }
}

/// Creates an edit that inserts `text` at this offset.
pub fn insertion(at: usize, text: impl Into<String>) -> Edit {
    Edit::new(at..at, text)
}

/// Creates an edit that replaces the value of a scalar. The value gets the same quotes as the old one, if possible.
pub fn replace_scalar(text: &str, scalar: Node<'_>, value: &str) -> Edit {
    let span = scalar.span();
    Edit::new(span.start()..span.end(), scalar_like(span.of(text), value))
}

/// Creates an edit that replaces the value of an entry with `new`, which must be valid in the document's format. If
/// the entry has no value, as in `key:`, `new` is inserted after the key.
pub fn replace_value(text: &str, key: Key<'_>, value: Node<'_>, new: &str) -> Edit {
    let span = value.span();
    if !span.is_empty() {
        return Edit::new(span.start()..span.end(), new);
    }
    let behind = key.span().end();
    let colon = text[behind..]
        .find(':')
        .map_or(behind, |colon| behind + colon + 1);
    insertion(colon, format!(" {new}"))
}

/// Applies edits to a text and returns the new text. The edits must not overlap.
pub fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    // The text may be secret, and one that grows leaves a copy behind.
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut result = String::with_capacity(text.len() + added);
    let mut at = 0;
    for edit in &edits {
        result.push_str(text.get(at..edit.range.start).unwrap_or_default());
        result.push_str(&edit.text);
        at = edit.range.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

/// Returns the text of a new entry of this mapping. To add the entry before `key`, insert the text where `key` begins. `value`
/// must be valid in the document's format, such as the result of [`quoted`].
///
/// # Errors
/// Returns the reason why no entry can be inserted before this key.
pub fn entry_before(
    text: &str,
    mapping: Node<'_>,
    key: Key<'_>,
    name: &str,
    value: &str,
) -> Result<String, &'static str> {
    if mapping.span().of(text).starts_with('{') {
        return Ok(format!("\"{name}\": {value}, "));
    }
    let at = key.span().start();
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = &text[line..at];
    if before.chars().all(|c| c == ' ') {
        let end = if text[..line].ends_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        return Ok(format!("{name}: {value}{end}{before}"));
    }
    Err("it is written in an unusual form")
}

/// Returns a text in double quotes, with escapes that are valid in YAML and JSON.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Returns `value` in the same kind of quotes as `raw`, which is the text of the scalar to replace. Other quotes are
/// used if `value` requires them.
pub fn scalar_like(raw: &str, value: &str) -> String {
    let is_plain = value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && scalar_value(value).is_some_and(|read| read == value);
    match raw.chars().next() {
        Some('\'') if is_plain => format!("'{value}'"),
        Some('"' | '|' | '>') => quoted(value),
        _ if is_plain => value.to_owned(),
        _ => quoted(value),
    }
}

/// Returns the string value of a scalar. `raw` is its text in the document, including quotes. `None` if the scalar is not a
/// string, such as a number.
pub fn scalar_value(raw: &str) -> Option<String> {
    let document = Document::read(raw.as_bytes().to_vec().into(), Format::Yaml, &Budget::KUBECONFIG).ok()?;
    document.root().as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_the_quotes_that_fit_and_is_read_as_a_text() {
        for (raw, value, written) in [
            ("old", "new", "new"),
            ("'old'", "new", "'new'"),
            ("\"old\"", "new", "\"new\""),
            ("|-\n  old", "new", "\"new\""),
            ("old", "1234", "\"1234\""),
            ("'old'", "it's", "\"it's\""),
            ("old", "true", "\"true\""),
            ("old", "a+b==", "\"a+b==\""),
        ] {
            assert_eq!(scalar_like(raw, value), written, "{raw}");
            assert_eq!(scalar_value(written).as_deref(), Some(value), "{raw}");
        }
    }
}
