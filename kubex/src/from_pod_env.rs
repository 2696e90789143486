//! The entry `configure_from_pod_env`: the pod's service account, without a chain.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use kubex_core::{Chain, ClientConfiguration, Host, Options, Result, Source};

use crate::registry;

/// Configures a client from the service account of the pod that the program runs in.
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

/// The builder of a configuration from a pod's service account. [`configure_from_pod_env`] returns it.
///
/// # Errors
/// Awaiting it returns `NotConfigured` outside of a pod, or if no token is mounted; otherwise the problems of the
/// mount.
#[derive(Debug)]
#[must_use = "nothing is read before it is awaited"]
pub struct FromPodEnv {
    overrides: Options,
    host: Host,
}

impl FromPodEnv {
    /// Sets the namespace. The default is that of the pod.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.overrides = self.overrides.set("namespace", namespace.into());
        self
    }

    /// Sets overrides: fields that replace those of the pod. The keys are those of a kubeconfig.
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Uses this host instead of the real one, such as the simulated host of a test.
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
