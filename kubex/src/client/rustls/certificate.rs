//! The client certificate, looked up at each handshake.
//!
//! A certificate applies to every request of its connection. A pool either has one fixed certificate, or it asks the
//! live handle at each handshake ([`live`]) and may have connections with different certificates.

use std::fmt;
use std::sync::Arc;

use ::rustls::SignatureScheme;
use ::rustls::client::ResolvesClientCert;
use ::rustls::crypto::CryptoProvider;
use ::rustls::sign::CertifiedKey;
use kubex_core::{ClientCertificate, Credentials, Error, ErrorKind, Result};

/// Looks up the newest certificate of the live handle at each handshake. This also starts a fetch if one is due.
pub(crate) fn live(credentials: &Credentials, provider: &Arc<CryptoProvider>) -> Arc<dyn ResolvesClientCert> {
    Arc::new(Live {
        credentials: credentials.clone(),
        provider: Arc::clone(provider),
    })
}

/// A certificate with its signing key.
pub(super) fn certified_key(
    certificate: &ClientCertificate,
    provider: &CryptoProvider,
) -> Result<CertifiedKey> {
    let key = provider
        .key_provider
        .load_private_key(certificate.key()?)
        .map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                "the TLS library does not support the client key's type",
            )
            .with_help("use a key of RSA, P-256, P-384 or Ed25519")
        })?;
    Ok(CertifiedKey::new(certificate.chain().to_vec(), key))
}

struct Live {
    credentials: Credentials,
    provider: Arc<CryptoProvider>,
}

impl ResolvesClientCert for Live {
    /// A certificate is sent even if the key does not belong to it: this function cannot return an error, and a
    /// failed handshake is better than an anonymous request.
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let credential = self.credentials.try_current()?;
        certified_key(credential.certificate()?, &self.provider)
            .ok()
            .map(Arc::new)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}
