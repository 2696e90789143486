//! The providers that come with Kubex.

use kubex_core::{Registration, Registry, Result};

/// The built-in providers, by reference: naming the statics is what makes the linker keep them.
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
    #[cfg(feature = "kubeconfig")]
    &kubex_kubeconfig::REGISTRATION,
];

/// The providers of this program: those that come with Kubex, as far as their features are on, and those of
/// every plugin crate that is linked in.
///
/// # Errors
/// `DuplicateProvider` where two crates claim one name.
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
    Registry::linked_with(BUILT_IN)
}
