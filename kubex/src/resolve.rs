//! The configured chain: what the files and variables say, and the built-in order without any.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use kubex_core::{ClientConfiguration, Host, Options, Result};

use crate::config::Configuration;

/// Asks the configured chain. Without a configuration that is the kubeconfig, and the pod's service account where
/// there is no kubeconfig; the files and variables of the module [`config`](crate::config) may change the order, the
/// sources and their options.
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
    }
}

/// The configured chain, to be asked. Made by [`resolve`].
///
/// # Errors
/// Awaiting it fails with what is wrong with the configuration, or with the first source that is there, never with the
/// answer of a later one; or with `Exhausted`, which lists every source with its reason.
/// [`Error::report`](crate::Error::report) has both.
#[derive(Debug)]
#[must_use = "nothing is read before it is awaited"]
pub struct Resolve {
    overrides: Options,
    host: Host,
}

impl Resolve {
    /// Replaces fields of the answer, under the names that they have in a kubeconfig. They win over those that are
    /// configured.
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Asks this host instead of the real one.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
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
        chain.resolve().await
    }
}

impl IntoFuture for Resolve {
    type Output = Result<ClientConfiguration>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}
