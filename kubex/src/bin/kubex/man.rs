//! `kubex man`: the manual page of the command, or of one of its subcommands, in roff.

use clap::Args;
use clap_mangen::Man;

use crate::arguments;
use crate::failure::Failure;
use crate::session::Session;
use crate::status;

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A subcommand, in place of the whole command
    subcommand: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let mut command = arguments::command(false);
    command.build();
    let page = match &arguments.subcommand {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(subcommand) => subcommand.clone(),
            None => {
                return Err(
                    Failure::told(status::USAGE, "there is no such subcommand").with_help("see kubex --help")
                );
            }
        },
    };
    let mut roff = Vec::new();
    Man::new(page).render(&mut roff)?;
    session.print(&String::from_utf8_lossy(&roff))
}
