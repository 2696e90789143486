//! A client certificate that never changes.

use std::fmt;
use std::sync::Arc;

use ::rustls::SignatureScheme;
use ::rustls::client::ResolvesClientCert;
use ::rustls::crypto::CryptoProvider;
use ::rustls::sign::CertifiedKey;
use kubex_core::{ClientCertificate, Result};

use super::certificate::matching_key;

/// Sends this certificate, or none, at every handshake.
///
/// # Errors
/// `IncompleteKeyPair` if certificate and key do not belong together, `Unsupported` if the TLS library does not support
/// the key.
pub(crate) fn fixed_client_cert(
    certificate: Option<&ClientCertificate>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>> {
    let key = certificate
        .map(|certificate| matching_key(certificate, provider).map(Arc::new))
        .transpose()?;
    Ok(Arc::new(Fixed(key)))
}

struct Fixed(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Fixed {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixed")
            .field("has_certificate", &self.0.is_some())
            .finish_non_exhaustive()
    }
}
