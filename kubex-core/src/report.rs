//! What each source of the chain did, and why. Kept on success too.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::provenance::Provenance;
use crate::text::clean_line;
use crate::warning::Warning;

/// How one source fared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It answered, and the chain ended here.
    Chosen {
        /// What it answered, in words: server, namespace, kind of credential.
        answer: String,
        /// What its user should know.
        warnings: Vec<Warning>,
        /// Where each field of it was written down.
        provenance: Provenance,
    },
    /// It is not configured; the error says why, and the chain went on.
    NotConfigured(Error),
    /// It is configured and broken; the chain stopped here.
    Failed(Error),
    /// A source before it ended the chain.
    NotAsked,
}

/// One source's line in the report.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The source's name in the chain.
    pub source: String,
    /// How it fared.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// What each source of the chain did, in order.
///
/// Its `Display` is a numbered list, one source a line; `{:#}` adds where each field of the answer was written
/// down, and the entries that others hide. Neither holds a secret.
#[derive(Clone, Debug, Default)]
pub struct Report {
    attempts: Vec<Attempt>,
}

impl Report {
    pub(crate) fn push(&mut self, source: &str, outcome: Outcome, took: Duration) {
        self.attempts.push(Attempt {
            source: clean_line(source).into_owned(),
            outcome,
            took,
        });
    }

    /// The sources in the order of the chain.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The source that answered.
    pub fn chosen(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| matches!(attempt.outcome, Outcome::Chosen { .. }))
    }

    /// The reasons of the sources that were not configured, as one sentence.
    pub(crate) fn reasons(&self) -> String {
        let reasons: Vec<_> = self
            .attempts
            .iter()
            .filter_map(|attempt| match &attempt.outcome {
                Outcome::NotConfigured(error) => Some(format!("{}: {}", attempt.source, error.message())),
                _ => None,
            })
            .collect();
        reasons.join("; ")
    }

    /// What would configure one of the sources, as one sentence.
    pub(crate) fn help(&self) -> Option<String> {
        let mut help: Vec<_> = self
            .attempts
            .iter()
            .filter_map(|attempt| match &attempt.outcome {
                Outcome::NotConfigured(error) => error.help(),
                _ => None,
            })
            .collect();
        let mut told = HashSet::new();
        help.retain(|help| told.insert(*help));
        (!help.is_empty()).then(|| help.join(", or "))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attempt) in self.attempts.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}. {}: ", index + 1, attempt.source)?;
            match &attempt.outcome {
                Outcome::Chosen {
                    answer,
                    warnings,
                    provenance,
                } => {
                    write!(f, "chosen: {answer}")?;
                    for warning in warnings {
                        write!(f, "\n   warning: {warning}")?;
                    }
                    if f.alternate() {
                        for line in provenance.to_string().lines() {
                            write!(f, "\n   {line}")?;
                        }
                    }
                }
                Outcome::NotConfigured(error) => write!(f, "not configured: {}", error.message())?,
                Outcome::Failed(error) => {
                    let text = error.unsigned().to_string();
                    write!(f, "failed: {}", text.replace('\n', "\n   "))?;
                }
                Outcome::NotAsked => f.write_str("not asked")?,
            }
        }
        Ok(())
    }
}
