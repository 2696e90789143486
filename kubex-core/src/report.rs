//! The report: the outcome of each source of a chain, and the reason.
//!
//! It shows why a program connects to an unexpected cluster: often because of a source that was not used. Every
//! [`ClientConfiguration`](crate::ClientConfiguration) contains a report, and so does the error of a chain that failed
//! ([`Error::report`]).
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
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::provenance::Provenance;
use crate::text::{clean_line, write_sanitized};
use crate::warning::Warning;

/// A summary of a configuration. `Display` prints one line: the server, the namespace, the kind of credential, and the
/// impersonated user.
#[derive(Clone, Debug)]
pub struct Summary {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) namespace: Arc<str>,
    pub(crate) credentials: Arc<str>,
    pub(crate) user: Option<Arc<str>>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, namespace) = (&self.cluster.server, clean_line(&self.namespace));
        write!(f, "{server}, namespace {namespace}, {}", self.credentials)?;
        match &self.user {
            Some(user) => write!(f, ", acting as {}", clean_line(user)),
            None => Ok(()),
        }
    }
}

/// The outcome of one source of the chain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The source is used, and the later sources were not tried.
    Chosen {
        /// A summary of the configuration.
        answer: Summary,
        /// The warnings about the configuration.
        warnings: Vec<Warning>,
        /// The origin of each field of the configuration.
        provenance: Provenance,
    },
    /// The source is not configured, and the chain continued with the next one. The error contains the reason.
    NotConfigured(Error),
    /// The source is configured but broken, and the chain stopped with this error.
    Failed(Error),
    /// The source was not tried, because an earlier source was used or failed.
    NotAsked,
}

/// One source of the chain, and its outcome.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The name of the source.
    pub source: String,
    /// The outcome of the source.
    pub outcome: Outcome,
    /// The time that the source took to resolve.
    pub took: Duration,
}

/// A change that a [followed](crate::chain::follow) configuration has found in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowedChange {
    /// One of these, as in the events of the target `kubex::follow`:
    ///
    /// - `followed`: the change was adopted.
    /// - `replaced`: the configuration has a [successor](crate::ClientConfiguration::successor).
    /// - `kept`: the rules did not allow the change, so it was not adopted.
    /// - `failed`: the chain can no longer be resolved.
    /// - `recovered`: the chain can be resolved again.
    pub outcome: &'static str,
    /// What changed, or why the chain could not be resolved. It contains no secret.
    pub details: String,
}

/// The outcome of each source of the chain, in order.
///
/// `Display` prints a numbered list with one line for each source. `{:#}` also prints the origin of each field, and the
/// shadowed entries: those that are ignored because an earlier file defines the same name. Neither form contains a secret.
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

    /// Returns the sources in the order of the chain, each with its outcome.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Returns the latest changes of a [followed](crate::chain::follow) source, the oldest first. The list is empty if
    /// the source is not followed.
    pub fn changes(&self) -> &[FollowedChange] {
        &self.changes
    }

    pub(crate) fn with_changes(mut self, changes: Vec<FollowedChange>) -> Self {
        self.changes = changes;
        self
    }

    /// Returns the source that is used; `None` if there is none.
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
    /// Returns the outcome of each source if a chain returned the error; otherwise `None`.
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
