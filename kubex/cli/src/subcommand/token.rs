//! `kubex token`: the current bearer token, for programs that cannot link Kubex.

use clap::Args;
use kubex::{ClientConfiguration, Error, ErrorKind, ExposeSecret as _};
use serde::Serialize;

use super::whoami::expired;
use crate::failure::{Failure, status};
use crate::output::{self, Output, OutputArguments, Style};
use crate::session::{Session, waiting_for};
use crate::view::rfc3339;

/// The arguments of `token`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print the token even if stdout is a terminal
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// The token, and where it comes from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CurrentToken<'a> {
    token: &'a str,
    expires_at: Option<String>,
    credential_source: &'a str,
}

impl Output for CurrentToken<'_> {
    const IS_SECRET: bool = true;

    fn table(&self, _: Style) -> String {
        format!("{}\n", self.token)
    }
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    if output::is_terminal() && !arguments.show {
        let failure = Failure::new(status::USAGE, "the token is not printed to a terminal");
        return Err(failure.with_help("redirect stdout, or use --show"));
    }
    let configuration = session.resolve_and_warn().await?;
    refuse_impersonation(&configuration)?;
    let fetching = Box::pin(configuration.credentials().current());
    let credential = waiting_for(&configuration, &session.host, fetching).await?;
    let Some(token) = credential.token() else {
        let error = Error::new(
            ErrorKind::MissingField,
            format_args!("expected a bearer token, found: {}", credential.description()),
        );
        return Err(error
            .with_help("run kubex whoami to see the identity in the credential")
            .into());
    };
    let end = credential
        .expires_at()
        .or_else(|| kubex::credential::jwt::expiry(token.expose_secret()));
    let output = CurrentToken {
        token: token.expose_secret(),
        expires_at: end.map(rfc3339),
        credential_source: credential.provenance(),
    };
    output::print(&output, arguments.output.format(), &session.host)?;
    if end.is_some_and(|end| end <= session.host.now().wall) {
        return Err(expired("the token").into());
    }
    Ok(())
}

/// Refuses to print the credential of a configuration that impersonates: requests with the credential alone would have the
/// rights of its own user.
pub(super) fn refuse_impersonation(configuration: &ClientConfiguration) -> kubex::Result<()> {
    let Some(impersonation) = configuration.impersonation() else {
        return Ok(());
    };
    let error = Error::new(
        ErrorKind::Unsupported,
        format_args!(
            "the requests of this configuration impersonate \"{}\", and a credential cannot express that",
            impersonation.user
        ),
    )
    .with_help("use kubex get, or remove \"as\"");
    Err(match configuration.provenance().origin_of("as") {
        Some(origin) => error.with_origin(origin),
        None => error,
    })
}
