//! `kubex whoami`: the identity in the current credential, or with `--online` the identity that the server reports.
//!
//! Without `--online` no request is sent to the server. The credential is fetched nevertheless, which may run a plugin.
//! The claims of a token are not verified: only the server can do that.

mod certificate;
mod review;
mod token;

use std::time::{Duration, SystemTime};

use clap::Args;
use kubex::{ClientConfiguration, Error, ErrorKind, ExposeSecret as _};
use serde::Serialize;

use self::certificate::CertificateIdentity;
use self::token::TokenIdentity;
use super::request::{TimeoutArgument, duration};
use crate::failure::Failure;
use crate::output::{self, Output, OutputArguments, Style, Table, print_message};
use crate::session::{Session, waiting_for};
use crate::view::{Impersonation, rfc3339};

/// The arguments of `whoami`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Ask the server (SelfSubjectReview) instead of reading the credential
    #[arg(long)]
    online: bool,
    /// End with status 8 if the credential expires within this time (30m, 24h)
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "online")]
    expires_within: Option<Duration>,
    #[command(flatten)]
    timeout: TimeoutArgument,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// The identity in the credential.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    server: String,
    credential: &'static str,
    credential_source: String,
    /// The end of the credential: the earliest of the times that are known.
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<TokenIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonation: Option<Impersonation>,
    /// What of the credential has expired.
    #[serde(skip)]
    expired: Option<&'static str>,
    #[serde(skip)]
    end: Option<SystemTime>,
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.resolve_and_warn().await?;
    let format = arguments.output.format();
    if arguments.online {
        let review = review::ask(&configuration, session);
        let review = arguments.timeout.within(session, review);
        let review = waiting_for(&configuration, &session.host, Box::pin(review)).await?;
        return Ok(output::print(&review, format, &session.host)?);
    }
    let identity = Identity::read(&configuration, session).await?;
    match &identity.token {
        Some(token) if token.has_claims() => {
            print_message("note: the claims of the token are not verified; use --online to ask the server");
        }
        Some(_) => print_message(
            "note: only the server can read this token; use --online to ask the server for the identity",
        ),
        None => {}
    }
    output::print(&identity, format, &session.host)?;
    match (identity.expired, arguments.expires_within) {
        (Some(what), _) => Err(expired(what).into()),
        (None, Some(time)) => Ok(identity.check_end(session.host.now().wall, time)?),
        (None, None) => Ok(()),
    }
}

/// The error of a credential that has expired. It is printed nevertheless.
pub(super) fn expired(what: &str) -> Error {
    Error::new(ErrorKind::Expired, format_args!("{what} has expired")).with_help(
        "log in again with the tool that issued the credential; kubex explain shows where it is configured",
    )
}

impl Identity {
    async fn read(configuration: &ClientConfiguration, session: &Session) -> Result<Self, Failure> {
        let fetching = Box::pin(configuration.credentials().current());
        let credential = waiting_for(configuration, &session.host, fetching).await?;
        let now = session.host.now().wall;
        let token = credential.token();
        let certificate = credential
            .certificate()
            .and_then(|pair| pair.chain().first().cloned());
        let token = token.map(|token| TokenIdentity::read(token.expose_secret(), now));
        let certificate = certificate
            .map(|certificate| CertificateIdentity::read(&certificate, now))
            .transpose()?;
        let expired = if token.as_ref().is_some_and(TokenIdentity::is_expired) {
            Some("the token")
        } else if certificate.as_ref().is_some_and(CertificateIdentity::is_expired) {
            Some("the client certificate")
        } else {
            let is_over = credential.expires_at().is_some_and(|end| end <= now);
            is_over.then_some("the credential")
        };
        let ends = [
            credential.expires_at(),
            token.as_ref().and_then(TokenIdentity::end),
            certificate.as_ref().and_then(CertificateIdentity::end),
        ];
        let end = ends.into_iter().flatten().min();
        Ok(Self {
            expired,
            end,
            server: configuration.cluster().server.to_string(),
            credential: credential.description(),
            credential_source: configuration.credentials().describe(),
            expires_at: end.map(rfc3339),
            token,
            certificate,
            username: credential.basic_pair().map(|(name, _)| name.to_owned()),
            impersonation: configuration.impersonation().map(Impersonation::from),
        })
    }

    /// Checks that the credential does not end within this time. A credential whose end is not known passes.
    fn check_end(&self, now: SystemTime, time: Duration) -> kubex::Result<()> {
        let Some(end) = self
            .end
            .filter(|end| end.duration_since(now).unwrap_or_default() <= time)
        else {
            return Ok(());
        };
        let message = format!(
            "the credential expires at {}, within the time of --expires-within",
            rfc3339(end)
        );
        Err(Error::new(ErrorKind::Expired, message)
            .with_help("renew it with the tool that issued the credential"))
    }
}

impl Output for Identity {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["FIELD", "VALUE"]);
        table.row(["server", &self.server]);
        table.row(["credential", self.credential]);
        table.row(["credential source", &self.credential_source]);
        if let Some(time) = &self.expires_at {
            table.row(["expires at", time]);
        }
        let mut rows = Vec::new();
        rows.extend(self.token.iter().flat_map(TokenIdentity::rows));
        rows.extend(self.certificate.iter().flat_map(CertificateIdentity::rows));
        rows.extend(self.username.clone().map(|name| ("username".to_owned(), name)));
        rows.extend(
            self.impersonation
                .iter()
                .map(|it| ("impersonation".to_owned(), it.text())),
        );
        for (field, value) in &rows {
            table.row([field.as_str(), value]);
        }
        table.render(style)
    }
}
