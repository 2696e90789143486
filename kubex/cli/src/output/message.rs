//! The only writer of stdout and stderr: everything but a requested secret passes through [`sanitize`].

use std::io::{self, IsTerminal as _, Write};

use kubex::text::{clean, sanitize};

use super::style::{escape_sequence, is_mark};

/// Prints a message on stderr. A closed stderr is ignored.
pub(crate) fn print_message(message: &str) {
    let stderr = io::stderr();
    let text = printable(message, sanitize, stderr.is_terminal());
    let _ = writeln!(stderr.lock(), "{text}");
}

/// Prints a text on stdout.
pub(crate) fn print_text(text: &str) -> io::Result<()> {
    let stdout = io::stdout();
    let text = printable(text, sanitize, stdout.is_terminal());
    stdout.lock().write_all(text.as_bytes())
}

/// Prints a secret that was asked for, or the body of a response. Control characters are replaced on a terminal.
pub(crate) fn print_requested(text: &[u8]) -> io::Result<()> {
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let mut stdout = stdout.lock();
    if is_terminal {
        stdout.write_all(clean(&String::from_utf8_lossy(text)).as_bytes())?;
    } else {
        stdout.write_all(text)?;
    }
    stdout.flush()
}

/// The text between the marks of colours is sanitized, and the marks become escape sequences.
fn printable(text: &str, sanitize: impl Fn(&str) -> std::borrow::Cow<'_, str>, is_terminal: bool) -> String {
    let mut printable = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_mark) {
        let mark = piece.chars().next_back().filter(|c| is_mark(*c));
        let piece = piece.trim_end_matches(is_mark);
        printable.push_str(&sanitize(piece));
        if is_terminal && let Some(sequence) = mark.and_then(escape_sequence) {
            printable.push_str(sequence);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marks_of_colours_become_escape_sequences() {
        let text = "\u{fdd2}error:\u{fdd4} a\u{1b}[31mb\u{9b}31m\u{202e}c";
        assert_eq!(
            printable(text, sanitize, true),
            "\u{1b}[1;31merror:\u{1b}[0m aU+001B[31mbU+009B31mU+202Ec"
        );
        assert_eq!(
            printable(text, sanitize, false),
            "error: aU+001B[31mbU+009B31mU+202Ec"
        );
    }
}
