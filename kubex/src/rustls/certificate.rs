//! The client's own certificate, as the live handle has it.
//!
//! It is looked at in the handshake and then stands for every request of its connection. So a pool of
//! connections either has one certificate for good, or it asks the live handle at each handshake
//! ([`live`]) and may hold connections of several.

use std::fmt;
use std::sync::Arc;

use ::rustls::SignatureScheme;
use ::rustls::client::ResolvesClientCert;
use ::rustls::crypto::CryptoProvider;
use ::rustls::sign::CertifiedKey;
use kubex_core::{ClientCertificate, Credentials, Error, ErrorKind, Result};

/// The certificate that the live handle has at hand, looked up at each handshake, which also starts the fetch
/// that is due.
pub(crate) fn live(credentials: &Credentials, provider: &Arc<CryptoProvider>) -> Arc<dyn ResolvesClientCert> {
    Arc::new(Live {
        credentials: credentials.clone(),
        provider: Arc::clone(provider),
    })
}

/// A certificate with its key, as the TLS library signs with it.
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
                "the client key is of a kind that the TLS library does not take",
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
    /// Halves of different pairs are sent as they are: the server refuses the handshake, which is better than a
    /// request without identity, and this place can return no error.
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
