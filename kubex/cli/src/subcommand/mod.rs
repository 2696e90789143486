//! The subcommands, one module each.
//!
//! Only [`exec`], [`token`], [`whoami`] and [`get`] fetch a credential or send a request; the others read files and variables.

mod cache;
mod completions;
mod config;
mod contexts;
pub(crate) mod exec;
mod explain;
mod get;
mod man;
mod providers;
mod request;
mod resolve;
mod schema;
mod sources;
mod token;
mod whoami;
mod wrap;

use crate::failure::Failure;
use crate::output::{Format, FormatArgument, ListArguments, OutputArguments};
use crate::session::Session;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Show the outcome of each source of the chain, and the location of each field that is used
    ///
    /// Runs no plugin and opens no connection.
    Explain(explain::Arguments),
    /// Show the client configuration that is used, without its secrets
    ///
    /// Runs no plugin and opens no connection.
    Resolve(OutputArguments),
    /// Print the current bearer token
    Token(token::Arguments),
    /// Show the identity in the current credential
    Whoami(whoami::Arguments),
    /// Send one authenticated GET request and print the response body
    Get(get::Arguments),
    /// Act as an exec plugin, and print a credential that all programs share
    ///
    /// Runs the plugin after `--`, or takes the credential of a configured source, and keeps it until it expires.
    Exec(exec::Arguments),
    /// Show or clear the shared credentials
    Cache(cache::Arguments),
    /// Change the exec users of the kubeconfig, or that of --context, to run `kubex exec`
    Wrap(wrap::Arguments),
    /// Undo `wrap`
    Unwrap(wrap::UnwrapArguments),
    /// List the contexts of the kubeconfig
    Contexts(ListArguments),
    /// List the configured sources, those of the chain first
    Sources(ListArguments),
    /// Show or check the configuration of Kubex
    Config(config::Arguments),
    /// Print the JSON Schema of the configuration
    Schema,
    /// List the providers that are linked into this program
    Providers(ListArguments),
    /// Print a completion script for a shell
    ///
    /// bash: source <(kubex completions bash). zsh: source <(kubex completions zsh). fish: kubex completions fish | source
    Completions(completions::Arguments),
    /// Print a manual page
    Man(man::Arguments),
}

impl Subcommand {
    /// Whether it may fetch a credential or send a request.
    pub(crate) fn is_online(&self) -> bool {
        matches!(
            self,
            Self::Token(_) | Self::Whoami(_) | Self::Get(_) | Self::Exec(_)
        )
    }

    /// Sets the output format that was written before the subcommand. `false` if the subcommand does not have it.
    pub(crate) fn set_format(&mut self, format: Format) -> bool {
        let argument: &mut dyn FormatArgument = match self {
            Self::Explain(arguments) => &mut arguments.output,
            Self::Resolve(arguments) => arguments,
            Self::Contexts(arguments) | Self::Sources(arguments) | Self::Providers(arguments) => arguments,
            Self::Token(arguments) => &mut arguments.output,
            Self::Whoami(arguments) => &mut arguments.output,
            Self::Config(arguments) => match arguments.output() {
                Some(output) => output,
                None => return false,
            },
            Self::Cache(arguments) => match arguments.output() {
                Some(output) => output,
                None => return false,
            },
            Self::Wrap(_)
            | Self::Unwrap(_)
            | Self::Exec(_)
            | Self::Get(_)
            | Self::Schema
            | Self::Completions(_)
            | Self::Man(_) => {
                return false;
            }
        };
        argument.set_default(format)
    }

    /// Runs it. `grammar` makes the grammar of the whole command line.
    pub(crate) async fn run(self, session: &Session, grammar: fn() -> clap::Command) -> Result<(), Failure> {
        match self {
            Self::Explain(arguments) => Box::pin(explain::run(&arguments, session)).await,
            Self::Resolve(arguments) => resolve::run(&arguments, session).await,
            Self::Token(arguments) => token::run(&arguments, session).await,
            Self::Whoami(arguments) => whoami::run(&arguments, session).await,
            Self::Get(arguments) => get::run(&arguments, session).await,
            Self::Exec(arguments) => exec::run(&arguments, session).await,
            Self::Cache(arguments) => Box::pin(cache::run(&arguments, session, grammar)).await,
            Self::Wrap(arguments) => wrap::wrap(&arguments, session).await,
            Self::Unwrap(arguments) => wrap::unwrap(&arguments, session).await,
            Self::Contexts(arguments) => contexts::run(&arguments, session).await,
            Self::Sources(arguments) => sources::run(&arguments, session).await,
            Self::Config(arguments) => config::run(&arguments, session).await,
            Self::Schema => schema::run(),
            Self::Providers(arguments) => providers::run(&arguments, session),
            Self::Completions(arguments) => completions::run(&arguments),
            Self::Man(arguments) => man::run(&arguments, grammar()),
        }
    }
}
