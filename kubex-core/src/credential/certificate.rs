//! A client certificate with its private key.

use std::fmt;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::public_key::are_of_one_pair;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{ExposeSecret, SecretBytes};

/// A certificate chain, the client's own certificate first, and the private key that belongs to it.
///
/// It is kept as the PEM it came as, so that the key exists once, in memory that is wiped on drop.
#[derive(Clone)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key_pem: SecretBytes,
}

impl ClientCertificate {
    /// Reads the pair from PEM. The chain may be of several certificates; the key is PKCS#8, PKCS#1 or SEC1.
    /// Where the key does not tell its public half (Ed25519 mostly does not), the TLS library that uses the
    /// pair finds out whether they belong together.
    ///
    /// # Errors
    /// `InvalidPem`, saying which of the two it is about; `IncompleteKeyPair` where they are of different pairs.
    pub fn from_pem(certificate: &[u8], key: SecretBytes) -> Result<Self> {
        Self::new(Self::chain_from_pem(certificate)?, key)
    }

    pub(crate) fn chain_from_pem(certificate: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
        certificates_in(certificate, "the client certificate")
    }

    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key_pem: SecretBytes) -> Result<Self> {
        let certificate = Self { chain, key_pem };
        let key = certificate.key()?;
        match certificate.chain.first() {
            Some(own) if are_of_one_pair(own, &key) == Some(false) => Err(Error::new(
                ErrorKind::IncompleteKeyPair,
                "the client certificate and the client key are not of one pair",
            )
            .with_help("put the key there that the certificate was made for")),
            _ => Ok(certificate),
        }
    }

    /// The chain, the client's own certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key in DER, for a TLS library. Let it go as soon as that library has it.
    ///
    /// # Errors
    /// Never for a pair that [`from_pem`](Self::from_pem) accepted.
    pub fn key(&self) -> Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.key_pem.expose_secret()).map_err(|_| {
            Error::new(
                ErrorKind::InvalidPem,
                "the client key holds no private key in PEM",
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

/// The certificates of a PEM text. Blocks of another kind between them are passed over, as Go's certificate
/// pool does.
pub(crate) fn certificates_in(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let invalid = |why: &str| {
        Error::new(ErrorKind::InvalidPem, format_args!("{what} {why}"))
            .with_help("expected a block that begins with -----BEGIN CERTIFICATE-----")
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| invalid("is not valid PEM"))?;
    if certificates.is_empty() {
        return Err(invalid("holds no certificate in PEM"));
    }
    // An X.509 certificate is a DER sequence; anything else would only fail later, in the TLS library.
    if certificates
        .iter()
        .any(|certificate| certificate.first() != Some(&0x30))
    {
        return Err(invalid("holds a block that is no certificate"));
    }
    Ok(certificates)
}
