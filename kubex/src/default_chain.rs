//! The default chain: the kubeconfig, then the pod's service account.

use kubex_core::{Chain, ChainBuilder, Result, Source};

use crate::registry;

/// The sources of the default chain, in order. A source is included if its feature is enabled.
pub(crate) const DEFAULT_ORDER: &[&str] = &[
    #[cfg(feature = "kubeconfig")]
    "kubeconfig",
    #[cfg(feature = "in-cluster")]
    "in-cluster",
];

/// Returns the default chain: the kubeconfig, then the pod's service account. It ignores configuration files and
/// variables of Kubex. The result is a builder, to which you can add sources or overrides.
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let configuration = kubex::default_chain()?.build()?.resolve().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Returns `DuplicateProvider` if two linked crates register the same name.
pub fn default_chain() -> Result<ChainBuilder> {
    let empty = Chain::builder(registry()?);
    Ok(DEFAULT_ORDER
        .iter()
        .fold(empty, |chain, name| chain.source(Source::new(name))))
}
