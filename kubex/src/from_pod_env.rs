//! The service account of the pod, and nothing else.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use kubex_core::{Chain, ClientConfiguration, Host, Options, Result, Source};

use crate::registry;

/// A configuration from the service account of the pod that the program runs in.
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let configuration = kubex::configure_from_pod_env().await?;
/// println!("{configuration}");
/// # Ok(())
/// # }
/// ```
pub fn configure_from_pod_env() -> FromPodEnv {
    FromPodEnv {
        overrides: Options::new(),
        host: Host::real(),
    }
}

/// The pod's service account. Made by [`configure_from_pod_env`].
///
/// # Errors
/// Awaiting it fails with `NotConfigured` outside of a pod, or where no token is mounted; with what is wrong with the
/// mount otherwise.
#[derive(Debug)]
#[must_use = "nothing is read before it is awaited"]
pub struct FromPodEnv {
    overrides: Options,
    host: Host,
}

impl FromPodEnv {
    /// Sets the namespace, which replaces the pod's own.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.overrides = self.overrides.set("namespace", namespace.into());
        self
    }

    /// Replaces fields of the answer, under the names that they have in a kubeconfig.
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Reads the variables and files of this host instead of the real one's.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    async fn resolve(self) -> Result<ClientConfiguration> {
        let chain = Chain::builder(registry()?)
            .source(Source::new("in-cluster"))
            .host(self.host)
            .overrides(self.overrides)
            .build()?;
        chain.resolve_only().await
    }
}

impl IntoFuture for FromPodEnv {
    type Output = Result<ClientConfiguration>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.resolve())
    }
}
