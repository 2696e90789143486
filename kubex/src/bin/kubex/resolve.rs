//! `kubex resolve`: the effective client configuration, without its secrets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kubex::text::clean_line;
use kubex::{ClientConfiguration, Credential, Impersonation, Trust};
use serde::Serialize;

use crate::arguments::PageArguments;
use crate::explain::ShownWarning;
use crate::failure::Failure;
use crate::page::{self, Page, Table};
use crate::place::Place;
use crate::session::Session;
use crate::style::Style;

/// The effective client configuration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Resolved {
    /// The source of the chain that answered.
    source: Option<String>,
    server: String,
    certificate_authority: Authority,
    tls_server_name: Option<String>,
    insecure_skip_tls_verify: bool,
    proxy_url: Option<String>,
    disable_compression: bool,
    namespace: String,
    impersonation: Option<ActingAs>,
    credential: Identity,
    warnings: Vec<ShownWarning>,
}

/// Whose certificate is accepted from the server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Authority {
    /// `system`, `given` or `anyone`.
    trust: &'static str,
    /// The SHA-256 of each given certificate, in hexadecimal.
    sha256: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written_at: Option<Place>,
}

/// Whom requests act as.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ActingAs {
    user: String,
    uid: Option<String>,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

/// What requests are authenticated with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    kind: &'static str,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    written_at: Option<Place>,
}

pub(crate) async fn run(arguments: &PageArguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.resolve().await?;
    page::print(&Resolved::of(&configuration), arguments.format.output, session)
}

impl Resolved {
    fn of(configuration: &ClientConfiguration) -> Self {
        let cluster = configuration.cluster();
        Self {
            source: configuration
                .report()
                .chosen()
                .map(|attempt| attempt.source.clone()),
            server: cluster.server.as_str().to_owned(),
            certificate_authority: Authority::of(configuration),
            tls_server_name: cluster.tls_server_name.clone(),
            insecure_skip_tls_verify: matches!(cluster.trust, Trust::Insecure),
            proxy_url: cluster.proxy.as_ref().map(ToString::to_string),
            disable_compression: cluster.disable_compression,
            namespace: configuration.namespace().to_owned(),
            impersonation: configuration.impersonation().map(ActingAs::of),
            credential: Identity::of(configuration),
            warnings: ShownWarning::all(configuration.warnings()),
        }
    }
}

impl Authority {
    fn of(configuration: &ClientConfiguration) -> Self {
        let trust = &configuration.cluster().trust;
        let written_at = AUTHORITY_FIELDS
            .iter()
            .find_map(|field| configuration.provenance().origin_of(field));
        Self {
            trust: match trust {
                Trust::System => "system",
                Trust::Insecure => "anyone",
                _ => "given",
            },
            sha256: digests(trust),
            written_at: written_at.map(Place::from),
        }
    }
}

const AUTHORITY_FIELDS: &[&str] = &[
    "certificate-authority-data",
    "certificate-authority",
    "insecure-skip-tls-verify",
];

fn digests(trust: &Trust) -> Vec<String> {
    match trust {
        Trust::CaBundle(authorities) => authorities
            .certificates()
            .iter()
            .map(|certificate| sha256(certificate))
            .collect(),
        _ => Vec::new(),
    }
}

/// The SHA-256 of some bytes in hexadecimal, as `openssl x509 -fingerprint -sha256` has it, without its colons.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut hexadecimal = String::new();
    for byte in ring::digest::digest(&ring::digest::SHA256, bytes).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    hexadecimal
}

impl ActingAs {
    pub(crate) fn of(impersonation: &Impersonation) -> Self {
        Self {
            user: impersonation.user.clone(),
            uid: impersonation.uid.clone(),
            groups: impersonation.groups.clone(),
            extra: impersonation.extra.iter().cloned().collect(),
        }
    }

    /// In words, for a table.
    pub(crate) fn text(&self) -> String {
        let mut text = self.user.clone();
        for (what, values) in [
            ("uid", self.uid.clone().into_iter().collect::<Vec<_>>()),
            ("groups", self.groups.clone()),
        ] {
            if !values.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(text, ", {what} {}", values.join(" "));
            }
        }
        for (key, values) in &self.extra {
            let _ = write!(text, ", {key} {}", values.join(" "));
        }
        text
    }
}

/// The kind of a credential by the field that gives it; the first that is written down counts.
const KINDS: &[(&str, &str)] = &[
    ("command", "exec"),
    ("idp-issuer-url", "oidc"),
    ("token-file", "token-file"),
    ("token", "token"),
    ("username", "basic"),
    ("client-certificate-data", "client-certificate"),
    ("client-certificate", "client-certificate"),
];

impl Identity {
    fn of(configuration: &ClientConfiguration) -> Self {
        let credentials = configuration.credentials();
        let description = credentials.describe();
        let anonymous = description == Credential::anonymous().description();
        let provenance = configuration.provenance();
        let found = KINDS
            .iter()
            .find_map(|(field, kind)| Some((*kind, provenance.origin_of(field)?)))
            .filter(|_| !anonymous);
        Self {
            kind: match (anonymous, &found) {
                (true, _) => "none",
                (false, Some((kind, _))) => kind,
                (false, None) => "other",
            },
            description,
            written_at: found.map(|(_, origin)| Place::from(origin)),
        }
    }
}

/// The value of a field as it is used; `None` where it is a secret, or leads to other fields.
pub(crate) fn value_of(field: &str, configuration: &ClientConfiguration) -> Option<String> {
    let cluster = configuration.cluster();
    let acting_as = configuration.impersonation();
    match field {
        "server" => Some(cluster.server.as_str().to_owned()),
        "certificate-authority" | "certificate-authority-data" => {
            Some(match digests(&cluster.trust).as_slice() {
                [one] => format!("sha256 {}...", one.get(..16).unwrap_or(one)),
                several => format!("{} certificates", several.len()),
            })
        }
        "tls-server-name" => cluster.tls_server_name.clone(),
        "insecure-skip-tls-verify" => Some(matches!(cluster.trust, Trust::Insecure).to_string()),
        "proxy-url" => cluster.proxy.as_ref().map(ToString::to_string),
        "disable-compression" => Some(cluster.disable_compression.to_string()),
        "namespace" => Some(configuration.namespace().to_owned()),
        "as" => acting_as.map(|it| it.user.clone()),
        "as-uid" => acting_as.and_then(|it| it.uid.clone()),
        "as-groups" => acting_as.map(|it| it.groups.join(" ")),
        "as-user-extra" => acting_as.map(|it| {
            let extra = it.extra.iter();
            let extra = extra.map(|(key, values)| format!("{key}={}", values.join(" ")));
            extra.collect::<Vec<_>>().join(" ")
        }),
        _ => None,
    }
}

impl Page for Resolved {
    fn table(&self, style: Style) -> String {
        let trust = match self.certificate_authority.trust {
            "given" => self.certificate_authority.sha256.join(" "),
            "system" => "the system's".to_owned(),
            _ => "anyone's".to_owned(),
        };
        let acting_as = self
            .impersonation
            .as_ref()
            .map(ActingAs::text)
            .unwrap_or_default();
        let mut table = Table::new(&["FIELD", "VALUE"]);
        for (field, value) in [
            ("source", self.source.as_deref().unwrap_or_default()),
            ("server", &self.server),
            ("certificate-authority", &trust),
            (
                "tls-server-name",
                self.tls_server_name.as_deref().unwrap_or_default(),
            ),
            (
                "insecure-skip-tls-verify",
                yes_or_no(self.insecure_skip_tls_verify),
            ),
            ("proxy-url", self.proxy_url.as_deref().unwrap_or_default()),
            ("disable-compression", yes_or_no(self.disable_compression)),
            ("namespace", &self.namespace),
            ("acting as", &acting_as),
            ("credential", &clean_line(&self.credential.description)),
        ] {
            table.row([field, value]);
        }
        let mut text = table.render(style);
        if !self.warnings.is_empty() {
            text.push('\n');
            text.push_str(&ShownWarning::lines(&self.warnings, style));
        }
        text
    }
}

fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}
