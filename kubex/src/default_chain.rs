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

/// Returns a builder of the default chain: the kubeconfig, then the pod's service account. You can add sources or
/// overrides to it. Kubex's own configuration files and variables are ignored.
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let configuration = kubex::default_chain()?.resolve().await?;
/// # Ok(())
/// # }
/// ```
///
/// `kubex::default_chain()?.build()?` is a [`Chain`], which can be resolved any number of times.
///
/// # Errors
/// Returns [`ErrorKind::DuplicateProvider`](kubex_core::ErrorKind::DuplicateProvider) if two linked crates register
/// the same name.
pub fn default_chain() -> Result<ChainBuilder> {
    let empty = Chain::builder(registry()?);
    Ok(DEFAULT_ORDER
        .iter()
        .fold(empty, |chain, name| chain.source(Source::new(name))))
}
