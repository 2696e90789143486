//! The ordered sources; the first that is configured wins.
//!
//! Only *not configured* falls through. A source that is there and broken stops the chain with its error,
//! because the next source would be another identity, and nobody asked for that one.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info};

use crate::configuration::ClientConfiguration;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, PluginRules};
use crate::options::{ClusterOptions, Options};
use crate::overrides::Overrides;
use crate::provider::{CredentialProvider, ResolveRequest};
use crate::registry::Registry;
use crate::report::{Attempt, Outcome, Report};
use crate::text::clean_line;

/// How long one source may take to resolve, unless it says otherwise. It only reads files; a network file
/// system can hang all the same.
const RESOLVE_LIMIT: Duration = Duration::from_secs(30);

/// What a chain found: the configuration, and how it came about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolution {
    /// Which API server to talk to, and as whom.
    pub configuration: ClientConfiguration,
    /// What each source of the chain did.
    pub report: Report,
}

#[derive(Clone, Debug)]
struct Source {
    name: String,
    provider: Arc<dyn CredentialProvider>,
    limit: Duration,
    /// What is put in the place of what this source alone says itself.
    own: Arc<ClusterOptions>,
    /// The chain's overrides, on top of the source's.
    overrides: Arc<Overrides>,
}

/// An ordered list of sources, ready to be asked. See the [module](self).
#[derive(Clone, Debug)]
pub struct Chain {
    sources: Vec<Source>,
    host: Host,
}

impl Chain {
    /// Starts an empty chain on the real host, with the plugins of this registry.
    pub fn builder(registry: Registry) -> ChainBuilder {
        ChainBuilder {
            registry,
            sources: Vec::new(),
            overrides: Arc::default(),
            host: Host::real(),
            plugin_rules: None,
        }
    }

    /// Asks the sources in order.
    ///
    /// # Errors
    /// The error of the first source that is configured and broken, with its name; or `Exhausted`, with every
    /// source's reason. Either way [`Error::report`] tells what each source did.
    pub async fn resolve(&self) -> Result<Resolution> {
        let mut report = Report::default();
        let mut ended: Option<Result<ClientConfiguration>> = None;
        for source in &self.sources {
            if ended.is_some() {
                report.push(&source.name, Outcome::NotAsked, Duration::ZERO);
                continue;
            }
            let (outcome, took) = self.ask(source).await;
            match outcome {
                Ok(configuration) => {
                    info!(target: "kubex::chain", source = %source.name, server = %configuration.cluster().server, "source chosen");
                    let warnings = configuration.warnings().to_vec();
                    report.push(
                        &source.name,
                        Outcome::Chosen {
                            answer: configuration.in_words(),
                            warnings,
                            provenance: configuration.provenance().clone(),
                        },
                        took,
                    );
                    ended = Some(Ok(configuration));
                }
                Err(error) if error.is_not_configured() => {
                    debug!(target: "kubex::chain", source = %source.name, reason = error.message(), "source not configured");
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
            Some(Ok(configuration)) => Ok(Resolution {
                configuration,
                report,
            }),
            Some(Err(error)) => Err(error.with_report(report)),
            None => Err(exhausted(&report).with_report(report)),
        }
    }

    /// Asks a chain of one source, whose own error says more than that the chain is exhausted.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), but `NotConfigured` where the last source is not configured.
    pub async fn resolve_only(&self) -> Result<Resolution> {
        self.resolve().await.map_err(|error| {
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
        })
    }

    async fn build(&self, source: &Source) -> Result<ClientConfiguration> {
        let request = ResolveRequest::new(&self.host, &source.overrides);
        let builder = source.provider.resolve(request).await?;
        builder.build_with(&self.host, &source.overrides).await
    }

    async fn ask(&self, source: &Source) -> (Result<ClientConfiguration>, Duration) {
        let started = self.host.now().monotonic;
        let outcome = self.host.within(source.limit, self.build(source)).await;
        let took = self.host.now().monotonic.saturating_sub(started);
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::TimedOut,
                format_args!(
                    "the source did not resolve within {} s",
                    source.limit.as_secs_f32()
                ),
            ))
        });
        (
            outcome.inspect(|configuration| configuration.name(&source.name)),
            took,
        )
    }
}

fn exhausted(report: &Report) -> Error {
    if report.attempts().is_empty() {
        return Error::new(ErrorKind::Exhausted, "the chain has no sources").with_help("add a source to it");
    }
    let error = Error::new(
        ErrorKind::Exhausted,
        format_args!("no source of the chain is configured: {}", report.reasons()),
    );
    match report.help() {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// Builds a [`Chain`].
#[derive(Debug)]
pub struct ChainBuilder {
    registry: Registry,
    sources: Vec<Source>,
    overrides: Arc<Overrides>,
    host: Host,
    plugin_rules: Option<PluginRules>,
}

impl ChainBuilder {
    /// Asks the simulated host of a test instead of the real one.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Puts these options in the place of a source's own, whichever source answers: those of the cluster, and
    /// those that say who. The [rules](crate::overrides) are client-go's.
    ///
    /// # Errors
    /// `UnknownField` for a key that overrides nothing, or what the options have wrong.
    pub fn overrides(mut self, options: Options) -> Result<Self> {
        self.overrides = Arc::new(Overrides::new(options, &self.registry)?);
        for source in &mut self.sources {
            source.overrides = self.overrides.on_top_of(&source.own)?;
        }
        Ok(self)
    }

    /// Rules for plugins, in place of those of the host.
    #[must_use]
    pub fn plugin_rules(mut self, rules: PluginRules) -> Self {
        self.plugin_rules = Some(rules);
        self
    }

    /// How long the source that was added last may take to resolve; 30 s unless set.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        if let Some(source) = self.sources.last_mut() {
            source.limit = limit;
        }
        self
    }

    /// Puts these options of the cluster in the place of what the source that was added last says itself. The
    /// [overrides](Self::overrides) of the whole chain win over them.
    ///
    /// # Errors
    /// `UnknownField` for a key that is not the cluster's, or what the options have wrong.
    pub fn overriding(mut self, mut options: Options) -> Result<Self> {
        let own = Arc::new(ClusterOptions::take_from(&mut options)?);
        if let Some((key, value)) = options.iter().next() {
            return Err(Error::unknown_key(key, ClusterOptions::KEYS).with_origin(value.origin()));
        }
        if let Some(source) = self.sources.last_mut() {
            source.overrides = self.overrides.on_top_of(&own)?;
            source.own = own;
        }
        Ok(self)
    }

    /// Adds the registered provider of that name without options, as a source of the same name.
    ///
    /// # Errors
    /// As [`configured`](Self::configured).
    pub fn named(self, name: &str) -> Result<Self> {
        self.configured(name, name, Options::new())
    }

    /// Adds a source: its name, the registered provider it uses, and that provider's options.
    ///
    /// # Errors
    /// `UnknownProvider`, `DuplicateName`, or what the options have wrong, with the source's name.
    pub fn configured(self, name: &str, provider: &str, options: Options) -> Result<Self> {
        let provider = self
            .registry
            .provider(provider, options)
            .map_err(|error| error.in_source(name))?;
        self.provider(name, provider)
    }

    /// Adds a source made by the program.
    ///
    /// # Errors
    /// `DuplicateName` where the chain has a source of that name.
    pub fn provider(mut self, name: &str, provider: Arc<dyn CredentialProvider>) -> Result<Self> {
        if self.sources.iter().any(|source| source.name == name) {
            let name = clean_line(name);
            return Err(Error::new(
                ErrorKind::DuplicateName,
                format_args!("the chain has two sources \"{name}\""),
            ));
        }
        self.sources.push(Source {
            name: name.to_owned(),
            provider,
            limit: RESOLVE_LIMIT,
            own: Arc::default(),
            overrides: Arc::clone(&self.overrides),
        });
        Ok(self)
    }

    /// The chain.
    pub fn build(self) -> Chain {
        let host = match self.plugin_rules {
            Some(rules) => self.host.with_plugin_rules(rules),
            None => self.host,
        };
        Chain {
            sources: self.sources,
            host,
        }
    }
}
