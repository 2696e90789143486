//! The built-in order: the kubeconfig, then the pod.

use kubex_core::{Chain, ChainBuilder, Result, Source};

use crate::registry;

/// The sources of the built-in chain, in order; each only if its feature is on.
pub(crate) const DEFAULT_ORDER: &[&str] = &[
    #[cfg(feature = "kubeconfig")]
    "kubeconfig",
    #[cfg(feature = "in-cluster")]
    "in-cluster",
];

/// The built-in chain, whatever is configured: kubeconfig, then the pod. It is there to be added to, or to be asked on
/// another host than the real one.
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let configuration = kubex::default_chain()?.build()?.resolve().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `DuplicateProvider` where two linked crates register one provider's name.
pub fn default_chain() -> Result<ChainBuilder> {
    let empty = Chain::builder(registry()?);
    Ok(DEFAULT_ORDER
        .iter()
        .fold(empty, |chain, name| chain.source(Source::new(name))))
}
