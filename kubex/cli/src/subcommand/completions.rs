//! `kubex completions SHELL`: a completion script.

use clap::Args;

use crate::completion::{Shell, script};
use crate::failure::Failure;
use crate::output;

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    Ok(output::print_text(&script(arguments.shell))?)
}
