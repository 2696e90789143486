//! `kubex completions SHELL`: the script that completes the command line.

use clap::Args;
use clap_complete::Shell;

use crate::arguments;
use crate::failure::Failure;
use crate::session::Session;

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut arguments::command(false),
        "kubex",
        &mut script,
    );
    session.print(&String::from_utf8_lossy(&script))
}
