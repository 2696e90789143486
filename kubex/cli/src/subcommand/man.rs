//! `kubex man`: the manual page of the command or of a subcommand, in roff.

use clap::{Args, Command};
use clap_mangen::Man;

use crate::arguments::without_refused_flags;
use crate::failure::{Failure, status};
use crate::output;

/// The arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The subcommand to describe; without it, the page describes the whole command
    subcommand: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, grammar: Command) -> Result<(), Failure> {
    let mut grammar = without_refused_flags(grammar);
    grammar.build();
    let page = match &arguments.subcommand {
        None => grammar,
        Some(name) => match grammar.find_subcommand(name) {
            Some(subcommand) => subcommand.clone(),
            None => {
                return Err(Failure::new(status::USAGE, "there is no such subcommand")
                    .with_help("run kubex --help to list the subcommands"));
            }
        },
    };
    let mut roff = Vec::new();
    Man::new(page).render(&mut roff)?;
    Ok(output::print_text(&String::from_utf8_lossy(&roff))?)
}
