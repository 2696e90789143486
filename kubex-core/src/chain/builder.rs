//! The builder of a chain.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use super::resolve::{BuiltSource, Chain};
use super::source::{ProviderChoice, Source};
use crate::configuration::ClientConfiguration;
use crate::error::{Error, ErrorKind, Problems, Result};
use crate::host::{Host, PluginRules};
use crate::options::Options;
use crate::overrides::Overrides;
use crate::provider::CredentialProvider;
use crate::registry::Registry;
use crate::text::clean_line;
use crate::warning::Warning;

/// Builds a [`Chain`]. [`Chain::builder`] creates it. Awaiting it is the same as [`resolve`](Self::resolve).
///
/// ```no_run
/// use kubex_core::{Chain, Options, Registry, Source};
///
/// # async fn example() -> kubex_core::Result<()> {
/// let configuration = Chain::builder(Registry::linked()?)
///     .source(Source::new("staging").provider("kubeconfig").option("context", "staging"))
///     .source(Source::new("in-cluster"))
///     .overrides(Options::new().set("namespace", "team-a"))
///     .resolve()
///     .await?;
/// println!("{:#}", configuration.report());
/// # Ok(())
/// # }
/// ```
///
/// [`build`](ChainBuilder::build) checks the options of every source and reports all problems at once. It reads no
/// file. [`Chain::resolve`] reads the files, and can be called any number of times. [`resolve`](Self::resolve) does both
/// once.
#[derive(Clone, Debug)]
#[must_use]
pub struct ChainBuilder {
    registry: Registry,
    sources: Vec<Source>,
    references: Vec<Source>,
    overrides: Options,
    /// The real one, where none is set.
    host: Option<Host>,
    plugin_rules: Option<PluginRules>,
    warnings: Vec<Warning>,
}

impl Chain {
    /// Starts an empty chain. Its sources use the providers of `registry`. They read the real system, unless
    /// [`host`](ChainBuilder::host) sets a simulated one.
    pub fn builder(registry: Registry) -> ChainBuilder {
        ChainBuilder {
            registry,
            sources: Vec::new(),
            references: Vec::new(),
            overrides: Options::new(),
            host: None,
            plugin_rules: None,
            warnings: Vec::new(),
        }
    }
}

impl ChainBuilder {
    /// Adds a source at the end of the chain.
    pub fn source(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// Adds a source that only other sources use: their options refer to it by its name. The chain does not try it, and the
    /// chain's overrides do not apply to it.
    pub fn reference(mut self, source: Source) -> Self {
        self.references.push(source);
        self
    }

    /// Sets the [`Host`] through which the sources read files and variables. The default is the real system. A test can set a
    /// simulated host.
    pub fn host(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// Sets the chain's overrides: options that replace the fields of whichever source is used, by [client-go's
    /// rules](crate::overrides).
    ///
    /// ```
    /// use kubex_core::{Chain, Options, Registry};
    ///
    /// let overrides = Options::new().set("namespace", "team-a").set("as", "jane");
    /// let chain = Chain::builder(Registry::linked()?).overrides(overrides).build()?;
    ///
    /// let unknown = Options::new().set("namespce", "team-a");
    /// assert!(Chain::builder(Registry::linked()?).overrides(unknown).build().is_err());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Sets the rules for exec plugins, such as which plugins may run. They replace the rules of the host.
    ///
    /// ```
    /// use kubex_core::host::{PluginPolicy, PluginRules};
    /// use kubex_core::{Chain, Registry};
    ///
    /// let rules = PluginRules::new().policy(PluginPolicy::deny_all());
    /// let chain = Chain::builder(Registry::linked()?).plugin_rules(rules).build()?;
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn plugin_rules(mut self, rules: PluginRules) -> Self {
        self.plugin_rules = Some(rules);
        self
    }

    /// Adds a warning about the chain itself, for example about the file that configures it. Every configuration that
    /// the chain resolves contains this warning.
    pub fn warning(mut self, warning: Warning) -> Self {
        self.warnings.push(warning);
        self
    }

    /// Builds the chain and the provider of each source. All problems are reported at once, each with the name of its
    /// source.
    ///
    /// # Errors
    /// - [`ErrorKind::DuplicateName`]: two sources have the same name.
    /// - [`ErrorKind::UnknownProvider`]: a source uses a provider that is not in the registry.
    /// - [`ErrorKind::UnknownField`] or [`ErrorKind::InvalidValue`]: an override is not valid.
    /// - Any error of a provider about its options.
    pub fn build(self) -> Result<Chain> {
        let mut problems = Problems::new();
        let overrides = problems.take(Overrides::new(self.overrides));
        let mut sources: Vec<BuiltSource> = Vec::with_capacity(self.sources.len());
        for source in self.sources {
            if sources.iter().any(|other| other.name == source.name) {
                problems.add(
                    Error::new(
                        ErrorKind::DuplicateName,
                        format_args!(
                            "the chain has two sources with the name \"{}\"",
                            clean_line(&source.name)
                        ),
                    )
                    .with_help("rename one of them"),
                );
                continue;
            }
            let name = source.name.clone();
            let built = build_source(source, &self.registry).map_err(|error| error.in_source(&name));
            sources.extend(problems.take(built));
        }
        let mut references: Vec<BuiltSource> = Vec::with_capacity(self.references.len());
        for source in self.references {
            let name = source.name.clone();
            let built = build_source(source, &self.registry).map_err(|error| error.in_source(&name));
            references.extend(problems.take(built));
        }
        problems.into_result()?;
        let host = self.host.unwrap_or_else(Host::real);
        let host = match self.plugin_rules {
            Some(rules) => host.with_plugin_rules(rules),
            None => host,
        };
        Ok(Chain {
            sources: sources.into(),
            references: references.into(),
            overrides: overrides.and_then(Overrides::shared),
            registry: self.registry,
            host,
            warnings: self.warnings.into(),
        })
    }

    /// Builds the chain and resolves it once. To resolve it more than once, use [`build`](Self::build) and
    /// [`Chain::resolve`].
    ///
    /// # Errors
    /// The same as [`build`](Self::build) and [`Chain::resolve`].
    pub async fn resolve(self) -> Result<ClientConfiguration> {
        self.build()?.resolve().await
    }

    /// Builds the chain, and returns a configuration that follows the source that is used: see [`Chain::follow`].
    ///
    /// # Errors
    /// The same as [`build`](Self::build) and [`Chain::follow`].
    pub async fn follow(self) -> Result<ClientConfiguration> {
        self.build()?.follow().await
    }
}

impl IntoFuture for ChainBuilder {
    type Output = Result<ClientConfiguration>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.resolve())
    }
}

fn build_source(source: Source, registry: &Registry) -> Result<BuiltSource> {
    let Source {
        name,
        provider,
        options,
        timeout,
        overrides,
        decorator,
    } = source;
    let provider: Arc<dyn CredentialProvider> = match provider {
        ProviderChoice::SameName => registry.provider(&name, options)?,
        ProviderChoice::Registered(provider) => registry.provider(&provider, options)?,
        ProviderChoice::Built(provider) => provider,
    };
    Ok(BuiltSource {
        name,
        provider,
        timeout,
        overrides: Overrides::new(overrides)?.shared(),
        decorator,
    })
}
