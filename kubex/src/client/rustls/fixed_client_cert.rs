//! A client certificate that never changes.

use std::fmt;
use std::sync::Arc;

use ::rustls::client::ResolvesClientCert;
use ::rustls::crypto::CryptoProvider;
use ::rustls::sign::CertifiedKey;
use ::rustls::{InconsistentKeys, SignatureScheme};
use kubex_core::{ClientCertificate, Error, ErrorKind, Result};

use super::certificate::certified_key;

/// Shows this certificate, or none, at every handshake.
///
/// # Errors
/// `IncompleteKeyPair` where certificate and key do not belong together; `InvalidPem` or `Unsupported` where rustls does
/// not accept one of them.
pub(crate) fn fixed_client_cert(
    certificate: Option<&ClientCertificate>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>> {
    let key = certificate
        .map(|certificate| {
            let key = certified_key(certificate, provider)?;
            match key.keys_match() {
                // Without the key's public half only the server can tell.
                Ok(()) | Err(::rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                    Ok(Arc::new(key))
                }
                Err(::rustls::Error::InconsistentKeys(_)) => Err(Error::new(
                    ErrorKind::IncompleteKeyPair,
                    "the client certificate and the client key do not belong together",
                )
                .with_help("use the key that the certificate was issued for")),
                Err(_) => Err(Error::new(
                    ErrorKind::InvalidPem,
                    "the client certificate is not a valid X.509 certificate",
                )),
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
