//! `kubex explain`: the outcome of each source of the chain, and the chosen configuration field by field.
//!
//! With `--watch`, it continues, and shows what a program that follows the chain would do after each change. With `--check`, it
//! shows what each source lacks.

mod check;
mod files;
mod watch;

use std::fmt::Write as _;

use kubex::host::{Input, PluginVerdict};
use kubex::report::{Attempt, Outcome};
use kubex::{ClientConfiguration, Error, ErrorKind, Host, Report};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Output, OutputArguments, Style, Table, help_lines};
use crate::session::Session;
use crate::view::{Location, Warning, path_of, value_of};

use self::files::File;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    /// Run until Ctrl-C, and show what a program that follows the chain would do with each change
    #[arg(short = 'w', long)]
    watch: bool,
    /// Check every source of the chain, and show what is missing; runs no plugin and sends no request
    #[arg(long, conflicts_with = "watch")]
    check: bool,
}

/// The outcome of each source, and the configuration that was chosen.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    sources: Vec<Source>,
    /// `null` if no source was chosen.
    configuration: Option<Configuration>,
    /// The files that the chosen source was read from, or was looked for in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File>,
}

/// One source, in the order of the chain.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    name: String,
    /// `chosen`, `not-configured`, `failed` or `not-asked`; with `--check`, `ready` in place of the last one.
    outcome: &'static str,
    /// A summary of its configuration, or why it was not chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    details: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Problem>,
    /// With `--check`, for a source that resolves.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<Warning>>,
}

/// One error of a source.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Location>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// The configuration that was chosen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    fields: Vec<Field>,
    /// `null` if the credential comes from no plugin.
    plugin: Option<Plugin>,
    shadowed: Vec<Shadowed>,
    warnings: Vec<Warning>,
}

/// A field that is set. Fields that are not listed have their default values.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    /// The value as it is used; `null` for what is or may be a secret.
    value: Option<String>,
    /// The path alone, for a field that names a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    origin: Location,
}

/// The plugin, and what the policies for plugins decide about it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Plugin {
    command: String,
    allowed: bool,
    /// Why it may not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The lines that decide; empty if there is no policy.
    decided_by: Vec<Location>,
    /// Whether the program was not found, so that the policy does not apply.
    #[serde(skip)]
    is_missing: bool,
}

/// An entry that is not used because another one has the same name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shadowed {
    origin: Location,
    shadowed_by: Location,
}

pub(crate) async fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    let format = arguments.output.format();
    if arguments.check {
        return check::run(format, session).await;
    }
    if arguments.watch {
        return watch::run(format, session).await;
    }
    let (explanation, outcome) = match session.resolve_with_inputs().await {
        Ok((resolved, inputs)) => (Explanation::of(&resolved, &inputs, &session.host).await, Ok(())),
        Err(error) => match error.report() {
            Some(report) => (Explanation::new(report, None), Err(error)),
            // The chain itself cannot be built, so there is nothing to explain.
            None => return Err(error.into()),
        },
    };
    output::print(&explanation, format, &session.host)?;
    Ok(outcome?)
}

impl Explanation {
    async fn of(resolved: &ClientConfiguration, inputs: &[Input], host: &Host) -> Self {
        let mut configuration = Configuration::of(resolved, host).await;
        let verdict = resolved.credentials().plugin_verdict().await;
        configuration.plugin = verdict.map(Plugin::from);
        Self {
            files: File::of_all(inputs, host).await,
            ..Self::new(resolved.report(), Some(configuration))
        }
    }

    fn new(report: &Report, configuration: Option<Configuration>) -> Self {
        Self {
            sources: report.attempts().iter().map(Source::from).collect(),
            configuration,
            files: Vec::new(),
        }
    }
}

impl From<&Attempt> for Source {
    fn from(attempt: &Attempt) -> Self {
        let (outcome, details, error) = match &attempt.outcome {
            Outcome::Chosen { answer, .. } => ("chosen", answer.to_string(), None),
            Outcome::NotConfigured(error) => ("not-configured", error.message().to_owned(), Some(error)),
            Outcome::Failed(error) => ("failed", error.message().to_owned(), Some(error)),
            _ => ("not-asked", String::new(), None),
        };
        Self {
            name: attempt.source.clone(),
            outcome,
            details,
            errors: error
                .into_iter()
                .flat_map(Error::problems)
                .map(Problem::from)
                .collect(),
            warnings: None,
        }
    }
}

impl Problem {
    /// Adds the error as it is shown to a person.
    fn add_to(&self, text: &mut String, style: Style) {
        let origin = self.origin.as_ref().map(|origin| format!(" ({})", origin.text));
        let origin = origin.unwrap_or_default();
        let word = style.error("error:");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{word} {}{origin} [{}]", self.message, self.kind);
        if let Some(help) = &self.help {
            let _ = writeln!(text, "{}", help_lines(help));
        }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind().id(),
            message: error.message().to_owned(),
            origin: error.origin().map(Location::from),
            help: error.help().map(str::to_owned),
        }
    }
}

impl From<PluginVerdict> for Plugin {
    fn from(verdict: PluginVerdict) -> Self {
        Self {
            command: verdict.command,
            allowed: verdict.refusal.is_none(),
            is_missing: verdict
                .refusal
                .as_ref()
                .is_some_and(|error| error.kind() == ErrorKind::PluginNotFound),
            reason: verdict.refusal.map(|error| {
                let reasons: Vec<&str> = error.problems().map(Error::message).collect();
                reasons.join("; ")
            }),
            decided_by: verdict.origins.iter().map(Location::from).collect(),
        }
    }
}

impl Configuration {
    async fn of(configuration: &ClientConfiguration, host: &Host) -> Self {
        let provenance = configuration.provenance();
        let mut fields = Vec::new();
        for (name, origin) in provenance.fields() {
            fields.push(Field {
                name: name.to_owned(),
                value: value_of(name, configuration, host).await,
                path: path_of(name, configuration, host).await,
                origin: Location::from(origin),
            });
        }
        Self {
            fields,
            plugin: None,
            shadowed: provenance
                .shadowed()
                .iter()
                .map(|pair| Shadowed {
                    origin: Location::from(&pair.shadowed),
                    shadowed_by: Location::from(&pair.taken),
                })
                .collect(),
            warnings: Warning::from_all(configuration.warnings()),
        }
    }
}

impl Plugin {
    /// Nothing if there is no policy, so that the plugin may run.
    fn table(&self, style: Style) -> String {
        if self.allowed && self.decided_by.is_empty() {
            return String::new();
        }
        let mut table = Table::new(&["PLUGIN", "DECISION", "DECIDED BY"]);
        let decision = match (self.allowed, self.is_missing) {
            (true, _) => "allowed",
            (false, true) => "not found",
            (false, false) => "refused",
        };
        let lines: Vec<&str> = self
            .decided_by
            .iter()
            .map(|origin| origin.text.as_str())
            .collect();
        table.row([self.command.as_str(), decision, &lines.join("; ")]);
        table.highlight(1, if self.allowed { Style::good } else { Style::error });
        let mut text = format!("\n{}", table.render(style));
        if let Some(reason) = &self.reason {
            text.push_str(reason);
            text.push('\n');
        }
        text
    }
}

impl Output for Explanation {
    fn table(&self, style: Style) -> String {
        let files = File::table(&self.files, style);
        explained(&self.sources, self.configuration.as_ref(), style) + &files
    }
}

/// The tables of the sources and of the configuration that was chosen.
fn explained(sources: &[Source], configuration: Option<&Configuration>, style: Style) -> String {
    let mut table = Table::new(&["SOURCE", "OUTCOME", "DETAILS"]);
    for source in sources {
        // The error itself follows on stderr, with its line of the file.
        let details = match source.errors.first().filter(|_| source.outcome == "failed") {
            Some(problem) => &format!("{}, see the error", problem.kind.replace('-', " ")),
            None => &source.details,
        };
        table.row([source.name.as_str(), &source.outcome.replace('-', " "), details]);
        match source.outcome {
            "chosen" => table.highlight(1, Style::good),
            "failed" => table.highlight(1, Style::error),
            _ => {}
        }
    }
    let mut text = table.render(style);
    let Some(configuration) = configuration else {
        return text;
    };
    let mut table = Table::new(&["FIELD", "VALUE", "LOCATION"]);
    for field in &configuration.fields {
        let value = field.value.as_deref().unwrap_or("(hidden)");
        table.row([field.name.as_str(), value, &field.origin.text]);
    }
    text.push('\n');
    text.push_str(&table.render(style));
    if let Some(plugin) = &configuration.plugin {
        text.push_str(&plugin.table(style));
    }
    if !configuration.shadowed.is_empty() {
        let mut table = Table::new(&["SHADOWED ENTRY", "SHADOWED BY"]);
        for pair in &configuration.shadowed {
            table.row([pair.origin.text.as_str(), &pair.shadowed_by.text]);
        }
        text.push('\n');
        text.push_str(&table.render(style));
        text.push_str("the first file that has an entry wins\n");
    }
    text.push_str(&Warning::lines(&configuration.warnings, style));
    text
}
