//! The one question, asked of whatever is configured.

use kubex_core::{Resolution, Result};

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
        .chain(crate::registry()?)?;
    #[cfg(not(feature = "config"))]
    let chain = crate::default_chain()?;
    chain.build().resolve().await
}
