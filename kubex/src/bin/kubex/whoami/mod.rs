//! `kubex whoami`: who the current credential says you are, or with `--online` who the server says you are.
//!
//! Without `--online` no request is sent to the server. The credential itself is fetched all the same, which may
//! run a plugin. What a token says of itself is not verified: the server does that.

mod certificate;
mod review;
mod token;

use clap::Args;
use kubex::{ClientConfiguration, ExposeSecret as _};
use serde::Serialize;

use self::certificate::CertificateIdentity;
use self::token::TokenIdentity;
use crate::arguments::FormatArgument;
use crate::failure::Failure;
use crate::page::{self, Page, Table};
use crate::resolve::ActingAs;
use crate::say::say;
use crate::server::TimeoutArgument;
use crate::session::Session;
use crate::style::Style;

/// Who is asked.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Ask the server (SelfSubjectReview)
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    timeout: TimeoutArgument,
    #[command(flatten)]
    format: FormatArgument,
}

/// What the credential says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Claimed {
    server: String,
    credential: &'static str,
    given_by: String,
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<TokenIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acting_as: Option<ActingAs>,
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.resolve_and_warn().await?;
    let format = arguments.format.output;
    if arguments.online {
        let review = review::ask(&configuration);
        let page = arguments.timeout.within(session, review).await?;
        return page::print(&page, format, session);
    }
    let page = Claimed::of(&configuration, session).await?;
    if page.token.as_ref().is_some_and(TokenIdentity::says_who) {
        say("note: what a token says of itself is not verified here; give --online to ask the server");
    }
    page::print(&page, format, session)
}

impl Claimed {
    async fn of(configuration: &ClientConfiguration, session: &Session) -> Result<Self, Failure> {
        let credential = configuration.credentials().current().await?;
        let now = jiff::Timestamp::try_from(session.host.now().wall).unwrap_or_default();
        let token = credential.token();
        let certificate = credential
            .certificate()
            .and_then(|pair| pair.chain().first().cloned());
        Ok(Self {
            server: configuration.cluster().server.as_str().to_owned(),
            credential: credential.description(),
            given_by: configuration.credentials().describe(),
            expires_at: credential
                .expires_at()
                .map(|time| kubex::time::rfc3339(time).to_string()),
            token: token.map(|token| TokenIdentity::of(token.expose_secret(), now)),
            certificate: certificate
                .map(|certificate| CertificateIdentity::of(&certificate, now))
                .transpose()?,
            username: credential.basic_pair().map(|(name, _)| name.to_owned()),
            acting_as: configuration.impersonation().map(ActingAs::of),
        })
    }
}

impl Page for Claimed {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["FIELD", "VALUE"]);
        table.row(["server", &self.server]);
        table.row(["credential", self.credential]);
        table.row(["given by", &self.given_by]);
        if let Some(time) = &self.expires_at {
            table.row(["expires at", time]);
        }
        let mut rows = Vec::new();
        rows.extend(self.token.iter().flat_map(TokenIdentity::rows));
        rows.extend(self.certificate.iter().flat_map(CertificateIdentity::rows));
        rows.extend(self.username.clone().map(|name| ("username".to_owned(), name)));
        rows.extend(
            self.acting_as
                .iter()
                .map(|it| ("acting as".to_owned(), it.text())),
        );
        for (field, value) in &rows {
            table.row([field.as_str(), value]);
        }
        table.render(style)
    }
}
