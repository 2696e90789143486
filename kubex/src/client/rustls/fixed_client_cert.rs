//! One client certificate for good.

use std::fmt;
use std::sync::Arc;

use ::rustls::client::ResolvesClientCert;
use ::rustls::crypto::CryptoProvider;
use ::rustls::sign::CertifiedKey;
use ::rustls::{InconsistentKeys, SignatureScheme};
use kubex_core::{ClientCertificate, Error, ErrorKind, Result};

use super::certificate::certified_key;

/// This certificate, or none, at every handshake.
///
/// # Errors
/// `IncompleteKeyPair` where certificate and key are of different pairs, `InvalidPem` or `Unsupported` where
/// the TLS library does not take one of them.
pub(crate) fn fixed_client_cert(
    certificate: Option<&ClientCertificate>,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>> {
    let key = certificate
        .map(|certificate| {
            let key = certified_key(certificate, provider)?;
            match key.keys_match() {
                // A key that does not tell its public half is found out by the server.
                Ok(()) | Err(::rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                    Ok(Arc::new(key))
                }
                Err(::rustls::Error::InconsistentKeys(_)) => Err(Error::new(
                    ErrorKind::IncompleteKeyPair,
                    "the client certificate and the client key are not of one pair",
                )
                .with_help("put the key there that the certificate was made for")),
                Err(_) => Err(Error::new(
                    ErrorKind::InvalidPem,
                    "the client certificate is no X.509 certificate",
                )),
            }
        })
        .transpose()?;
    Ok(Arc::new(One(key)))
}

struct One(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for One {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("One")
            .field("has_certificate", &self.0.is_some())
            .finish_non_exhaustive()
    }
}
