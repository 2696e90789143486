//! The TLS side of a configuration: trust, and the client's own certificate.
//!
//! A certificate is looked at in the handshake and then stands for every request of its connection. So a pool of
//! connections either has one certificate for good ([`one`]), or it asks the live handle at each handshake
//! ([`live`]) and may hold connections of several.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use kubex_core::{ClientCertificate, Cluster, Credentials, Error, ErrorKind, Result};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, SignatureScheme};

use super::Alias;

/// A rustls configuration for this cluster.
pub(super) fn client_config(
    cluster: &Cluster,
    verifier: Arc<dyn ServerCertVerifier>,
    certificate: Arc<dyn ResolvesClientCert>,
) -> Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(crypto_provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::new(
                ErrorKind::Unsupported,
                format_args!("TLS cannot be set up: {error}"),
            )
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(certificate);
    // Behind an alias the authority of the URL is not the server's. HTTP/1.1 can say so, in `Host`; HTTP/2
    // cannot, for reqwest makes `:authority` of the URL and the two must not differ (RFC 9113, 8.3.1).
    if Alias::of(cluster).is_none() {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    // An address is never sent as SNI (RFC 6066, 3), and the name of the URL is not the one that is asked for.
    let name = cluster.tls_server_name.as_deref().unwrap_or_default();
    config.enable_sni = name.parse::<IpAddr>().is_err();
    // A resumed session has the identity of the handshake before it, an old certificate's too. client-go
    // resumes none either.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Always named: a process that has two providers compiled in has no default.
pub(super) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// This certificate, or none, at every handshake.
///
/// # Errors
/// `IncompleteKeyPair` where certificate and key are of different pairs, `InvalidPem` or `Unsupported` where
/// the TLS library does not take one of them.
pub(super) fn one(certificate: Option<&ClientCertificate>) -> Result<Arc<dyn ResolvesClientCert>> {
    let key = certificate
        .map(|certificate| {
            let key = certified_key(certificate)?;
            match key.keys_match() {
                // A key that does not tell its public half is found out by the server.
                Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Arc::new(key)),
                Err(rustls::Error::InconsistentKeys(_)) => Err(Error::new(
                    ErrorKind::IncompleteKeyPair,
                    "the client certificate and the client key are not of one pair",
                )
                .advise("put the key there that the certificate was made for")),
                Err(_) => Err(Error::new(
                    ErrorKind::InvalidPem,
                    "the client certificate is no X.509 certificate",
                )),
            }
        })
        .transpose()?;
    Ok(Arc::new(One(key)))
}

/// The certificate that the live handle has at hand, looked up at each handshake, which also starts the fetch
/// that is due.
pub(super) fn live(credentials: &Credentials) -> Arc<dyn ResolvesClientCert> {
    Arc::new(Live(credentials.clone()))
}

fn certified_key(certificate: &ClientCertificate) -> Result<CertifiedKey> {
    let key = crypto_provider()
        .key_provider
        .load_private_key(certificate.key()?)
        .map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                "the client key is of a kind that the TLS library does not take",
            )
            .advise("use a key of RSA, P-256, P-384 or Ed25519")
        })?;
    Ok(CertifiedKey::new(certificate.chain().to_vec(), key))
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

struct Live(Credentials);

impl ResolvesClientCert for Live {
    /// Halves of different pairs are sent as they are: the server refuses the handshake, which is better than a
    /// request without identity, and this place can return no error.
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let credential = self.0.at_hand()?;
        certified_key(credential.certificate()?).ok().map(Arc::new)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("One")
            .field("has_certificate", &self.0.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}
