//! The entry point `configure_from_pod_env`: the pod's service account, without a chain.

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

/// The builder that [`configure_from_pod_env`] returns. Await it to get the configuration.
///
/// # Errors
/// Awaiting the builder returns:
///
/// - [`ErrorKind::NotConfigured`](kubex_core::ErrorKind::NotConfigured): the program does not run in a pod, or no
///   token is mounted.
/// - The errors of reading the mounted files.
#[derive(Debug)]
#[must_use = "nothing is read before it is awaited"]
pub struct FromPodEnv {
    overrides: Options,
    host: Host,
}

impl FromPodEnv {
    /// Sets the namespace. The default is the namespace of the pod.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.overrides = self.overrides.set("namespace", namespace.into());
        self
    }

    /// Sets overrides: fields that replace those of the pod. Their keys are the field names of a kubeconfig, such as
    /// `as` or `proxy-url`.
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
