//! The line of a file that an error is about, with a caret below the column, and nothing secret on it.
//!
//! A kubeconfig or a configuration that is miswritten cannot be trusted to be parsed, so what may be shown is
//! decided by the line's text alone, and what is not known to be harmless is masked:
//!
//! | on the line | is shown |
//! |---|---|
//! | white space, brackets, commas, colons, the dashes of lists | always |
//! | a key | where it is a field's name that Kubex knows, or where the error itself names it |
//! | a value | where its key is a field that never holds a secret: `server`, `namespace`, a few more (`fields.rs`) |
//! | a comment, and everything else | never |
//!
//! Where the document could not be parsed at all, no value is shown: a line need not be what it looks like then.
//! A line that continues a text of several lines (a block scalar, a quoted text that is still open) is masked
//! whole, because what looks like a key there is a part of that text (`continued.rs`). A password in an address,
//! and what looks like a token or a private key, is masked in harmless fields too.

mod continued;
mod fields;
mod mask;

use kubex::text::clean_line;

use self::mask::Piece;
pub(crate) use self::mask::Rules;
use crate::style::Style;

/// How many characters of a line are shown on either side of the caret.
const MOST_BEFORE: usize = 60;
const MOST_AFTER: usize = 60;

/// One line, ready to be shown.
#[derive(Debug)]
pub(crate) struct Excerpt {
    number: u32,
    shown: String,
    /// How many characters stand before the caret's.
    caret: usize,
}

impl Excerpt {
    /// The line of a text at a line and column, which count from 1.
    pub(crate) fn of(text: &str, (number, column): (u32, u32), rules: &Rules<'_>) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let line = text.split('\n').nth(index)?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            return None;
        }
        let before = text.split('\n').take(index);
        let pieces = if continued::is_continued(before, line) {
            mask::whole(line)
        } else {
            mask::pieces(line, rules)
        };
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let (shown, caret) = lay_out(line, &pieces, column);
        let (shown, caret) = cut(&shown, caret);
        Some(Self { number, shown, caret })
    }

    /// Two lines: the excerpt and its caret.
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

/// The pieces as one text, and where in it the column of the line is. A column within a masked piece is at its mask.
fn lay_out(line: &str, pieces: &[Piece], column: usize) -> (String, usize) {
    let mut shown = String::new();
    let mut width = 0;
    let mut passed = 0;
    let mut caret = None;
    for piece in pieces {
        let original = line.get(piece.range.clone()).unwrap_or_default();
        match &piece.instead {
            Some(instead) => {
                let end = passed + original.chars().count();
                if (passed..end).contains(&column) {
                    caret = Some(width);
                }
                passed = end;
                width += instead.chars().count();
                shown.push_str(instead);
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

/// The part of a long line that is around the caret.
fn cut(shown: &str, caret: usize) -> (String, usize) {
    let width = shown.chars().count();
    let start = caret.saturating_sub(MOST_BEFORE);
    let end = width.min(caret + MOST_AFTER);
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

    const PARSED: Rules<'_> = Rules {
        is_toml: false,
        is_parsed: true,
        names: &|_| false,
    };

    fn shown(text: &str, position: (u32, u32)) -> String {
        Excerpt::of(text, position, &PARSED).unwrap().render(Style::PLAIN)
    }

    #[test]
    fn the_caret_stands_below_the_column() {
        assert_eq!(
            shown("a\n    server: 10.0.0.1\n", (2, 13)),
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
    fn a_column_in_a_mask_is_at_its_beginning_and_one_behind_the_line_at_its_end() {
        assert_eq!(
            shown("token: s3cret: x", (1, 9)),
            "  1 | token: [masked]: [masked]\n    |        ^"
        );
        assert_eq!(shown("server:", (1, 30)), "  1 | server:\n    |        ^");
        assert!(Excerpt::of("a\nb", (3, 1), &PARSED).is_none());
    }

    #[test]
    fn of_a_long_line_the_part_around_the_caret_is_shown() {
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
            shown("server: a\u{1b}[31mb\r\n", (1, 9)),
            "  1 | server: aU+001B[[masked]\n    |         ^"
        );
    }
}
