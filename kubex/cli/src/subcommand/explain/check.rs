//! `kubex explain --check`: shows what each source of the chain lacks, without running a plugin or sending a request.
//!
//! The chain is resolved as usual. The sources that it does not reach are resolved too, each alone. For each source that can be
//! resolved, the output contains whether its plugin exists and may run, the problems of its files, and its warnings.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use kubex::report::{Attempt, Outcome};
use kubex::time::rfc3339;
use kubex::{ClientConfiguration, Error, ErrorKind, ExposeSecret as _, Host, Origin};
use serde::Serialize;

use super::files::File;
use super::{Problem, Source, explained};
use crate::failure::Failure;
use crate::failure::status::REJECTED;
use crate::output::{self, Format, Output, Style};
use crate::session::Session;
use crate::view::Warning;

/// A certificate ends soon if less than this is left, or less than a fifth of its lifetime.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Fields that hold a secret where they are written.
const SECRETS: [&str; 6] = [
    "token",
    "password",
    "client-key-data",
    "client-secret",
    "id-token",
    "refresh-token",
];

/// Fields that name a file with a secret.
const SECRET_FILES: [&str; 5] = [
    "client-key",
    "token-file",
    "client-secret-file",
    "actor-token-file",
    "federated-token-file",
];

/// The field that names a file of Google, which has a secret if one of these keys is in it. That of workload identity
/// federation has none.
const CREDENTIALS: &str = "credentials";
const SECRETS_OF_CREDENTIALS: [&str; 3] = ["\"private_key\"", "\"refresh_token\"", "\"client_secret\""];

/// The largest file of credentials, in bytes.
const LARGEST_CREDENTIALS: usize = 1024 * 1024;

/// The variable that a pod has.
const IN_A_POD: &str = "KUBERNETES_SERVICE_HOST";

/// Warnings of a credential that the server will reject.
const REJECTED_LATER: [&str; 3] = ["token-expired", "client-certificate-expired", "doubtful-token"];

/// The output of `explain --check`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    sources: Vec<Source>,
    /// The files that the chosen source was read from, or was looked for in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File>,
}

/// What was found about one source.
#[derive(Default)]
struct Findings {
    errors: Vec<Error>,
    warnings: Vec<kubex::Warning>,
}

pub(super) async fn run(format: Format, session: &Session) -> Result<(), Failure> {
    let chain = session.chain().await?;
    let (resolved, files) = match session.resolve_chain(&chain).await {
        Ok((configuration, inputs)) => (Ok(configuration), File::of_all(&inputs, &session.host).await),
        Err(error) => (Err(error), Vec::new()),
    };
    let report = match &resolved {
        Ok(configuration) => configuration.report(),
        Err(error) => match error.report() {
            Some(report) => report,
            // The chain itself cannot be built, so there is nothing to check.
            None => return Err(error.clone().into()),
        },
    };
    let mut failure = resolved.as_ref().err().cloned().map(Failure::from);
    let mut sources = Vec::new();
    for (attempt, alone) in report.attempts().iter().zip(chain.each_alone()) {
        let source = match (&attempt.outcome, &resolved) {
            (Outcome::Chosen { .. }, Ok(configuration)) => {
                let found = Findings::of(configuration, &attempt.source, &session.host).await;
                failure = found.failure();
                Source::checked(attempt, "chosen", &found)
            }
            (Outcome::NotAsked, _) => match alone.resolve().await {
                Ok(configuration) => {
                    let found = Findings::of(&configuration, &attempt.source, &session.host).await;
                    let attempts = configuration.report().attempts();
                    Source::checked(attempts.first().unwrap_or(attempt), "ready", &found)
                }
                Err(error) => {
                    let attempts = error.report().map(kubex::Report::attempts).unwrap_or_default();
                    Source::from(attempts.first().unwrap_or(attempt))
                }
            },
            _ => Source::from(attempt),
        };
        sources.push(source);
    }
    let check = Check { sources, files };
    output::print(&check, format, &session.host)?;
    match failure {
        // Each problem is told once, in the block of its source.
        Some(failure) if format == Format::Table && check.has_blocks() => Err(failure.told_above(
            check
                .used()
                .map_or("the chain", |(_, source)| source.name.as_str()),
        )),
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

impl Findings {
    /// Checks the configuration of a source. Runs no plugin and sends no request.
    async fn of(configuration: &ClientConfiguration, source: &str, host: &Host) -> Self {
        let mut found = Self {
            warnings: configuration.warnings().to_vec(),
            ..Self::default()
        };
        let credentials = configuration.credentials();
        let verdict = credentials.plugin_verdict().await;
        let refusal = verdict.and_then(|verdict| verdict.refusal);
        found.errors.extend(refusal.map(|error| error.in_source(source)));
        if credentials.only_reads_files() {
            match credentials.current().await {
                Ok(credential) => {
                    let lifetime = credential
                        .certificate()
                        .and_then(|certificate| Some((certificate.not_before()?, certificate.not_after()?)));
                    let origin = origin_of(configuration, "client-certificate");
                    found
                        .warnings
                        .extend(ends_soon(lifetime, host.now().wall, origin));
                }
                // An expired token, which is a warning already.
                Err(error) if error.kind() == ErrorKind::Expired => {}
                Err(error) => found.errors.push(error.in_source(source)),
            }
        }
        found.warnings.extend(readable(configuration, host).await);
        found
    }

    /// Why the source that is used does not work.
    fn failure(&self) -> Option<Failure> {
        let mut errors = self.errors.iter().cloned();
        if let Some(first) = errors.next() {
            return Some(errors.fold(first, Error::with_related).into());
        }
        let rejected = self
            .warnings
            .iter()
            .find(|warning| REJECTED_LATER.contains(&warning.id()))?;
        Some(Failure::new(REJECTED, rejected.message()))
    }
}

/// The origin of a field, or of its inline form.
fn origin_of<'c>(configuration: &'c ClientConfiguration, name: &str) -> Option<&'c Origin> {
    let data = format!("{name}-data");
    let mut fields = configuration.provenance().fields();
    fields
        .find(|(field, _)| *field == name || *field == data)
        .map(|(_, origin)| origin)
}

/// The warning of a client certificate that ends soon. Of one that has ended, there is another warning.
fn ends_soon(
    lifetime: Option<(SystemTime, SystemTime)>,
    now: SystemTime,
    origin: Option<&Origin>,
) -> Option<kubex::Warning> {
    let (begin, end) = lifetime?;
    let left = end.duration_since(now).ok()?;
    let soon = end.duration_since(begin).ok()? / 5;
    if left > soon.min(SOON) {
        return None;
    }
    let message = format!(
        "the client certificate expires at {}; get a new one",
        rfc3339(end)
    );
    let warning = kubex::Warning::new("client-certificate-expires-soon", message);
    Some(match origin {
        Some(origin) => warning.with_origin(origin),
        None => warning,
    })
}

/// A warning for each file with a secret that every user of the machine can read.
///
/// In a pod, there is none: its files are for its own processes only, and kubelet and agents write them with the mode 0644
/// unless the pod's manifest says otherwise.
async fn readable(configuration: &ClientConfiguration, host: &Host) -> Vec<kubex::Warning> {
    let mut warnings = Vec::new();
    if host.environment().variable(IN_A_POD).is_some() {
        return warnings;
    }
    for file in files_with_secrets(configuration, host).await {
        if host.files().is_readable_by_everyone(file).await {
            let message =
                "the file contains a secret, and every user of the machine can read it; run chmod go-r on it";
            let warning = kubex::Warning::new("readable-by-others", message);
            warnings.push(warning.with_origin(&Origin::file(file)));
        }
    }
    warnings
}

/// The files in which a secret is written, and those that a field names for its secret, each once.
async fn files_with_secrets<'c>(configuration: &'c ClientConfiguration, host: &Host) -> BTreeSet<&'c Path> {
    let provenance = configuration.provenance();
    let inline = provenance
        .fields()
        .filter(|(field, _)| SECRETS.contains(field))
        .filter_map(|(_, origin)| origin.path());
    let named = SECRET_FILES
        .into_iter()
        .filter_map(|field| provenance.file_of(field));
    let mut files: BTreeSet<&Path> = inline.chain(named).collect();
    if let Some(file) = provenance.file_of(CREDENTIALS)
        && let Ok(content) = host.files().read(file, LARGEST_CREDENTIALS).await
        && has_a_secret(content.expose_secret())
    {
        files.insert(file);
    }
    files
}

/// Whether this content of a file of credentials has one of the keys of a secret.
fn has_a_secret(credentials: &[u8]) -> bool {
    SECRETS_OF_CREDENTIALS
        .iter()
        .any(|key| credentials.windows(key.len()).any(|part| part == key.as_bytes()))
}

impl Source {
    /// Whether it is configured and does not work.
    fn has_problem(&self) -> bool {
        !self.errors.is_empty() && self.outcome != "not-configured"
    }

    fn checked(attempt: &Attempt, outcome: &'static str, found: &Findings) -> Self {
        Self {
            outcome,
            errors: found
                .errors
                .iter()
                .flat_map(Error::problems)
                .map(Problem::from)
                .collect(),
            warnings: Some(Warning::from_all(&found.warnings)),
            ..Self::from(attempt)
        }
    }
}

impl Check {
    /// The source that is used, or that keeps the chain from using another one.
    fn used(&self) -> Option<(usize, &Source)> {
        let mut sources = self.sources.iter().enumerate();
        sources.find(|(_, source)| matches!(source.outcome, "chosen" | "failed"))
    }

    /// Whether a source that is not used has a problem, so that those of each source stand in a block. Without one, the error
    /// of the source that is used follows on stderr, with the line of its file.
    fn has_blocks(&self) -> bool {
        let used = self.used().map(|(index, _)| index);
        let mut sources = self.sources.iter().enumerate();
        sources.any(|(index, source)| used.is_some_and(|used| index > used) && source.has_problem())
    }
}

impl Output for Check {
    fn table(&self, style: Style) -> String {
        let mut text = explained(&self.sources, None, style);
        let has_blocks = self.has_blocks();
        for source in &self.sources {
            let mut lines = String::new();
            if has_blocks && source.has_problem() {
                for problem in &source.errors {
                    problem.add_to(&mut lines, style);
                }
            }
            if let Some(warnings) = &source.warnings {
                lines.push_str(Warning::lines(warnings, style).trim_start_matches('\n'));
            }
            if !lines.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n{}\n{lines}", source.name);
            }
        }
        text + &File::table(&self.files, style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_ends_soon_in_its_last_week_or_in_the_last_fifth_of_a_shorter_life() {
        const HOUR: Duration = Duration::from_secs(3600);
        let begin = SystemTime::UNIX_EPOCH;
        for (lifetime, left, is_soon) in [
            (365 * 24, 8 * 24, false),
            (365 * 24, 6 * 24, true),
            (24, 6, false),
            (24, 4, true),
            (1, 0, true),
        ] {
            let end = begin + HOUR * lifetime;
            let warning = ends_soon(Some((begin, end)), end - HOUR * left, None);
            assert_eq!(warning.is_some(), is_soon, "{lifetime} {left}");
        }
        let end = begin + HOUR;
        assert!(
            ends_soon(Some((begin, end)), end + HOUR, None).is_none(),
            "it has ended"
        );
        assert!(ends_soon(None, begin, None).is_none());
    }

    #[test]
    fn a_file_of_credentials_has_a_secret_unless_it_is_of_workload_identity_federation() {
        assert!(has_a_secret(
            br#"{"type": "service_account", "private_key": "-----BEGIN"}"#
        ));
        assert!(has_a_secret(
            br#"{"type": "authorized_user", "client_secret": "a", "refresh_token": "b"}"#
        ));
        assert!(!has_a_secret(
            br#"{"type": "external_account", "credential_source": {"file": "/var/run/token"}}"#
        ));
    }

    /// So that a provider's new option is not forgotten.
    #[test]
    fn each_option_that_names_a_file_holds_a_secret_or_is_known_not_to() {
        const HARMLESS: [&str; 6] = [
            "certificate-authority",
            "client-certificate",
            "endpoint-certificate-authority",
            "idp-certificate-authority",
            "issuer-certificate-authority",
            "path",
        ];
        for registration in kubex::registry().unwrap().iter() {
            let schema = registration.schema();
            let properties = schema.get("properties").and_then(|all| all.as_object());
            for option in properties.into_iter().flatten().map(|(name, _)| name.as_str()) {
                let names_a_file = option.ends_with("-file") || option.ends_with("-authority");
                let is_known = SECRET_FILES.contains(&option) || HARMLESS.contains(&option);
                assert!(!names_a_file || is_known, "{}: {option}", registration.name());
            }
        }
    }
}
