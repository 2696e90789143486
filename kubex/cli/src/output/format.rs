//! The formats of an output, and the arguments that select one.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};

/// The argument of a subcommand that prints an output.
#[derive(Debug, Args)]
pub(crate) struct OutputArguments {
    /// The output format; default: table
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_parser = without_names())]
    format: Option<Format>,
}

/// The argument of a subcommand that prints a list of things with names.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// The output format; default: table
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_enum)]
    format: Option<Format>,
}

/// The formats of an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for a person
    #[default]
    Table,
    /// JSON for a program
    Json,
    /// The same data as YAML
    Yaml,
    /// One name per line
    Name,
}

/// An argument whose value may also be written before the subcommand.
pub(crate) trait FormatArgument {
    /// Sets the format, unless it was written after the subcommand. `false` if the subcommand does not have it.
    fn set_default(&mut self, format: Format) -> bool;
}

impl OutputArguments {
    pub(crate) fn format(&self) -> Format {
        self.format.unwrap_or_default()
    }
}

impl ListArguments {
    pub(crate) fn format(&self) -> Format {
        self.format.unwrap_or_default()
    }
}

impl FormatArgument for OutputArguments {
    fn set_default(&mut self, format: Format) -> bool {
        self.format.get_or_insert(format);
        self.format != Some(Format::Name)
    }
}

impl FormatArgument for ListArguments {
    fn set_default(&mut self, format: Format) -> bool {
        self.format.get_or_insert(format);
        true
    }
}

fn without_names() -> impl clap::builder::TypedValueParser<Value = Format> {
    let values = Format::value_variants()
        .iter()
        .filter(|format| **format != Format::Name);
    let values: Vec<_> = values.filter_map(ValueEnum::to_possible_value).collect();
    // The parser accepts the names of formats only.
    PossibleValuesParser::new(values).map(|name| Format::from_str(&name, true).unwrap_or_default())
}
