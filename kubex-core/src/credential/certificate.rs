//! A client certificate with its private key.
//!
//! The certificate authenticates the TLS connection, not a request. A rotated certificate therefore needs new connections, and
//! an API server that receives both a certificate and a token uses the certificate.
//!
//! ```
//! use kubex_core::{ClientCertificate, ErrorKind, SecretBytes};
//!
//! let key = SecretBytes::from(b"not a key".to_vec());
//! let error = ClientCertificate::from_pem(b"not a certificate", key).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidPem);
//! ```

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::private_key::{check_support, read_key};
use super::public_key::{is_for_public_key, is_pair};
use crate::cluster::Authority;
use crate::error::{Error, ErrorKind, Result};
use crate::pem::{PemBlock, Subject, blocks};
use crate::secret::{ExposeSecret, SecretBytes};
use crate::time::rfc3339;
use crate::warning::Warning;
use crate::x509::{Purpose, Unreadable};

/// How many ignored blocks of one text are reported.
const MAX_REPORTED: usize = 8;

/// A certificate chain, the client's own certificate first, and the private key that belongs to it.
///
/// All versions of X.509 are accepted, and the certificates are sent unchanged. The key is kept in memory that is wiped on
/// drop.
#[derive(Clone)]
pub struct ClientCertificate {
    chain: Certificates,
    /// When the client's own certificate is valid; `None` if its dates cannot be read.
    validity: Option<(SystemTime, SystemTime)>,
    key_pem: SecretBytes,
}

impl ClientCertificate {
    /// Reads a certificate chain and its private key from PEM. The chain may consist of several certificates. The key
    /// is in PKCS #8, PKCS #1 or SEC1; its PEM label may be wrong.
    ///
    /// If the private key contains its public key, this function compares that with the certificate. Most Ed25519 keys do not
    /// contain it. For these, compute the public key with a TLS library, and pass it to
    /// [`has_public_key`](Self::has_public_key).
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidPem`]: the certificate or the key is invalid. The message names the invalid one.
    /// - [`ErrorKind::Unsupported`]: no TLS library supports the key.
    /// - [`ErrorKind::IncompleteKeyPair`]: the key does not belong to the certificate.
    pub fn from_pem(certificate: &[u8], key: SecretBytes) -> Result<Self> {
        let subjects = [Subject::CLIENT_CERTIFICATE, Subject::CLIENT_KEY];
        let [of_certificate, _] = subjects;
        Self::new(
            Certificates::of_client(certificate, of_certificate)?,
            key,
            subjects,
        )
    }

    /// `subjects` are the names of the certificate and the key in errors.
    pub(crate) fn new(chain: Certificates, key_pem: SecretBytes, subjects: [Subject<'_>; 2]) -> Result<Self> {
        let [of_certificate, of_key] = subjects;
        let validity = chain
            .first()
            .and_then(|own| Purpose::read(own).ok())
            .map(|own| own.validity());
        let key_pem = key_pem.listed();
        let certificate = Self {
            chain,
            validity,
            key_pem,
        };
        let key = read_key(certificate.key_pem.expose_secret(), of_key)?;
        if let Some(own) = certificate.chain.first()
            && is_pair(own, &key) == Some(false)
        {
            return Err(not_a_pair(of_certificate, of_key));
        }
        check_support(&key, of_key)?;
        Ok(certificate)
    }

    /// Returns the error for a certificate and a key that do not belong together.
    pub fn not_a_pair() -> Error {
        not_a_pair(Subject::CLIENT_CERTIFICATE, Subject::CLIENT_KEY)
    }

    /// Returns whether the client's own certificate contains this public key, a `SubjectPublicKeyInfo` in DER (RFC
    /// 5280, 4.1). A TLS library can compute the public key of any private key.
    ///
    /// `None` means that the keys cannot be compared: the certificate or `public_key` cannot be read, or one of the keys is a
    /// compressed point of an elliptic curve.
    pub fn has_public_key(&self, public_key: &[u8]) -> Option<bool> {
        is_for_public_key(self.chain.first()?, public_key)
    }

    /// Returns the certificate chain. The client's own certificate is the first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain.certificates
    }

    /// Returns the certificate chain as PEM (RFC 7468). The client's own certificate is the first.
    pub fn chain_pem(&self) -> String {
        let mut pem = String::new();
        for certificate in self.chain() {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            let encoded = BASE64_STANDARD.encode(certificate);
            let mut rest = encoded.as_str();
            while !rest.is_empty() {
                let (line, after) = rest.split_at(rest.len().min(64));
                pem.push_str(line);
                pem.push('\n');
                rest = after;
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
        pem
    }

    /// Returns the PEM text that the private key was read from.
    pub fn key_pem(&self) -> &SecretBytes {
        &self.key_pem
    }

    /// Returns the time from which the client's own certificate is valid; `None` if its dates cannot be read.
    pub fn not_before(&self) -> Option<SystemTime> {
        self.validity.map(|(not_before, _)| not_before)
    }

    /// Returns the time at which the client's own certificate expires; `None` if its dates cannot be read.
    pub fn not_after(&self) -> Option<SystemTime> {
        self.validity.map(|(_, not_after)| not_after)
    }

    /// Returns warnings about the certificate at this time: it has expired, it is not valid yet, or the PEM contains blocks
    /// that are not used. An expired certificate is still sent, because this machine's clock may be wrong.
    pub fn warnings(&self, now: SystemTime) -> Vec<Warning> {
        let mut warnings = self.chain.warnings();
        match self.validity {
            Some((_, not_after)) if not_after < now => warnings.push(Warning::new(
                "client-certificate-expired",
                format_args!(
                    "the client certificate expired at {}; get a new one",
                    rfc3339(not_after)
                ),
            )),
            Some((not_before, _)) if now < not_before => warnings.push(Warning::new(
                "client-certificate-not-yet-valid",
                format_args!(
                    "the client certificate is not valid before {}; check the clock of this machine",
                    rfc3339(not_before)
                ),
            )),
            _ => {}
        }
        warnings
    }

    /// Returns the private key in DER, for a TLS library. Drop it as soon as the library has read it.
    ///
    /// # Errors
    /// Returns no error for a key that [`from_pem`](Self::from_pem) accepted.
    pub fn key(&self) -> Result<PrivateKeyDer<'static>> {
        read_key(self.key_pem.expose_secret(), Subject::CLIENT_KEY)
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.chain() == other.chain() && self.key_pem.expose_secret() == other.key_pem.expose_secret()
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("certificates", &self.chain.certificates.len())
            .finish_non_exhaustive()
    }
}

/// The certificates of a PEM text, and its blocks that are not used.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    certificates: Vec<CertificateDer<'static>>,
    /// Descriptions of the blocks that are not used.
    ignored: Vec<String>,
}

impl Certificates {
    /// Reads a client's chain, by the rules of Go's `tls.X509KeyPair`: broken blocks and blocks of other kinds are
    /// skipped, the client's own certificate must be valid X.509, and the others are sent as they are.
    pub(crate) fn of_client(pem: &[u8], subject: Subject<'_>) -> Result<Self> {
        let blocks = blocks(pem);
        let mut read = Self::empty();
        for (index, block) in blocks.iter().enumerate() {
            match &block.content {
                Ok(content) if block.label == "CERTIFICATE" => {
                    read.certificates.push(content.to_vec().into());
                }
                Err(problem) => read.ignore(subject, index, block, problem),
                Ok(_) => {}
            }
        }
        match read.first().map(|own| Purpose::read(own)) {
            None => Err(no_certificate(subject, &blocks)),
            Some(Err(Unreadable::Malformed)) => Err(invalid(
                subject,
                "contains a block that is not an X.509 certificate",
            )),
            // The server judges a date that cannot be read here.
            Some(Ok(_) | Err(Unreadable::Date)) => Ok(read),
        }
    }

    /// Reads certificate authorities, by the rules of Go's `CertPool.AppendCertsFromPEM`: each block that is a certificate
    /// counts, and all others are skipped.
    pub(crate) fn of_authorities(pem: &[u8], subject: Subject<'_>) -> Result<(Self, Vec<Authority>)> {
        let blocks = blocks(pem);
        let mut read = Self::empty();
        let mut authorities = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            match &block.content {
                Err(problem) => read.ignore(subject, index, block, problem),
                Ok(_) if block.label != "CERTIFICATE" => {
                    read.ignore(subject, index, block, "it is not labelled CERTIFICATE");
                }
                Ok(_) if block.has_headers => read.ignore(subject, index, block, "it has headers"),
                Ok(content) => {
                    authorities.push(match Purpose::read(content) {
                        Ok(purpose) => Authority::new(&purpose),
                        Err(Unreadable::Date) => Authority::default(),
                        Err(Unreadable::Malformed) => {
                            read.ignore(subject, index, block, "it is not an X.509 certificate");
                            continue;
                        }
                    });
                    read.certificates.push(content.to_vec().into());
                }
            }
        }
        if read.certificates.is_empty() {
            return Err(match read.ignored.first() {
                Some(ignored) if blocks.iter().any(|block| block.label == "CERTIFICATE") => Error::new(
                    ErrorKind::InvalidPem,
                    format_args!("{subject} contains no valid certificate: {ignored}"),
                )
                .with_help("get the certificate authority of the cluster again"),
                _ => no_certificate(subject, &blocks),
            });
        }
        Ok((read, authorities))
    }

    fn empty() -> Self {
        Self {
            certificates: Vec::new(),
            ignored: Vec::new(),
        }
    }

    fn first(&self) -> Option<&CertificateDer<'static>> {
        self.certificates.first()
    }

    pub(crate) fn into_parts(self) -> (Vec<CertificateDer<'static>>, Vec<String>) {
        (self.certificates, self.ignored)
    }

    fn ignore(&mut self, subject: Subject<'_>, index: usize, block: &PemBlock<'_>, problem: &str) {
        self.ignored.push(format!(
            "block {} of {}, at line {} of the PEM, is not used: {problem}",
            index + 1,
            subject.what,
            block.line
        ));
    }

    fn warnings(&self) -> Vec<Warning> {
        ignored_blocks(&self.ignored)
    }
}

/// A warning for each block that is not used, but not for more than a few.
pub(crate) fn ignored_blocks(ignored: &[String]) -> Vec<Warning> {
    let warning = |message: &dyn fmt::Display| Warning::new("pem-block-ignored", message);
    let mut warnings: Vec<_> = ignored
        .iter()
        .take(MAX_REPORTED)
        .map(|message| warning(message))
        .collect();
    if let Some(more @ 1..) = ignored.len().checked_sub(MAX_REPORTED) {
        warnings.push(warning(&format_args!("{more} more blocks are not used")));
    }
    warnings
}

/// The error for a certificate and a key that do not belong together.
pub(crate) fn not_a_pair(certificate: Subject<'_>, key: Subject<'_>) -> Error {
    Error::new(
        ErrorKind::IncompleteKeyPair,
        format_args!("{certificate} and {key} do not belong together"),
    )
    .with_help("use the private key that the certificate was issued for")
}

fn invalid(subject: Subject<'_>, why: &str) -> Error {
    Error::new(ErrorKind::InvalidPem, format_args!("{subject} {why}"))
        .with_help("expected a block that begins with -----BEGIN CERTIFICATE-----")
}

fn no_certificate(subject: Subject<'_>, blocks: &[PemBlock<'_>]) -> Error {
    if let Some(problem) = blocks.iter().find_map(|block| block.content.as_ref().err()) {
        return invalid(subject, &format!("is not valid PEM: {problem}"))
            .with_help("write the certificate to the file again, as PEM in UTF-8 without a byte order mark");
    }
    match blocks.first() {
        Some(block) if block.label.ends_with("PRIVATE KEY") => {
            let help = if subject.what == Subject::CLIENT_CERTIFICATE.what {
                "set the certificate; perhaps the certificate and the key are swapped"
            } else {
                "set the certificate, and keep the private key on the server"
            };
            invalid(subject, "contains a private key, not a certificate").with_help(help)
        }
        Some(block) => {
            // Only what looks like a label is shown.
            let is_label = block.label.len() <= 40
                && block
                    .label
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
            let label = if is_label {
                &*block.label
            } else {
                "block with another label"
            };
            invalid(subject, &format!("contains a {label} and no certificate in PEM"))
        }
        None => invalid(subject, "contains no certificate in PEM"),
    }
}
