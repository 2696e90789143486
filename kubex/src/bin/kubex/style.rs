//! Colour: on a terminal only, and never where `NO_COLOR` is set (<https://no-color.org>).

use std::io::{self, IsTerminal as _};

use kubex::Host;

/// How words are set off on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    is_coloured: bool,
}

impl Style {
    /// Without colour.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { is_coloured: false };

    pub(crate) fn of_standard_output(host: &Host) -> Self {
        Self::of(host, io::stdout().is_terminal())
    }

    pub(crate) fn of_standard_error(host: &Host) -> Self {
        Self::of(host, io::stderr().is_terminal())
    }

    fn of(host: &Host, is_terminal: bool) -> Self {
        let environment = host.environment();
        let is_unwanted = environment.text("NO_COLOR").is_some();
        let is_unable = environment
            .text("TERM")
            .is_some_and(|terminal| terminal == "dumb");
        Self {
            is_coloured: is_terminal && !is_unwanted && !is_unable,
        }
    }

    /// What went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What should be known.
    pub(crate) fn warning(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// What went wrong.
    pub(crate) fn error(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// What may be passed over.
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
    fn colour_needs_a_terminal_and_leave() {
        let without = Host::real().with_variable("NO_COLOR", None::<&str>);
        let host = without.clone().with_variable("TERM", Some("xterm"));
        assert_eq!(Style::of(&host, true).error("x"), "\u{1b}[1;31mx\u{1b}[0m");
        assert_eq!(Style::of(&host, false).error("x"), "x");
        let unwanted = host.with_variable("NO_COLOR", Some("1"));
        assert_eq!(Style::of(&unwanted, true), Style::PLAIN);
        let dumb = without.with_variable("TERM", Some("dumb"));
        assert_eq!(Style::of(&dumb, true), Style::PLAIN);
    }
}
