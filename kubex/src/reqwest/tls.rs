//! The TLS side of a configuration: trust, and the client certificate of the moment.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use kubex_core::{ClientCertificate, ClientConfiguration, Credentials, Error, ErrorKind, Result};
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};

use super::trust;

/// A rustls configuration for this cluster, with an explicit crypto provider: a process that has two of them
/// compiled in has no default.
pub(super) fn client_config(configuration: &ClientConfiguration) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = trust::verifier(configuration.cluster(), &provider)?;
    let certificate = CurrentCertificate {
        credentials: configuration.credentials().clone(),
        provider: Arc::clone(&provider),
        last: Mutex::new(None),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::new(
                ErrorKind::Unsupported,
                format_args!("TLS cannot be set up: {error}"),
            )
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session would carry the identity of the handshake before it, an old certificate's too.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// Answers each handshake with the certificate that the live handle holds at that moment.
struct CurrentCertificate {
    credentials: Credentials,
    provider: Arc<CryptoProvider>,
    /// The last pair that was parsed, because parsing a key is slow.
    last: Mutex<Option<(Arc<ClientCertificate>, Arc<CertifiedKey>)>>,
}

impl ResolvesClientCert for CurrentCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let credential = self.credentials.last()?;
        let certificate = credential.certificate()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, key)) = &*last
            && Arc::ptr_eq(known, certificate)
        {
            return Some(Arc::clone(key));
        }
        let key = certified_key(certificate, &self.provider).map(Arc::new);
        match key {
            Ok(key) => {
                *last = Some((Arc::clone(certificate), Arc::clone(&key)));
                Some(key)
            }
            Err(_) => None,
        }
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn certified_key(certificate: &ClientCertificate, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let key = certificate.key()?;
    CertifiedKey::from_der(certificate.chain().to_vec(), key, provider).map_err(|_| {
        Error::new(
            ErrorKind::IncompleteKeyPair,
            "the client certificate and its key do not belong together",
        )
    })
}

impl fmt::Debug for CurrentCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentCertificate").finish_non_exhaustive()
    }
}
