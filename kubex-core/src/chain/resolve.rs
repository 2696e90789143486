//! Resolving a chain: its sources are tried in order.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info};

use super::source::Decorator;
use crate::assemble::{Setting, assemble};
use crate::configuration::ClientConfiguration;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Input};
use crate::overrides::Overrides;
use crate::provider::{CredentialProvider, ResolveRequest};
use crate::registry::Registry;
use crate::report::{Attempt, Outcome, Report};
use crate::resolved_source::{ResolvedSource, SourcePart};
use crate::text::sanitize_line;
use crate::warning::Warning;

/// A source whose provider has been built.
#[derive(Clone, Debug)]
pub(super) struct BuiltSource {
    pub(super) name: String,
    pub(super) provider: Arc<dyn CredentialProvider>,
    pub(super) timeout: Duration,
    /// This source's own overrides. Those of the chain are applied after them.
    pub(super) overrides: Option<Arc<Overrides>>,
    pub(super) decorator: Option<Decorator>,
}

/// What a source chose by itself, such as the current context of a kubeconfig.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) source: String,
    pub(super) name: String,
}

/// How a chain is resolved.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked<'c> {
    /// The earlier choice of a source, which it must make again.
    pub(super) chose: Option<&'c Choice>,
    /// Whether the result is followed.
    pub(super) is_followed: bool,
    /// Whether what the sources are read from is of interest.
    pub(super) keeps_inputs: bool,
}

impl<'c> Asked<'c> {
    fn chosen_by(self, source: &BuiltSource) -> Option<&'c str> {
        let chose = self.chose.filter(|it| it.source == source.name);
        chose.map(|it| &*it.name)
    }
}

/// An ordered list of sources. The first source that is configured is used. A chain is cheap to clone.
///
/// | outcome of a source | chain |
/// |---|---|
/// | not configured: its file, variables or mount do not exist | the next source is tried |
/// | resolved | it is used, and the others are not tried |
/// | anything else: malformed, unreadable, refused, timed out | stops with that error |
///
/// A chain stops at a broken source, because the next source has a different identity. For example, a typo in the kubeconfig
/// must not lead to the identity of the pod.
#[derive(Clone, Debug)]
pub struct Chain {
    pub(super) sources: Arc<[BuiltSource]>,
    /// Sources that others may refer to, and that the chain does not try.
    pub(super) references: Arc<[BuiltSource]>,
    pub(super) overrides: Option<Arc<Overrides>>,
    pub(super) registry: Registry,
    pub(super) host: Host,
    /// Warnings about the chain itself.
    pub(super) warnings: Arc<[Warning]>,
}

impl Chain {
    /// Returns a copy of this chain that reads the system through another [`Host`].
    #[must_use]
    pub fn with_host(&self, host: Host) -> Self {
        Self { host, ..self.clone() }
    }

    /// A chain of only the source with this name, for the source `referring`, which refers to it. The result contains neither
    /// of the two as a reference, so sources that refer to each other do not recurse.
    pub(crate) fn through(&self, referring: &str, name: &str) -> Option<Self> {
        let known = self.references.iter().chain(self.sources.iter());
        let known: Vec<&BuiltSource> = known.filter(|source| source.name != referring).collect();
        let found = known.iter().find(|source| source.name == name)?;
        let others = known.iter().filter(|source| source.name != name);
        Some(Self {
            sources: Arc::new([(*found).clone()]),
            references: others.map(|source| (*source).clone()).collect(),
            overrides: None,
            registry: self.registry.clone(),
            host: self.host.clone(),
            warnings: Arc::new([]),
        })
    }

    /// Returns one chain for each source, in order. Each chain looks in its source only, and has the overrides of this
    /// chain. [`resolve`](Self::resolve) stops at the first source that is configured; with these chains, a program can check
    /// the others too.
    ///
    /// ```no_run
    /// # async fn example(chain: kubex_core::Chain) {
    /// for source in chain.each_alone() {
    ///     if let Err(error) = source.resolve_only().await {
    ///         eprintln!("{error}");
    ///     }
    /// }
    /// # }
    /// ```
    pub fn each_alone(&self) -> impl Iterator<Item = Self> {
        self.sources.iter().map(|source| {
            let others = self.sources.iter().filter(|other| other.name != source.name);
            Self {
                sources: Arc::new([source.clone()]),
                references: self.references.iter().chain(others).cloned().collect(),
                ..self.clone()
            }
        })
    }

    /// Tries the sources in order and returns the configuration of the first one that is configured. Its
    /// [report](ClientConfiguration::report) contains the outcome of each source.
    ///
    /// ```no_run
    /// # async fn example(chain: kubex_core::Chain) {
    /// match chain.resolve().await {
    ///     Ok(configuration) => println!("{configuration}"),
    ///     Err(error) => {
    ///         eprintln!("{error}");
    ///         if let Some(report) = error.report() {
    ///             eprintln!("{report}"); // one line for each source
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// - [`ErrorKind::Exhausted`]: no source is configured. The error contains the reason for each source.
    /// - Any other error: the first source that is configured is broken. The error contains the name of the source.
    ///
    /// In both cases, [`Error::report`] returns the outcome of each source.
    pub async fn resolve(&self) -> Result<ClientConfiguration> {
        let configuration = self.resolve_with(Asked::default(), |_| {}).await?;
        log_choice(&configuration);
        Ok(configuration)
    }

    /// Resolves the chain like [`resolve`](Self::resolve), and also returns the files and variables that the chosen source was
    /// read from, in order. The list includes files that do not exist.
    ///
    /// ```no_run
    /// # async fn example(chain: kubex_core::Chain) -> kubex_core::Result<()> {
    /// let (configuration, inputs) = chain.resolve_with_inputs().await?;
    /// println!("{configuration} was read from:");
    /// for path in inputs.iter().filter_map(|input| input.path()) {
    ///     println!("  {}", path.display());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The same as [`resolve`](Self::resolve).
    pub async fn resolve_with_inputs(&self) -> Result<(ClientConfiguration, Vec<Input>)> {
        let mut inputs = Vec::new();
        let see = |answer: &ResolvedSource| inputs.clone_from(&answer.inputs);
        let asked = Asked {
            keeps_inputs: true,
            ..Asked::default()
        };
        let configuration = self.resolve_with(asked, see).await?;
        log_choice(&configuration);
        Ok((configuration, inputs))
    }

    /// Resolves the chain. Passes the answer of each source to `see`; the last answer is the one that is used.
    pub(super) async fn resolve_with(
        &self,
        asked: Asked<'_>,
        mut see: impl FnMut(&ResolvedSource) + Send,
    ) -> Result<ClientConfiguration> {
        let mut report = Report::for_sources(self.sources.len());
        let mut ended: Option<Result<ClientConfiguration>> = None;
        for source in self.sources.iter() {
            if ended.is_some() {
                report.push(&source.name, Outcome::NotAsked, Duration::ZERO);
                continue;
            }
            let (outcome, took) = self.ask(source, asked, &mut see).await;
            match outcome {
                Ok(configuration) => {
                    let outcome = Outcome::Chosen {
                        answer: configuration.summary(),
                        warnings: configuration.warnings().to_vec(),
                        provenance: configuration.provenance().clone(),
                    };
                    report.push(&source.name, outcome, took);
                    ended = Some(Ok(configuration));
                }
                Err(error) if error.is_not_configured() => {
                    debug!(target: "kubex::chain", source = &*sanitize_line(&source.name), reason = error.message(), "source not configured");
                    report.push(&source.name, Outcome::NotConfigured(error), took);
                }
                Err(error) => {
                    let error = error.in_source(&source.name);
                    report.push(&source.name, Outcome::Failed(error.clone()), took);
                    ended = Some(Err(error));
                }
            }
        }
        match ended {
            Some(Ok(configuration)) => Ok(configuration.with_report(report)),
            Some(Err(error)) => Err(error.with_report(report)),
            None => Err(exhausted(&report).with_report(report)),
        }
    }

    /// Resolves a chain of one source. If the source is not configured, this method returns the source's own error, which is
    /// more precise than [`ErrorKind::Exhausted`].
    ///
    /// # Errors
    /// The same as [`resolve`](Self::resolve), with [`ErrorKind::NotConfigured`] instead of `Exhausted`.
    pub async fn resolve_only(&self) -> Result<ClientConfiguration> {
        self.resolve().await.map_err(own_error)
    }

    /// Returns the [`ResolvedSource`] of the first source that is configured, with the overrides merged into it. A program can
    /// compare two results to find changes. Files that the source refers to, such as a token file, are not read.
    ///
    /// ```no_run
    /// # async fn example(chain: kubex_core::Chain) -> kubex_core::Result<()> {
    /// let before = chain.find().await?;
    /// // The user edits the kubeconfig.
    /// let after = chain.find().await?;
    /// for difference in before.differences(&after) {
    ///     println!("changed: {difference:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The same as [`resolve`](Self::resolve), but problems in the files that the source refers to are not found.
    pub async fn find(&self) -> Result<ResolvedSource> {
        let mut report = Report::default();
        for source in self.sources.iter() {
            let found = async {
                let asked = Asked {
                    keeps_inputs: true,
                    ..Asked::default()
                };
                let mut answer = self.answer(source, asked).await?.without_problems()?;
                answer.check_ready_source(&self.host).await?;
                answer.known_files.clear();
                Ok(answer)
            };
            match self.within(source, found).await {
                Err(reason) if reason.is_not_configured() => {
                    report.push(&source.name, Outcome::NotConfigured(reason), Duration::ZERO);
                }
                answer => return answer.map_err(|error| error.in_source(&source.name)),
            }
        }
        Err(exhausted(&report).with_report(report))
    }

    /// Returns the resolved source of one source, with the overrides merged in.
    async fn answer(&self, source: &BuiltSource, asked: Asked<'_>) -> Result<ResolvedSource> {
        let host = self.host_of(source);
        let (host, recorder) = if asked.keeps_inputs {
            host.recording()
        } else {
            host.recording_files(Vec::new())
        };
        let request = ResolveRequest::new(&host)
            .of(self, &source.name)
            .with_chosen(asked.chosen_by(source));
        let mut answer = source.provider.resolve(request).await?;
        let recording = recorder.finish();
        for warning in recording.warnings(answer.warnings.iter().map(|(_, warning)| warning)) {
            answer.warn(SourcePart::Source, warning);
        }
        answer.inputs = recording.inputs;
        for overrides in source.overrides.iter().chain(&self.overrides) {
            overrides.apply(&mut answer)?;
        }
        for warning in self.warnings.iter() {
            answer.warn(SourcePart::Source, warning.clone());
        }
        Ok(answer)
    }

    async fn configure(
        &self,
        source: &BuiltSource,
        asked: Asked<'_>,
        see: &mut (impl FnMut(&ResolvedSource) + Send),
    ) -> Result<ClientConfiguration> {
        let answer = self.answer(source, asked).await?;
        see(&answer);
        let setting = Setting {
            host: &self.host_of(source),
            live_host: &self.host,
            registry: &self.registry,
            decorator: source.decorator.as_ref(),
            is_followed: asked.is_followed,
        };
        // Boxed, because it is the largest part of a future that callers keep on their stack.
        Box::pin(assemble(answer, setting)).await
    }

    fn host_of(&self, source: &BuiltSource) -> Host {
        self.host.clone().for_source_with(source.timeout)
    }

    async fn ask(
        &self,
        source: &BuiltSource,
        asked: Asked<'_>,
        see: &mut (impl FnMut(&ResolvedSource) + Send),
    ) -> (Result<ClientConfiguration>, Duration) {
        let started = self.host.now().monotonic;
        let outcome = self.within(source, self.configure(source, asked, see)).await;
        let took = self.host.now().monotonic.saturating_sub(started);
        (
            outcome.inspect(|configuration| configuration.set_source_name(&source.name)),
            took,
        )
    }

    /// Waits for a result until the timeout of the source.
    async fn within<T>(&self, source: &BuiltSource, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let outcome = self.host.within(source.timeout, answer).await;
        outcome.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::TimedOut,
                format_args!(
                    "the source did not resolve within {} s",
                    source.timeout.as_secs_f32()
                ),
            ))
        })
    }
}

pub(super) fn log_choice(configuration: &ClientConfiguration) {
    let chosen = configuration.report().chosen();
    let source = chosen.map(|attempt| &*attempt.source).unwrap_or_default();
    info!(target: "kubex::chain", source = &*sanitize_line(source), server = %configuration.cluster().server, "source chosen");
}

/// The error of a chain of one source: its own error is more useful than `Exhausted`.
pub(super) fn own_error(error: Error) -> Error {
    let attempts = error.report().map(Report::attempts).unwrap_or_default();
    match attempts.last() {
        Some(Attempt {
            source,
            outcome: Outcome::NotConfigured(reason),
            ..
        }) => {
            let reason = reason.clone().in_source(source);
            match error.report() {
                Some(report) => reason.with_report(report.clone()),
                None => reason,
            }
        }
        _ => error,
    }
}

fn exhausted(report: &Report) -> Error {
    if report.attempts().is_empty() {
        return Error::new(ErrorKind::Exhausted, "the chain has no sources")
            .with_help("add a source to the chain");
    }
    let error = Error::new(
        ErrorKind::Exhausted,
        format_args!("no source of the chain is configured ({})", report.reasons()),
    );
    match report.help() {
        Some(help) => error.with_help(help),
        None => error,
    }
}
