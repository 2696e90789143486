//! `kubex token`: the current bearer token, for a program that cannot ask Kubex itself.

use clap::Args;
use kubex::{Error, ErrorKind, ExposeSecret as _};
use serde::Serialize;

use crate::arguments::FormatArgument;
use crate::failure::Failure;
use crate::page;
use crate::session::Session;
use crate::status;

/// How to print the token.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print it to a terminal too, where others may see it
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    format: FormatArgument,
}

/// The token and what is known of it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Printed<'a> {
    token: &'a str,
    expires_at: Option<String>,
    given_by: &'a str,
}

impl page::Page for Printed<'_> {
    fn table(&self, _: crate::style::Style) -> String {
        format!("{}\n", self.token)
    }
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    if session.prints_to_a_terminal() && !arguments.show {
        let failure = Failure::told(status::USAGE, "a token is not printed to a terminal");
        return Err(failure.with_help("send it to a program or a file, or give --show"));
    }
    let configuration = session.resolve_and_warn().await?;
    let credential = configuration.credentials().current().await?;
    let Some(token) = credential.token() else {
        let error = Error::new(
            ErrorKind::MissingField,
            format_args!(
                "there is no bearer token: the credential is {}",
                credential.description()
            ),
        );
        return Err(error
            .with_help("see by kubex resolve what the credential is")
            .into());
    };
    let page = Printed {
        token: token.expose_secret(),
        expires_at: credential
            .expires_at()
            .map(|time| kubex::time::rfc3339(time).to_string()),
        given_by: credential.provenance(),
    };
    page::print(&page, arguments.format.output, session)
}
