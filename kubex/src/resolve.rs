//! The entry point `resolve`: the configured chain.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::chain::follow::{ChainLoader, Follow, FollowRules};
use kubex_core::{Chain, ClientConfiguration, Host, Options, Result};

use crate::config::Configuration;

/// Resolves the configured chain. Await the builder to get the configuration.
///
/// By default, the chain uses the kubeconfig, or the pod's service account if there is no kubeconfig. Configuration
/// files and variables can change the sources, their order and their options; see the module
/// [`config`](crate::config).
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let configuration = kubex::resolve().await?;
/// println!("{}", configuration.report());
/// # Ok(())
/// # }
/// ```
pub fn resolve() -> Resolve {
    Resolve {
        defaults: Options::new(),
        overrides: Options::new(),
        host: Host::real(),
        rules: None,
    }
}

/// Resolves the configured chain, and applies changes of the chosen source while the configuration is in use. This is
/// [`resolve`] with [`following`](Resolve::following).
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let client = kubex::reqwest::Client::new(&kubex::follow().await?)?;
/// // If the token in the kubeconfig changes, the new one is used within a minute, or after the next 401.
/// let version = client.get("/version")?.send().await?;
/// # Ok(())
/// # }
/// ```
pub fn follow() -> Resolve {
    resolve().following()
}

/// The builder that [`resolve`] returns. Await it to get the configuration.
///
/// # Errors
/// Awaiting the builder returns the first of these errors. [`Error::report`](crate::Error::report) contains the outcome of each
/// source.
///
/// - The problems of Kubex's own configuration.
/// - The problems of the first source that is configured but broken. Later sources are not tried.
/// - [`ErrorKind::Exhausted`](crate::ErrorKind::Exhausted): no source is configured. The error contains the reason for each
///   source.
#[derive(Debug)]
#[must_use = "nothing is read before it is awaited"]
pub struct Resolve {
    defaults: Options,
    overrides: Options,
    host: Host,
    /// Set if the configuration is followed.
    rules: Option<FollowRules>,
}

impl Resolve {
    /// Sets the program's own defaults. Configuration files, profiles and variables override them. A key may be a path with
    /// dots, such as `sources.kubeconfig.context`.
    ///
    /// ```no_run
    /// use kubex::Options;
    ///
    /// # async fn example() -> kubex::Result<()> {
    /// // The pod first, unless a file or a variable sets another order.
    /// let defaults = Options::new().set("chain", ["in-cluster", "kubeconfig"]);
    /// let configuration = kubex::resolve().defaults(defaults).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn defaults(mut self, defaults: Options) -> Self {
        self.defaults = defaults;
        self
    }

    /// Sets overrides: fields that replace those of the chosen source. Their keys are the field names of a kubeconfig. They
    /// take precedence over overrides in configuration files and variables.
    ///
    /// ```no_run
    /// use kubex::Options;
    ///
    /// # async fn example() -> kubex::Result<()> {
    /// let as_joe = Options::new().set("as", "joe").set("as-groups", vec!["dev", "ops"]);
    /// let configuration = kubex::resolve().overrides(as_joe).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Uses this host (the interface to variables, files, processes and clocks) instead of the real one. A test passes
    /// a simulated host.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Applies changes of the chosen source while the configuration is in use, such as another inline token, other
    /// arguments of a plugin, or another path of a file. [`Chain::follow`] explains which changes are applied.
    ///
    /// Changes of Kubex's own configuration are applied too. For example, a plugin policy that forbids the plugin
    /// takes effect at the plugin's next run.
    ///
    /// [`Chain::follow`]: crate::Chain::follow
    pub fn following(self) -> Self {
        self.follow_rules(FollowRules::new())
    }

    /// Like [`following`](Self::following), but these rules can allow changes that are otherwise refused, such as
    /// another server.
    ///
    /// ```no_run
    /// use kubex::follow::FollowRules;
    ///
    /// # async fn example() -> kubex::Result<()> {
    /// let rules = FollowRules::new().allow_other_server(true);
    /// let configuration = kubex::resolve().follow_rules(rules).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow_rules(mut self, rules: FollowRules) -> Self {
        self.rules = Some(rules);
        self
    }

    async fn ask(mut self) -> Result<ClientConfiguration> {
        let rules = self.rules.take();
        let loader = ConfiguredChain {
            defaults: self.defaults,
            overrides: self.overrides,
            host: self.host,
        };
        let chain = loader.load().await?;
        match rules {
            Some(rules) => {
                Follow::new(chain)
                    .rules(rules)
                    .reloading(Arc::new(loader))
                    .start()
                    .await
            }
            None => chain.resolve().await,
        }
    }
}

/// The chain that files, variables and the program configure.
#[derive(Debug)]
struct ConfiguredChain {
    defaults: Options,
    overrides: Options,
    host: Host,
}

#[async_trait]
impl ChainLoader for ConfiguredChain {
    async fn load(&self) -> Result<Chain> {
        let mut configuration = Configuration::load(&self.host).await?;
        if !self.defaults.is_empty() {
            configuration = configuration.with_defaults(self.defaults.clone())?;
        }
        let mut program = Options::new();
        for (key, value) in self.overrides.iter() {
            program.insert(&format!("overrides.{key}"), value.clone());
        }
        if !program.is_empty() {
            configuration = configuration.with(program)?;
        }
        configuration.chain(crate::registry()?)?.build()
    }
}

impl IntoFuture for Resolve {
    type Output = Result<ClientConfiguration>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}
