//! A client certificate that never changes.

use std::fmt;
use std::sync::Arc;

use ::rustls::SignatureScheme;
use ::rustls::client::ResolvesClientCert;
use ::rustls::crypto::CryptoProvider;
use ::rustls::sign::CertifiedKey;
use kubex_core::{ClientCertificate, Result};

use super::certificate::certified_key;

/// Shows this certificate, or none, at every handshake.
///
/// # Errors
/// `IncompleteKeyPair` if certificate and key do not belong together, `Unsupported` if the TLS library does not support
/// the key.
pub(crate) fn fixed_client_cert(
    certificate: Option<&ClientCertificate>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>> {
    let key = certificate
        .map(|certificate| {
            let key = certified_key(certificate, provider)?;
            let public_key = key.key.public_key();
            match public_key.and_then(|public_key| certificate.has_public_key(&public_key)) {
                Some(false) => Err(ClientCertificate::not_a_pair()),
                // Without an answer here, the server judges the pair.
                Some(true) | None => Ok(Arc::new(key)),
            }
        })
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
