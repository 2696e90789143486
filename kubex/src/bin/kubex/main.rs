//! The command `kubex`: which Kubernetes API server a program here would talk to, as whom, and why.
//!
//! Data goes to standard output and words to standard error; the exit status tells the class of a failure.
//! One file a subcommand. What is shown is made by `page.rs`, which cleans it; what failed is told by
//! `failure.rs`; which chain is asked is said by the configuration and the flags (`session.rs`, `flags.rs`).
//!
//! Only `token`, `whoami` and `get` do more than read files and variables: the runtime of the others has no driver for
//! sockets and processes at all.

mod arguments;
mod completions;
mod config;
mod contexts;
mod excerpt;
mod explain;
mod failure;
mod flags;
mod get;
mod man;
mod page;
mod place;
mod providers;
mod resolve;
mod say;
mod schema;
mod server;
mod session;
mod sources;
mod status;
mod style;
mod token;
mod whoami;

use std::process::ExitCode;

use arguments::{Arguments, Subcommand};
use failure::Failure;
use session::Session;

fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(told) => return told,
    };
    let is_online = arguments.subcommand.is_online();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = if is_online {
        runtime.enable_all()
    } else {
        runtime.enable_time()
    };
    let session = Session::new(arguments.flags);
    match runtime.build() {
        Ok(runtime) => runtime.block_on(async {
            match run(arguments.subcommand, &session).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => failure.tell(&session).await,
            }
        }),
        Err(error) => status::cannot_start(&error),
    }
}

async fn run(subcommand: Subcommand, session: &Session) -> Result<(), Failure> {
    match subcommand {
        Subcommand::Explain(arguments) => explain::run(&arguments, session).await,
        Subcommand::Resolve(arguments) => resolve::run(&arguments, session).await,
        Subcommand::Token(arguments) => token::run(&arguments, session).await,
        Subcommand::Whoami(arguments) => whoami::run(&arguments, session).await,
        Subcommand::Get(arguments) => get::run(&arguments, session).await,
        Subcommand::Contexts(arguments) => contexts::run(&arguments, session).await,
        Subcommand::Sources(arguments) => sources::run(&arguments, session).await,
        Subcommand::Config(arguments) => config::run(&arguments, session).await,
        Subcommand::Schema => schema::run(session),
        Subcommand::Providers(arguments) => providers::run(&arguments, session),
        Subcommand::Completions(arguments) => completions::run(&arguments, session),
        Subcommand::Man(arguments) => man::run(&arguments, session),
    }
}
