//! The client certificate, looked up at each handshake.
//!
//! A certificate stands for every request of its connection. So a pool either has one fixed certificate, or it asks the
//! live handle at each handshake ([`live`]) and may hold connections of several.

use std::fmt;
use std::sync::Arc;

use ::rustls::SignatureScheme;
use ::rustls::client::ResolvesClientCert;
use ::rustls::crypto::CryptoProvider;
use ::rustls::sign::CertifiedKey;
use kubex_core::{ClientCertificate, Credentials, Error, ErrorKind, Result};

/// Looks up the newest certificate of the live handle at each handshake, which also starts a fetch that is due.
pub(crate) fn live(credentials: &Credentials, provider: &Arc<CryptoProvider>) -> Arc<dyn ResolvesClientCert> {
    Arc::new(Live {
        credentials: credentials.clone(),
        provider: Arc::clone(provider),
    })
}

/// A certificate with its key, as rustls signs with it.
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
    /// A certificate with the key of another pair is sent as it is: this function cannot return an error, and a
    /// handshake that the server refuses is better than a request without identity.
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
