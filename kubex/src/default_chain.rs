//! The documented default order: the kubeconfig, then the pod.

use kubex_core::{Chain, ChainBuilder, Result};

use crate::registry;

/// The sources of the default chain, in order; each only if its feature is on.
pub(crate) const DEFAULT_ORDER: &[&str] = &[
    #[cfg(feature = "kubeconfig")]
    "kubeconfig",
    #[cfg(feature = "in-cluster")]
    "in-cluster",
];

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
