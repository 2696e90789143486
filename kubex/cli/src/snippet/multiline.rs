//! Decides whether a line is within a multi-line scalar that began on an earlier line.
//!
//! Such a scalar is recognized by its form alone: `|` or `>` at the end of a line begins a block scalar, and an unclosed quote
//! begins a quoted one. In doubt, the scalar counts as open, so that the line is masked.

/// A multi-line scalar that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// A block scalar. It continues while lines are blank or indented deeper than this column.
    Block(usize),
    /// A quoted scalar, with its quote.
    Quoted(char),
}

/// Whether the line is within a multi-line scalar of the lines before it.
pub(super) fn is_continuation<'t>(before: impl Iterator<Item = &'t str>, line: &str) -> bool {
    let mut open = None;
    for earlier in before {
        open = after(earlier, open);
    }
    match open {
        None => false,
        Some(Open::Quoted(_)) => true,
        Some(Open::Block(column)) => is_within(line, column),
    }
}

fn is_within(line: &str, column: usize) -> bool {
    line.trim().is_empty() || indentation(line) > column
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The scalar that is open after a line.
fn after(line: &str, open: Option<Open>) -> Option<Open> {
    let mut quote = match open {
        Some(Open::Block(column)) if is_within(line, column) => return open,
        Some(Open::Quoted(quote)) => Some(quote),
        _ => None,
    };
    let mut rest = line.chars().peekable();
    // Only a quote at the beginning of a scalar quotes; in the middle of a word it is a letter.
    let mut previous = ' ';
    let mut last_word = String::new();
    while let Some(c) = rest.next() {
        match quote {
            Some('"') if c == '\\' => {
                rest.next();
            }
            Some('\'') if c == '\'' && rest.peek() == Some(&'\'') => {
                rest.next();
            }
            Some(open) if c == open => quote = None,
            None if c == '#' && previous.is_whitespace() => break,
            None if matches!(c, '"' | '\'') && (begins_a_scalar(previous) || previous == c) => {
                quote = Some(c);
            }
            Some(_) | None => {}
        }
        if quote.is_none() {
            if c.is_whitespace() {
                if !previous.is_whitespace() {
                    last_word.push(' ');
                }
            } else {
                if last_word.ends_with(' ') {
                    last_word.clear();
                }
                last_word.push(c);
            }
        }
        previous = c;
    }
    if let Some(quote) = quote {
        return Some(Open::Quoted(quote));
    }
    is_block_header(last_word.trim_end()).then(|| Open::Block(column_of_content(line)))
}

/// Whether a scalar may begin after this character. Three quotes in a row (TOML) count as one open quote.
fn begins_a_scalar(previous: char) -> bool {
    previous.is_whitespace() || matches!(previous, '[' | '{' | ',' | ':' | '=')
}

/// `|` or `>`, with the indicators of indentation and chomping: `|2-`.
fn is_block_header(word: &str) -> bool {
    word.strip_prefix(['|', '>']).is_some_and(|rest| {
        rest.len() <= 2 && rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'))
    })
}

/// The column of a block scalar's key or dash; the lines of the scalar are indented deeper.
fn column_of_content(line: &str) -> usize {
    let mut column = indentation(line);
    while let Some(rest) = line.get(column..).and_then(|rest| rest.strip_prefix("- ")) {
        let next = column + 2 + indentation(rest);
        let is_item_itself = line
            .get(next..)
            .is_none_or(|item| is_block_header(item.split(' ').next().unwrap_or_default()));
        if is_item_itself {
            break;
        }
        column = next;
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_last_a_continuation(text: &str) -> bool {
        let lines: Vec<&str> = text.lines().collect();
        let (last, before) = lines.split_last().unwrap();
        is_continuation(before.iter().copied(), last)
    }

    #[test]
    fn a_line_within_a_multi_line_scalar_is_found() {
        for text in [
            "token: |\n  server: x",
            "token: |2-  # comment\n\n    a\n  server: x",
            "- >\n server: x",
            "- - name: a\n    value: >-\n     server: x",
            "token: !!str |\n  server: x",
            "token: \"abc\nserver: x",
            "token: \"a\\\"\nserver: x",
            "token: 'it''s\nserver: x",
            "{\"token\": \"abc\n\"server\": x",
            "token: &a 'abc\n\n\nserver: x",
            "token = '''\nserver = x",
            "token = \"\"\"abc\nserver = x",
        ] {
            assert!(is_last_a_continuation(text), "{text}");
        }
    }

    #[test]
    fn a_line_after_a_closed_scalar_is_not_a_continuation() {
        for text in [
            "token: abc\nserver: x",
            "token: |\n  abc\nserver: x",
            "- name: |\n    abc\n  value: x",
            "token: \"abc\"  # jane's\nserver: x",
            "name: jane's\nserver: x",
            "token: 'it''s'\nserver: x",
            "token: \"a\\\\\"\nserver: x",
            "a: [\"x\", 'y']\nserver: x",
            "installHint: use -> this\nserver: x",
        ] {
            assert!(!is_last_a_continuation(text), "{text}");
        }
    }
}
