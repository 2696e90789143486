//! The entry point `resolve`: the configured chain.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::chain::follow::{ChainLoader, Follow, FollowRules};
use kubex_core::{Chain, ClientConfiguration, Host, Options, Result};

use crate::config::Configuration;

/// Resolves the configured chain.
///
/// The default chain uses the kubeconfig, or the pod's service account if there is no kubeconfig. Files and variables
/// can change the sources, their order and their options: see the module [`config`](crate::config).
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

/// Resolves the configured chain, and follows what changes in the source that answered: [`resolve`] with
/// [`following`](Resolve::following).
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let client = kubex::reqwest::Client::new(&kubex::follow().await?)?;
/// // Another token in the kubeconfig is used at the next 401, or after a minute.
/// let version = client.get("/version")?.send().await?;
/// # Ok(())
/// # }
/// ```
pub fn follow() -> Resolve {
    resolve().following()
}

/// The builder of a configuration from the configured chain. [`resolve`] returns it.
///
/// # Errors
/// Awaiting it returns the problems of Kubex's own configuration, or those of the first source that is configured but
/// broken; later sources are then not asked. If no source is configured, it returns `Exhausted` with the reason of
/// each. [`Error::report`](crate::Error::report) contains the outcome of each source.
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
    /// Sets the program's own defaults: a configuration that every file, profile and variable can change. A key with dots is a
    /// path.
    ///
    /// ```no_run
    /// use kubex::Options;
    ///
    /// # async fn example() -> kubex::Result<()> {
    /// // The pod first, unless a file or a variable sets another order.
    /// let defaults = Options::new().set("chain", vec!["in-cluster", "kubeconfig"]);
    /// let configuration = kubex::resolve().defaults(defaults).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn defaults(mut self, defaults: Options) -> Self {
        self.defaults = defaults;
        self
    }

    /// Sets overrides: fields that replace those of the chosen source. The keys are those of a kubeconfig. They win
    /// over configured overrides.
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Uses this host instead of the real one, such as the simulated host of a test.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Follows what changes in the source that answered: an inline token, the arguments of a plugin, the path of a file.
    /// The rules are those of [`Chain::follow`]. Kubex's own configuration is followed too: a plugin policy that now refuses
    /// the plugin holds from the next run on.
    ///
    /// [`Chain::follow`]: crate::Chain::follow
    pub fn following(self) -> Self {
        self.follow_rules(FollowRules::new())
    }

    /// [Follows](Self::following) the source, also in changes that need a permission, such as another server.
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
