//! The crypto provider that is used unless the program chooses one.

use std::sync::Arc;

use kubex_core::Result;
#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
use kubex_core::{Error, ErrorKind};
use rustls::crypto::CryptoProvider;

/// Returns the first of these crypto providers that exists: the default provider that the program has installed in
/// rustls; aws-lc-rs, if the feature `aws-lc-rs` is enabled; ring, if the feature `ring` is enabled.
///
/// # Errors
/// Returns [`ErrorKind::Unsupported`](kubex_core::ErrorKind::Unsupported) if none of them exists.
pub fn default_provider() -> Result<Arc<CryptoProvider>> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Ok(Arc::clone(installed));
    }
    #[cfg(feature = "aws-lc-rs")]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    Err(Error::new(
        ErrorKind::Unsupported,
        "the program has no crypto provider for TLS",
    )
    .with_help(
        "enable the feature \"aws-lc-rs\" or \"ring\" of kubex, or of kubex-tls in a provider's dev-dependencies, or install a \
         provider in rustls",
    ))
}
