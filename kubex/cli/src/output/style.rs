//! Colour: on a terminal only, and never when `NO_COLOR` is set (<https://no-color.org>).
//!
//! Coloured text contains marks instead of escape sequences. The one function that prints turns them into escape
//! sequences, after it has replaced all those that come from outside.

use std::io::{self, IsTerminal as _};

use kubex::Host;

/// How text is highlighted on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    is_coloured: bool,
}

impl Style {
    /// Without colour.
    #[cfg(any(test, fuzzing))]
    pub(crate) const PLAIN: Self = Self { is_coloured: false };

    pub(crate) fn for_stdout(host: &Host) -> Self {
        Self::new(host, io::stdout().is_terminal())
    }

    pub(crate) fn for_stderr(host: &Host) -> Self {
        Self::new(host, io::stderr().is_terminal())
    }

    fn new(host: &Host, is_terminal: bool) -> Self {
        let environment = host.environment();
        let is_disabled = environment.text("NO_COLOR").is_some();
        let is_dumb = environment
            .text("TERM")
            .is_some_and(|terminal| terminal == "dumb");
        Self {
            is_coloured: is_terminal && !is_disabled && !is_dumb,
        }
    }

    /// Success.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint(GOOD, text)
    }

    /// A warning.
    pub(crate) fn warning(self, text: &str) -> String {
        self.paint(WARNING, text)
    }

    /// An error.
    pub(crate) fn error(self, text: &str) -> String {
        self.paint(ERROR, text)
    }

    /// Less important text.
    pub(crate) fn faint(self, text: &str) -> String {
        self.paint(FAINT, text)
    }

    fn paint(self, mark: char, text: &str) -> String {
        if self.is_coloured && !text.is_empty() {
            format!("{mark}{text}{END}")
        } else {
            text.to_owned()
        }
    }
}

/// Characters that no text contains: Unicode reserves them for the use within a program, and text from outside is
/// cleaned of them.
const GOOD: char = '\u{fdd0}';
const WARNING: char = '\u{fdd1}';
const ERROR: char = '\u{fdd2}';
const FAINT: char = '\u{fdd3}';
const END: char = '\u{fdd4}';

/// Whether this character is the mark of a colour.
pub(super) fn is_mark(c: char) -> bool {
    escape_sequence(c).is_some()
}

/// The escape sequence of a mark.
pub(super) fn escape_sequence(c: char) -> Option<&'static str> {
    match c {
        GOOD => Some("\u{1b}[32m"),
        WARNING => Some("\u{1b}[1;33m"),
        ERROR => Some("\u{1b}[1;31m"),
        FAINT => Some("\u{1b}[2m"),
        END => Some("\u{1b}[0m"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_that_support_it_and_never_with_no_color() {
        let without = Host::real().with_variable("NO_COLOR", None::<&str>);
        let host = without.clone().with_variable("TERM", Some("xterm"));
        let coloured = Style::new(&host, true).error("x");
        let printed: String = coloured
            .chars()
            .map(|c| escape_sequence(c).map_or_else(|| c.to_string(), str::to_owned))
            .collect();
        assert_eq!(printed, "\u{1b}[1;31mx\u{1b}[0m");
        assert_eq!(Style::new(&host, false).error("x"), "x");
        let disabled = host.with_variable("NO_COLOR", Some("1"));
        assert_eq!(Style::new(&disabled, true), Style::PLAIN);
        let dumb = without.with_variable("TERM", Some("dumb"));
        assert_eq!(Style::new(&dumb, true), Style::PLAIN);
    }
}
