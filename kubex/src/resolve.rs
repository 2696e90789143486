//! The entry point `resolve`: the configured chain.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use kubex_core::{ClientConfiguration, Host, Options, Result};

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
        overrides: Options::new(),
        host: Host::real(),
        is_followed: false,
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
    overrides: Options,
    host: Host,
    is_followed: bool,
}

impl Resolve {
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
    /// The rules are those of [`Chain::follow`]. Kubex's own configuration is read once.
    ///
    /// [`Chain::follow`]: crate::Chain::follow
    pub fn following(mut self) -> Self {
        self.is_followed = true;
        self
    }

    async fn ask(self) -> Result<ClientConfiguration> {
        let mut configuration = Configuration::load(&self.host).await?;
        let mut program = Options::new();
        for (key, value) in self.overrides.iter() {
            program.insert(&format!("overrides.{key}"), value.clone());
        }
        if !program.is_empty() {
            configuration = configuration.with(program)?;
        }
        let chain = configuration.chain(crate::registry()?)?.build()?;
        if self.is_followed {
            chain.follow().await
        } else {
            chain.resolve().await
        }
    }
}

impl IntoFuture for Resolve {
    type Output = Result<ClientConfiguration>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}
