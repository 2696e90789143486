//! A client certificate with its private key.

use std::fmt;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::public_key::{is_for_public_key, is_pair};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{ExposeSecret, SecretBytes};

/// A certificate chain, the client's own certificate first, and the private key that belongs to it.
///
/// The key is kept as the PEM that it was read from, so that it exists once, in memory that is wiped on drop.
#[derive(Clone)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key_pem: SecretBytes,
}

impl ClientCertificate {
    /// Reads the pair from PEM. The chain may consist of several certificates; the key is PKCS #8, PKCS #1 or SEC1.
    ///
    /// A key that does not contain its public key (most Ed25519 keys) cannot be compared with the certificate here. The
    /// TLS library computes the public key, and [`has_public_key`](Self::has_public_key) compares it.
    ///
    /// # Errors
    /// `InvalidPem` if one of the two is invalid; the message names it. `IncompleteKeyPair` if they do not belong
    /// together.
    pub fn from_pem(certificate: &[u8], key: SecretBytes) -> Result<Self> {
        Self::new(Self::chain_from_pem(certificate)?, key)
    }

    pub(crate) fn chain_from_pem(certificate: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
        certificates_in(certificate, "the client certificate")
    }

    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key_pem: SecretBytes) -> Result<Self> {
        let key_pem = key_pem.listed();
        let certificate = Self { chain, key_pem };
        let key = certificate.key()?;
        match certificate.chain.first() {
            Some(own) if is_pair(own, &key) == Some(false) => Err(Self::not_a_pair()),
            _ => Ok(certificate),
        }
    }

    /// The error for a certificate and a key that do not belong together.
    pub fn not_a_pair() -> Error {
        Error::new(
            ErrorKind::IncompleteKeyPair,
            "the client certificate and the client key do not belong together",
        )
        .with_help("use the private key that the certificate was issued for")
    }

    /// Whether the client's own certificate is for this public key, given as a `SubjectPublicKeyInfo` in DER (RFC 5280,
    /// 4.1). `None` if one of the two cannot be read.
    ///
    /// A TLS library can compute the public key of every private key; this compares the result.
    pub fn has_public_key(&self, public_key: &[u8]) -> Option<bool> {
        is_for_public_key(self.chain.first()?, public_key)
    }

    /// The chain, the client's own certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key in DER, for a TLS library. Drop it as soon as the library has read it.
    ///
    /// # Errors
    /// None, for a pair that [`from_pem`](Self::from_pem) accepted.
    pub fn key(&self) -> Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.key_pem.expose_secret()).map_err(|_| {
            Error::new(
                ErrorKind::InvalidPem,
                "the client key contains no private key in PEM",
            )
            .with_help("expected a block that begins with -----BEGIN PRIVATE KEY-----")
        })
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain && self.key_pem.expose_secret() == other.key_pem.expose_secret()
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// The certificates of a PEM text. Blocks of other kinds are ignored, as by Go's certificate pool.
pub(crate) fn certificates_in(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let invalid = |why: &str| {
        Error::new(ErrorKind::InvalidPem, format_args!("{what} {why}"))
            .with_help("expected a block that begins with -----BEGIN CERTIFICATE-----")
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| invalid("is not valid PEM"))?;
    if certificates.is_empty() {
        return Err(invalid("contains no certificate in PEM"));
    }
    // An X.509 certificate begins with the tag of a DER sequence. Anything else would fail later, in the TLS library.
    if certificates
        .iter()
        .any(|certificate| certificate.first() != Some(&0x30))
    {
        return Err(invalid("contains a block that is not a certificate"));
    }
    Ok(certificates)
}
