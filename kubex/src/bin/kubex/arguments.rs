//! What the command is told on its command line.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, ValueEnum};

use crate::flags::Flags;
use crate::{completions, config, get, man, status, token, whoami};

/// Tells which Kubernetes API server to talk to, and as whom: from the kubeconfig, from the pod this runs in, or
/// as it is configured.
///
/// Data goes to standard output, words to standard error. Exit status: 0 ok, 1 the server was not reached or refused
/// the request, 2 usage, 3 nothing is configured, 4 the configuration is invalid, 5 what gives the credential failed,
/// 6 timed out, 7 refused by a policy, 8 the credential was rejected or has expired.
#[derive(Debug, Parser)]
#[command(
    name = "kubex",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) flags: Flags,
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Show what each source of the chain says, and where each field of the answer was written down
    ///
    /// Runs no plugin and opens no connection.
    Explain(PageArguments),
    /// Show the effective client configuration, without its secrets
    ///
    /// Runs no plugin and opens no connection.
    Resolve(PageArguments),
    /// Print the current bearer token
    Token(token::Arguments),
    /// Show who the current credential says you are
    Whoami(whoami::Arguments),
    /// Print the answer to one authenticated GET of a path on the server
    Get(get::Arguments),
    /// List the contexts of the kubeconfig
    Contexts(PageArguments),
    /// List the sources of the chain, and those that are configured beside it
    Sources(PageArguments),
    /// Look at the configuration of the chain
    Config(config::Arguments),
    /// Print the JSON Schema of the configuration
    Schema,
    /// List the providers that are linked into this program
    Providers(PageArguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Print the manual page
    Man(man::Arguments),
}

impl Subcommand {
    /// Whether it may fetch a credential or send a request, and so needs more than files.
    pub(crate) fn is_online(&self) -> bool {
        matches!(self, Self::Token(_) | Self::Whoami(_) | Self::Get(_))
    }
}

/// The arguments of a subcommand that shows one page.
#[derive(Debug, Args)]
pub(crate) struct PageArguments {
    #[command(flatten)]
    pub(crate) format: FormatArgument,
}

/// How a page is shown.
#[derive(Debug, Args)]
pub(crate) struct FormatArgument {
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
}

/// The forms of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    #[default]
    Table,
    /// For a program
    Json,
    /// The same, as YAML
    Yaml,
}

impl Arguments {
    /// Reads the command line. What is wrong with it, and what only asks for help, is told here.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        let mut words = std::env::args_os();
        let program = words.next().unwrap_or_default();
        let is_plugin = Path::new(&program)
            .file_stem()
            .is_some_and(|name| name == "kubectl-kubex");
        let mut command = command(is_plugin);
        let matches = command.try_get_matches_from_mut(std::iter::once(program).chain(words));
        matches
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|error| status::misused(&error))
    }
}

/// The command line's grammar. kubectl runs a program of the name `kubectl-kubex` as `kubectl kubex`.
pub(crate) fn command(is_plugin: bool) -> clap::Command {
    let command = Arguments::command();
    if is_plugin {
        command.bin_name("kubectl kubex").display_name("kubectl kubex")
    } else {
        command.bin_name("kubex")
    }
}
