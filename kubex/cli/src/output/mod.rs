//! The output of a subcommand: a table for a person, JSON or YAML for a program.
//!
//! Names and messages come from untrusted files and servers. Every format neutralizes control characters and those that
//! change how other text is displayed.

mod format;
mod json;
mod message;
mod style;
mod table;

use std::io::{self, IsTerminal as _, Write as _};

use kubex::Host;
use serde::Serialize;

pub(crate) use self::format::{Format, OutputArguments};
pub(crate) use self::json::json;
pub(crate) use self::message::print_message;
pub(crate) use self::style::Style;
pub(crate) use self::table::Table;

/// The data that a subcommand prints, in any format.
pub(crate) trait Output: Serialize {
    /// For a person. Untrusted text goes through a [`Table`] or is cleaned.
    fn table(&self, style: Style) -> String;
}

/// Prints an output on stdout.
pub(crate) fn print(output: &impl Output, format: Format, host: &Host) -> io::Result<()> {
    print_text(&match format {
        Format::Table => output.table(Style::for_stdout(host)),
        Format::Json => json(output)?,
        Format::Yaml => json::yaml(output)?,
    })
}

/// Prints text on stdout that is clean already.
pub(crate) fn print_text(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// Whether stdout is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}
