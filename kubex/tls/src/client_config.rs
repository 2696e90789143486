//! The TLS configuration of the HTTP clients that providers use for requests of their own.

use std::sync::Arc;

use kubex_core::{Error, ErrorKind, Result, Trust};
use rustls::ClientConfig;

use crate::{default_provider, verifier};

/// Creates a rustls configuration for HTTP/1.1, with this trust and without a client certificate. It uses the [default crypto
/// provider](crate::default_provider).
///
/// # Errors
/// Returns [`ErrorKind::Unsupported`] or [`ErrorKind::InvalidPem`] if the TLS library does not accept the trust, or if
/// there is no crypto provider.
pub fn http_client_config(trust: &Trust) -> Result<ClientConfig> {
    let unsupported = |error: rustls::Error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("TLS cannot be set up: {error}"),
        )
    };
    let provider = default_provider()?;
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unsupported)?
        .dangerous()
        .with_custom_certificate_verifier(verifier(trust, &provider)?)
        .with_no_client_auth();
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
}
