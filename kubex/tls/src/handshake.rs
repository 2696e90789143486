//! Verifies the signature of a handshake with the public key of the server's certificate.
//!
//! The key is used as it is: a certificate of version 1, or one with an extension that rustls does not know, has a key
//! like any other. Whether the certificate is accepted is decided elsewhere.

use kubex_core::x509::X509Certificate;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};
use webpki::RawPublicKeyEntity;

use crate::refusal::from_webpki;

/// Verifies a signature of TLS 1.2, which does not fix the curve of the key.
pub(crate) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let public_key = public_key(certificate)?;
    let key = RawPublicKeyEntity::try_from(&public_key).map_err(from_webpki)?;
    let (_, candidates) = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signature.scheme)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    let mut unsupported = Error::from(CertificateError::BadSignature);
    for algorithm in *candidates {
        match key.verify_signature(*algorithm, message, signature.signature()) {
            Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
            Err(error @ webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {
                unsupported = from_webpki(error);
            }
            Err(error) => return Err(from_webpki(error)),
        }
    }
    Err(unsupported)
}

/// Verifies a signature of TLS 1.3.
pub(crate) fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signature, algorithms)
}

/// The certificate's public key. Each of the two readers accepts certificates that the other one refuses.
fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    if let Ok(parsed) = ParsedCertificate::try_from(certificate) {
        return Ok(parsed.subject_public_key_info());
    }
    X509Certificate::read(certificate)
        .map(|read| SubjectPublicKeyInfoDer::from(read.public_key().to_vec()))
        .map_err(|_| CertificateError::BadEncoding.into())
}
