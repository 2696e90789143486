//! The crypto provider of Google's SDK, which takes it from the process.

use kubex_core::{Error, ErrorKind, Result};
use rustls::crypto::CryptoProvider;

/// Checks that the SDK has a crypto provider. With the feature `aws-lc-rs` it brings its own; otherwise it needs one that
/// the program has installed, and would panic without.
///
/// # Errors
/// `Unsupported`.
pub(crate) fn check_provider() -> Result<()> {
    if cfg!(feature = "aws-lc-rs") || CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "Google's SDK has no crypto provider: the feature `aws-lc-rs` is off, and the program has installed none",
    )
    .with_help("call `rustls::crypto::ring::default_provider().install_default()` when the program starts"))
}
