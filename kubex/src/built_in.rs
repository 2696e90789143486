//! The providers that come with Kubex.

use kubex_core::{Registration, Registry, Result};

/// The built-in providers. The references to their statics keep the linker from dropping them.
const BUILT_IN: &[&Registration] = &[
    #[cfg(feature = "static")]
    &kubex_static::REGISTRATION,
    #[cfg(feature = "token-file")]
    &kubex_token_file::REGISTRATION,
    #[cfg(feature = "in-cluster")]
    &kubex_in_cluster::REGISTRATION,
    #[cfg(feature = "exec")]
    &kubex_exec::REGISTRATION,
    #[cfg(feature = "oidc")]
    &kubex_oidc::REGISTRATION,
    #[cfg(feature = "aks")]
    &kubex_aks::REGISTRATION,
    #[cfg(feature = "eks")]
    &kubex_eks::REGISTRATION,
    #[cfg(feature = "gke")]
    &kubex_gke::REGISTRATION,
    #[cfg(feature = "github-actions")]
    &kubex_github_actions::REGISTRATION,
    #[cfg(feature = "token-exchange")]
    &kubex_token_exchange::REGISTRATION,
    #[cfg(feature = "kubeconfig")]
    &kubex_kubeconfig::REGISTRATION,
];

/// Returns the providers that this program can use: the built-in ones whose features are enabled, and those of all
/// linked plugin crates.
///
/// # Errors
/// Returns [`ErrorKind::DuplicateProvider`](kubex_core::ErrorKind::DuplicateProvider) if two crates register the same
/// name.
///
/// ```
/// # fn main() -> kubex::Result<()> {
/// for registration in kubex::registry()?.iter() {
///     println!("{}: {}", registration.name(), registration.summary());
/// }
/// # Ok(())
/// # }
/// ```
pub fn registry() -> Result<Registry> {
    let registry = Registry::linked_with(BUILT_IN)?;
    #[cfg(feature = "rustls")]
    let registry = registry.with_pair_check(crate::client::rustls::check_pair);
    Ok(registry)
}
