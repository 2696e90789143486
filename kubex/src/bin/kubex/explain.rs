//! `kubex explain`: each source of the chain with what it says, and the answer field by field.

use std::fmt::Write as _;

use kubex::report::{Attempt, Outcome};
use kubex::{ClientConfiguration, Error, Report, Warning};
use serde::Serialize;

use crate::arguments::PageArguments;
use crate::failure::Failure;
use crate::page::{self, Page, Table};
use crate::place::Place;
use crate::resolve;
use crate::session::Session;
use crate::style::Style;

/// What the chain did, and what came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Explanation {
    sources: Vec<Source>,
    /// `null` where no source answered.
    configuration: Option<Configuration>,
}

/// One source, in the order of the chain.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Source {
    name: String,
    /// `chosen`, `not-configured`, `failed` or `not-asked`.
    outcome: &'static str,
    /// What it answered, or why it did not.
    #[serde(skip_serializing_if = "String::is_empty")]
    because: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
}

/// One thing that is wrong with a source.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Problem {
    kind: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    written_at: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Configuration {
    fields: Vec<Field>,
    not_used: Vec<NotUsed>,
    warnings: Vec<ShownWarning>,
}

/// A field that was written down somewhere. Those that are not here have their defaults.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Field {
    name: String,
    /// Its value as it is used; `null` for a secret, and for what only leads to others.
    value: Option<String>,
    written_at: Place,
}

/// An entry that another of the same name hides.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct NotUsed {
    entry: Place,
    because_of: Place,
}

/// Something that works, and that its user should know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ShownWarning {
    id: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    written_at: Option<Place>,
}

pub(crate) async fn run(arguments: &PageArguments, session: &Session) -> Result<(), Failure> {
    let (page, failure) = match session.resolve().await {
        Ok(found) => {
            let configuration = Configuration::of(&found);
            (Explanation::of(found.report(), Some(configuration)), None)
        }
        Err(error) => match error.report() {
            Some(report) => (Explanation::of(report, None), Some(error)),
            // The chain itself cannot be built, so there is nothing to be explained.
            None => return Err(error.into()),
        },
    };
    page::print(&page, arguments.format.output, session)?;
    failure.map_or(Ok(()), |error| Err(error.into()))
}

impl Explanation {
    fn of(report: &Report, configuration: Option<Configuration>) -> Self {
        Self {
            sources: report.attempts().iter().map(Source::of).collect(),
            configuration,
        }
    }
}

impl Source {
    fn of(attempt: &Attempt) -> Self {
        let (outcome, because, error) = match &attempt.outcome {
            Outcome::Chosen { answer, .. } => ("chosen", answer.clone(), None),
            Outcome::NotConfigured(error) => ("not-configured", error.message().to_owned(), Some(error)),
            Outcome::Failed(error) => ("failed", error.message().to_owned(), Some(error)),
            _ => ("not-asked", String::new(), None),
        };
        Self {
            name: attempt.source.clone(),
            outcome,
            because,
            problems: error
                .into_iter()
                .flat_map(Error::problems)
                .map(Problem::of)
                .collect(),
        }
    }
}

impl Problem {
    fn of(error: &Error) -> Self {
        Self {
            kind: kebab_case(&format!("{:?}", error.kind())),
            message: error.message().to_owned(),
            written_at: error.origin().map(Place::from),
            help: error.help().map(str::to_owned),
        }
    }
}

impl Configuration {
    fn of(configuration: &ClientConfiguration) -> Self {
        let provenance = configuration.provenance();
        Self {
            fields: provenance
                .fields()
                .map(|(name, origin)| Field {
                    name: name.to_owned(),
                    value: resolve::value_of(name, configuration),
                    written_at: Place::from(origin),
                })
                .collect(),
            not_used: provenance
                .shadowed()
                .iter()
                .map(|pair| NotUsed {
                    entry: Place::from(&pair.shadowed),
                    because_of: Place::from(&pair.taken),
                })
                .collect(),
            warnings: ShownWarning::all(configuration.warnings()),
        }
    }
}

impl ShownWarning {
    pub(crate) fn all(warnings: &[Warning]) -> Vec<Self> {
        let shown = |warning: &Warning| Self {
            id: warning.id(),
            message: warning.message().to_owned(),
            written_at: warning.origin().map(Place::from),
        };
        warnings.iter().map(shown).collect()
    }

    /// A line for each.
    pub(crate) fn lines(warnings: &[Self], style: Style) -> String {
        let mut lines = String::new();
        for warning in warnings {
            let place = warning
                .written_at
                .as_ref()
                .map(|place| format!(" ({})", place.text));
            let place = place.unwrap_or_default();
            let word = style.warning("warning:");
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{word} {}{place} [{}]", warning.message, warning.id);
        }
        lines
    }
}

impl Page for Explanation {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["SOURCE", "OUTCOME", "BECAUSE"]);
        for source in &self.sources {
            table.row([
                source.name.as_str(),
                &source.outcome.replace('-', " "),
                &source.because,
            ]);
            match source.outcome {
                "chosen" => table.set_off(1, Style::good),
                "failed" => table.set_off(1, Style::error),
                _ => {}
            }
        }
        let mut text = table.render(style);
        let Some(configuration) = &self.configuration else {
            return text;
        };
        let mut table = Table::new(&["FIELD", "VALUE", "WRITTEN AT"]);
        for field in &configuration.fields {
            let value = field.value.as_deref().unwrap_or_default();
            table.row([field.name.as_str(), value, &field.written_at.text]);
        }
        text.push('\n');
        text.push_str(&table.render(style));
        if !configuration.not_used.is_empty() {
            let mut table = Table::new(&["NOT USED", "BECAUSE OF"]);
            for pair in &configuration.not_used {
                table.row([pair.entry.text.as_str(), &pair.because_of.text]);
            }
            text.push('\n');
            text.push_str(&table.render(style));
        }
        if !configuration.warnings.is_empty() {
            text.push('\n');
            text.push_str(&ShownWarning::lines(&configuration.warnings, style));
        }
        text
    }
}

/// `MissingContext` as `missing-context`.
fn kebab_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_in_kebab_case() {
        assert_eq!(kebab_case("MissingContext"), "missing-context");
        assert_eq!(kebab_case("Refused"), "refused");
    }
}
