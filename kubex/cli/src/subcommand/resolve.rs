//! `kubex resolve`: the client configuration that is used, without its secrets.

use kubex::{ClientConfiguration, Credential};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Output, OutputArguments, Style, Table};
use crate::session::Session;
use crate::view::{Impersonation, Location, Warning, ca_digests, path_of};

/// The client configuration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resolved {
    /// The source of the chain that was chosen.
    source: Option<String>,
    server: String,
    trust: ServerTrust,
    tls_server_name: Option<String>,
    proxy_url: Option<String>,
    disable_compression: bool,
    namespace: String,
    impersonation: Option<Impersonation>,
    credential: CredentialSummary,
    warnings: Vec<Warning>,
}

/// How the server's certificate is verified.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerTrust {
    /// `system`, `ca-bundle` or `insecure`.
    kind: &'static str,
    /// The SHA-256 of each certificate of the CA bundle, in hexadecimal.
    sha256: Vec<String>,
    /// The file of the CA bundle, if it is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Location>,
}

/// How requests are authenticated.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialSummary {
    kind: &'static str,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Location>,
}

pub(crate) async fn run(arguments: &OutputArguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.resolve().await?;
    let mut resolved = Resolved::from(&configuration);
    resolved.trust.path = path_of("certificate-authority", &configuration, &session.host).await;
    Ok(output::print(&resolved, arguments.format(), &session.host)?)
}

impl From<&ClientConfiguration> for Resolved {
    fn from(configuration: &ClientConfiguration) -> Self {
        let cluster = configuration.cluster();
        Self {
            source: configuration
                .report()
                .chosen()
                .map(|attempt| attempt.source.clone()),
            server: cluster.server.to_string(),
            trust: ServerTrust::from(configuration),
            tls_server_name: cluster.tls_server_name.clone(),
            proxy_url: cluster.proxy.as_ref().map(ToString::to_string),
            disable_compression: cluster.disable_compression,
            namespace: configuration.namespace().to_owned(),
            impersonation: configuration.impersonation().map(Impersonation::from),
            credential: CredentialSummary::from(configuration),
            warnings: Warning::from_all(configuration.warnings()),
        }
    }
}

impl From<&ClientConfiguration> for ServerTrust {
    fn from(configuration: &ClientConfiguration) -> Self {
        let trust = &configuration.cluster().trust;
        let origin = TRUST_FIELDS
            .iter()
            .find_map(|field| configuration.provenance().origin_of(field));
        Self {
            kind: trust.id(),
            sha256: ca_digests(trust),
            path: None,
            origin: origin.map(Location::from),
        }
    }
}

const TRUST_FIELDS: &[&str] = &[
    "certificate-authority-data",
    "certificate-authority",
    "insecure-skip-tls-verify",
];

/// The kind of a credential by the field that it comes from; the first that is set counts.
const CREDENTIAL_KINDS: &[(&str, &str)] = &[
    ("command", "exec"),
    ("idp-issuer-url", "oidc"),
    ("token-file", "token-file"),
    ("token", "token"),
    ("username", "basic"),
    ("client-certificate-data", "client-certificate"),
    ("client-certificate", "client-certificate"),
];

impl From<&ClientConfiguration> for CredentialSummary {
    fn from(configuration: &ClientConfiguration) -> Self {
        let description = configuration.credentials().describe();
        let is_anonymous = description == Credential::anonymous().description();
        let provenance = configuration.provenance();
        let found = CREDENTIAL_KINDS
            .iter()
            .find_map(|(field, kind)| Some((*kind, provenance.origin_of(field)?)))
            .filter(|_| !is_anonymous);
        Self {
            kind: match (is_anonymous, &found) {
                (true, _) => "none",
                (false, Some((kind, _))) => kind,
                (false, None) => "other",
            },
            description,
            origin: found.map(|(_, origin)| Location::from(origin)),
        }
    }
}

impl Output for Resolved {
    fn table(&self, style: Style) -> String {
        let trust = match self.trust.kind {
            "ca-bundle" => format!("CA bundle, sha256 {}", self.trust.sha256.join(" ")),
            "system" => "system trust store".to_owned(),
            _ => "insecure: the server's certificate is not verified".to_owned(),
        };
        let impersonation = self
            .impersonation
            .as_ref()
            .map(Impersonation::text)
            .unwrap_or_default();
        let mut table = Table::new(&["FIELD", "VALUE"]);
        for (field, value) in [
            ("source", self.source.as_deref().unwrap_or_default()),
            ("server", &self.server),
            ("trust", &trust),
            (
                "tls-server-name",
                self.tls_server_name.as_deref().unwrap_or_default(),
            ),
            ("proxy-url", self.proxy_url.as_deref().unwrap_or_default()),
            (
                "disable-compression",
                if self.disable_compression { "yes" } else { "no" },
            ),
            ("namespace", &self.namespace),
            ("impersonation", &impersonation),
            ("credential", &self.credential.description),
        ] {
            table.row([field, value]);
        }
        table.render(style) + &Warning::lines(&self.warnings, style)
    }
}
