//! The formats of an output, and the argument that selects one.

use clap::{Args, ValueEnum};

/// The argument of every subcommand that prints an output.
#[derive(Debug, Args)]
pub(crate) struct OutputArguments {
    /// The output format
    #[arg(
        short = 'o',
        long = "output",
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub(crate) format: Format,
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
}
