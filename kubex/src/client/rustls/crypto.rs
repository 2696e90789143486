//! The implementation of cryptography.

use std::sync::Arc;

use ::rustls::crypto::CryptoProvider;
use kubex_core::Result;

/// The crypto provider that Kubex's clients use: aws-lc-rs with the feature `aws-lc-rs`, else ring with the feature
/// `ring`, else the one that the program has installed as its default.
///
/// # Errors
/// `Unsupported` where there is none of them.
pub fn crypto_provider() -> Result<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Ok(Arc::new(::rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(Arc::new(::rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    CryptoProvider::get_default().cloned().ok_or_else(|| {
        kubex_core::Error::new(
            kubex_core::ErrorKind::Unsupported,
            "there is no crypto provider for TLS in this program",
        )
        .with_help("switch on the feature \"ring\" or \"aws-lc-rs\" of kubex, or install one in rustls")
    })
}
