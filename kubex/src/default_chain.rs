//! The documented default order: the kubeconfig, then the pod.

use kubex_core::{Chain, ChainBuilder, Resolution, Result};

use crate::registry;

/// The sources of the default chain, in order; each only if its feature is on.
pub(crate) const DEFAULT_ORDER: &[&str] = &[
    #[cfg(feature = "kubeconfig")]
    "kubeconfig",
    #[cfg(feature = "in-cluster")]
    "in-cluster",
];

/// Asks the configured chain: where nothing is configured, the kubeconfig, and the pod's service account where
/// there is no kubeconfig. What is configured is read from files and variables by the module `config`, if the
/// feature of that name is on.
///
/// # Errors
/// What is wrong with the configuration, or with the first place that is there, never the answer of a later one;
/// or `Exhausted`, which lists every place with its reason. [`Error::report`](crate::Error::report) has both.
pub async fn resolve() -> Result<Resolution> {
    #[cfg(feature = "config")]
    let chain = crate::config::Configuration::load(&kubex_core::Host::real())
        .await?
        .chain(registry()?)?;
    #[cfg(not(feature = "config"))]
    let chain = default_chain()?;
    chain.build().resolve().await
}

/// The built-in chain, whatever is configured: to be added to, or to be asked on another host than the real one.
///
/// # Errors
/// `DuplicateProvider` where two linked crates claim one provider's name.
pub fn default_chain() -> Result<ChainBuilder> {
    DEFAULT_ORDER
        .iter()
        .try_fold(Chain::builder(registry()?), |chain, source| chain.named(source))
}

/// The service account of the pod the program runs in, and nothing else.
///
/// # Errors
/// `NotConfigured` outside of a pod, or where no token is mounted; what is wrong with the mount otherwise.
#[cfg(feature = "in-cluster")]
pub async fn configure_from_pod_env() -> Result<kubex_core::ClientConfiguration> {
    let chain = Chain::builder(registry()?).named("in-cluster")?.build();
    chain
        .resolve_only()
        .await
        .map(|resolution| resolution.configuration)
}
