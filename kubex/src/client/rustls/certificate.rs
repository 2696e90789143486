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
                "the crypto provider does not support the client key",
            )
            .with_help(
                "enable the feature \"aws-lc-rs\" of kubex, which supports P-521 and every RSA key of 2048 to 8192 bits",
            )
        })?;
    // Not `from_der`: webpki does not read certificates of version 1.
    Ok(CertifiedKey::new(certificate.chain().to_vec(), key))
}

/// A certificate with its signing key, which belongs to it.
///
/// # Errors
/// `IncompleteKeyPair` if certificate and key do not belong together, `Unsupported` if the crypto provider does not
/// support the key.
pub(super) fn matching_key(
    certificate: &ClientCertificate,
    provider: &CryptoProvider,
) -> Result<CertifiedKey> {
    let key = certified_key(certificate, provider)?;
    let public_key = key.key.public_key();
    match public_key.and_then(|public_key| certificate.has_public_key(&public_key)) {
        Some(false) => Err(ClientCertificate::not_a_pair()),
        // If this cannot be determined here, the server checks the pair.
        Some(true) | None => Ok(key),
    }
}

/// Checks while the chain resolves that the default crypto provider can use the pair. Without one, the program passes its
/// own later, and nothing is known yet.
pub(crate) fn check_pair(certificate: &ClientCertificate) -> Result<()> {
    match kubex_tls::default_provider() {
        Ok(provider) => matching_key(certificate, &provider).map(drop),
        Err(_) => Ok(()),
    }
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
