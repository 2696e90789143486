//! The output of a subcommand: a table for a person, JSON or YAML for a program.
//!
//! Names and messages come from untrusted files and servers. Every format hides the secrets that this process holds, and
//! neutralizes control characters and those that change how other text is displayed. Only `message.rs` writes to stdout
//! and stderr, which a test checks (`tests/command/canary.rs`).

mod format;
mod json;
mod message;
mod style;
mod table;

use std::io::{self, IsTerminal as _};

use kubex::Host;
use serde::Serialize;

pub(crate) use self::format::{Format, FormatArgument, ListArguments, OutputArguments};
pub(crate) use self::json::json;
pub(crate) use self::message::{print_message, print_requested, print_text};
pub(crate) use self::style::Style;
pub(crate) use self::table::Table;

/// The data that a subcommand prints, in any format.
pub(crate) trait Output: Serialize {
    /// Whether the output is a secret that the user asked for.
    const IS_SECRET: bool = false;

    /// The names, for a list of things with names.
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }

    /// For a person.
    fn table(&self, style: Style) -> String;
}

/// Prints an output on stdout.
pub(crate) fn print<T: Output>(output: &T, format: Format, host: &Host) -> io::Result<()> {
    match format {
        Format::Table if T::IS_SECRET => print_requested(output.table(Style::for_stdout(host)).as_bytes()),
        Format::Table => print_text(&output.table(Style::for_stdout(host))),
        Format::Name => {
            let names = output.names().into_iter();
            print_text(&names.flat_map(|name| [name, "\n"]).collect::<String>())
        }
        Format::Json => print_requested(json(output, T::IS_SECRET)?.as_bytes()),
        Format::Yaml => print_requested(json::yaml(output, T::IS_SECRET)?.as_bytes()),
    }
}

/// The line with what to do about an error, and the further lines of a longer help below its beginning.
pub(crate) fn help_lines(help: &str) -> String {
    let mut text = String::from("  help: ");
    for (number, line) in help.lines().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        if number > 0 && !line.is_empty() {
            text.push_str("        ");
        }
        text.push_str(line);
    }
    text
}

/// Whether stdout is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}
