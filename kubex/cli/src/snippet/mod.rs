//! The line of a file that an error is about, with a caret below the column and every possible secret masked.
//!
//! Everything that is not known to be harmless is masked:
//!
//! | part of the line | is shown |
//! |---|---|
//! | white space, brackets, commas, colons, the dashes of lists | always |
//! | a key | if it is a field that Kubex knows, if the error names it, or if it names a source or its option |
//! | a value | if its key is a field that never contains a secret: `server`, `namespace`, a few more (`fields.rs`) |
//! | a path, a kind, a name | if it looks like one, and a name if the error contains it |
//! | a comment, and everything else | never |
//!
//! If the document can be parsed, the spans of its nodes distinguish keys from values (`spans.rs`). Passwords in URLs, and
//! texts that look like a token or a private key, are masked in harmless fields too. If it cannot be parsed, a line may not be
//! what it looks like. No value is shown then (`mask.rs`), and a line within a multi-line scalar is masked as a whole
//! (`multiline.rs`).

mod fields;
mod mask;
mod multiline;
mod spans;

use kubex::text::clean_line;
use kubex_document::{Budget, Document, Format};

use kubex::{ExposeSecret as _, SecretBytes};

use self::mask::Piece;
use crate::output::Style;

/// How many characters of a line are shown on either side of the caret.
const MAX_BEFORE: usize = 60;
const MAX_AFTER: usize = 60;

/// One line, masked.
#[derive(Debug)]
pub(crate) struct Snippet {
    number: u32,
    shown: String,
    /// The number of characters before the caret.
    caret: usize,
}

impl Snippet {
    /// The line of a file at a line and column, which count from 1.
    pub(crate) fn new(
        content: &SecretBytes,
        format: Format,
        (number, column): (u32, u32),
        named_by_error: &dyn Fn(&str) -> bool,
    ) -> Option<Self> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let document = Document::read(content.clone(), format, &Budget::KUBECONFIG).ok();
        let text = match &document {
            Some(document) => document.text(),
            // A file in UTF-16 that cannot be read has no snippet; its line and column are printed all the same.
            None => std::str::from_utf8(content.expose_secret()).ok()?,
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line = text.split('\n').nth(index)?;
        let start: usize = text.split('\n').take(index).map(|line| line.len() + 1).sum();
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            return None;
        }
        let pieces = if let Some(document) = &document {
            spans::pieces(document, start..start + line.len(), named_by_error)
        } else if multiline::is_continuation(text.split('\n').take(index), line) {
            mask::whole(line)
        } else {
            mask::pieces(line, format == Format::Toml, named_by_error)
        };
        let (shown, caret) = lay_out(line, &pieces, column);
        let (shown, caret) = cut(&shown, caret);
        Some(Self { number, shown, caret })
    }

    /// Two lines: the snippet and its caret.
    pub(crate) fn render(&self, style: Style) -> String {
        let number = self.number.to_string();
        let margin = " ".repeat(number.chars().count());
        let indent = " ".repeat(self.caret);
        format!(
            "  {} {}\n  {} {indent}{}",
            style.faint(&format!("{number} |")),
            self.shown,
            style.faint(&format!("{margin} |")),
            style.error("^")
        )
    }
}

/// Joins the pieces, and finds the column of the line in the result. A column within a masked piece is at its mask.
fn lay_out(line: &str, pieces: &[Piece], column: usize) -> (String, usize) {
    let mut shown = String::new();
    let mut width = 0;
    let mut passed = 0;
    let mut caret = None;
    for piece in pieces {
        let original = line.get(piece.range.clone()).unwrap_or_default();
        match &piece.replacement {
            Some(replacement) => {
                let end = passed + original.chars().count();
                if (passed..end).contains(&column) {
                    caret = Some(width);
                }
                passed = end;
                // It may contain a part of the line.
                let replacement = clean_line(replacement);
                width += replacement.chars().count();
                shown.push_str(&replacement);
            }
            None => {
                for c in original.chars() {
                    if passed == column {
                        caret = Some(width);
                    }
                    let c = if c == '\t' { ' ' } else { c };
                    let mut buffer = [0; 4];
                    let cleaned = clean_line(c.encode_utf8(&mut buffer)).into_owned();
                    passed += 1;
                    width += cleaned.chars().count();
                    shown.push_str(&cleaned);
                }
            }
        }
    }
    (shown, caret.unwrap_or(width))
}

/// Cuts a long line to the part around the caret.
fn cut(shown: &str, caret: usize) -> (String, usize) {
    let width = shown.chars().count();
    let start = caret.saturating_sub(MAX_BEFORE);
    let end = width.min(caret + MAX_AFTER);
    let mut part: String = shown.chars().skip(start).take(end - start.min(end)).collect();
    let mut caret = caret - start;
    if start > 0 {
        part.insert_str(0, "...");
        caret += 3;
    }
    if end < width {
        part.push_str("...");
    }
    (part, caret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snippet(text: &str, position: (u32, u32)) -> Option<Snippet> {
        Snippet::new(&text.as_bytes().to_vec().into(), Format::Yaml, position, &|_| {
            false
        })
    }

    fn shown(text: &str, position: (u32, u32)) -> String {
        snippet(text, position).unwrap().render(Style::PLAIN)
    }

    #[test]
    fn the_caret_is_below_the_column() {
        assert_eq!(
            shown("a:\n    server: 10.0.0.1\n", (2, 13)),
            "  2 |     server: 10.0.0.1\n    |             ^"
        );
        assert_eq!(
            shown(
                "users: [{name: jane, user: {token: s3cret, tokenFile: 5}}]",
                (1, 55)
            ),
            "  1 | users: [{name: jane, user: {token: [masked], tokenFile: [masked]}}]\n    \
             |                                                         ^"
        );
    }

    #[test]
    fn the_caret_of_a_masked_column_is_at_the_mask_and_beyond_the_line_at_its_end() {
        assert_eq!(
            shown("token: s3cret: x", (1, 9)),
            "  1 | token: [masked]: [masked]\n    |        ^"
        );
        assert_eq!(shown("server:", (1, 30)), "  1 | server:\n    |        ^");
        assert!(snippet("a\nb", (3, 1)).is_none());
    }

    #[test]
    fn a_long_line_is_cut_to_the_part_around_the_caret() {
        let text = format!("{{{}\"server\": \"x\"}}", "\"name\": \"jane\", ".repeat(10_000));
        let column = u32::try_from(text.len() - 3).unwrap();
        let shown = shown(&text, (1, column));
        assert!(shown.len() < 300, "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let caret = lines[1].find('^').unwrap();
        assert_eq!(&lines[0][caret..], "\"x\"}");
    }

    #[test]
    fn control_characters_have_no_effect() {
        assert_eq!(
            shown("server: a\u{202e}b\r\n", (1, 9)),
            "  1 | server: aU+202Eb\n    |         ^"
        );
        assert_eq!(
            shown("server: a\u{1b}[31mb\r\n", (1, 9)),
            "  1 | server: [masked][[masked]\n    |         ^"
        );
    }
}
