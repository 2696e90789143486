//! Colour: on a terminal only, and never when `NO_COLOR` is set (<https://no-color.org>).

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
        self.paint("32", text)
    }

    /// A warning.
    pub(crate) fn warning(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// An error.
    pub(crate) fn error(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// Less important text.
    pub(crate) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.is_coloured && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_that_support_it_and_never_with_no_color() {
        let without = Host::real().with_variable("NO_COLOR", None::<&str>);
        let host = without.clone().with_variable("TERM", Some("xterm"));
        assert_eq!(Style::new(&host, true).error("x"), "\u{1b}[1;31mx\u{1b}[0m");
        assert_eq!(Style::new(&host, false).error("x"), "x");
        let disabled = host.with_variable("NO_COLOR", Some("1"));
        assert_eq!(Style::new(&disabled, true), Style::PLAIN);
        let dumb = without.with_variable("TERM", Some("dumb"));
        assert_eq!(Style::new(&dumb, true), Style::PLAIN);
    }
}
