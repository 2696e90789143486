//! The report: the outcome of each source of the chain, and the reason. It is also available on success.
//!
//! "Why does my program talk to the wrong cluster?" is answered by the sources that were not chosen. So the report is part of every
//! [`ClientConfiguration`](crate::ClientConfiguration), and of the error of a chain that failed ([`Error::report`]).
//!
//! ```no_run
//! use kubex_core::report::Outcome;
//!
//! fn log(configuration: &kubex_core::ClientConfiguration) {
//!     for attempt in configuration.report().attempts() {
//!         match &attempt.outcome {
//!             Outcome::Chosen { answer, .. } => println!("{}: {answer}", attempt.source),
//!             Outcome::NotConfigured(reason) => println!("{}: skipped: {}", attempt.source, reason.message()),
//!             Outcome::Failed(error) => println!("{}: {error}", attempt.source),
//!             _ => {}
//!         }
//!     }
//! }
//! ```

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::provenance::Provenance;
use crate::text::{clean_line, write_sanitized};
use crate::warning::Warning;

/// The outcome of one source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The source was used; the chain stopped here.
    Chosen {
        /// A summary of the configuration: server, namespace, kind of credential.
        answer: String,
        /// The warnings about the configuration.
        warnings: Vec<Warning>,
        /// The origin of each field of the configuration.
        provenance: Provenance,
    },
    /// The source is not configured, and the chain continued. The error contains the reason.
    NotConfigured(Error),
    /// The source is configured but failed, and the chain stopped here.
    Failed(Error),
    /// An earlier source ended the chain.
    NotAsked,
}

/// One source in the report.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The source's name in the chain.
    pub source: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The time that the source took.
    pub took: Duration,
}

/// What happened to a followed source after the chain had resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowedChange {
    /// `followed`, `kept`, `replaced`, `failed` or `recovered`, as in the events of the target `kubex::follow`.
    pub outcome: &'static str,
    /// What changed, or why the source failed. It contains no secret.
    pub details: String,
}

/// The outcome of each source of the chain, in order.
///
/// `Display` prints a numbered list with one line for each source. `{:#}` adds the origin of each field, and shadowed
/// entries. Neither contains a secret.
#[derive(Clone, Debug, Default)]
pub struct Report {
    attempts: Vec<Attempt>,
    changes: Vec<FollowedChange>,
}

impl Report {
    /// An empty report with room for so many sources.
    pub(crate) fn for_sources(number: usize) -> Self {
        Self {
            attempts: Vec::with_capacity(number),
            changes: Vec::new(),
        }
    }

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

    /// What has changed since in a source that is [followed](crate::chain::follow): the newest changes, oldest first.
    pub fn changes(&self) -> &[FollowedChange] {
        &self.changes
    }

    pub(crate) fn with_changes(mut self, changes: Vec<FollowedChange>) -> Self {
        self.changes = changes;
        self
    }

    /// The source that was used.
    pub fn chosen(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| matches!(attempt.outcome, Outcome::Chosen { .. }))
    }

    /// Why each source was not configured, as one sentence.
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

    /// How to configure one of the sources, as one sentence.
    pub(crate) fn help(&self) -> Option<String> {
        let mut help: Vec<_> = self
            .attempts
            .iter()
            .filter_map(|attempt| match &attempt.outcome {
                Outcome::NotConfigured(error) => error.help(),
                _ => None,
            })
            .collect();
        let mut seen = HashSet::new();
        help.retain(|help| seen.insert(*help));
        (!help.is_empty()).then(|| help.join(", or "))
    }
}

impl Error {
    /// The outcome of each source, if the error was returned by a chain.
    pub fn report(&self) -> Option<&Report> {
        self.attachment()
    }

    /// The same error with the report of the chain that failed.
    #[must_use]
    pub(crate) fn with_report(self, report: Report) -> Self {
        self.with_attachment(report)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_detailed = f.alternate();
        write_sanitized(
            f,
            Lines {
                report: self,
                is_detailed,
            },
        )
    }
}

struct Lines<'a> {
    report: &'a Report,
    is_detailed: bool,
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attempt) in self.report.attempts.iter().enumerate() {
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
                    if self.is_detailed {
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
        for FollowedChange { outcome, details } in &self.report.changes {
            write!(f, "\nsince then: {outcome}")?;
            if !details.is_empty() {
                write!(f, ": {details}")?;
            }
        }
        Ok(())
    }
}
