//! The part that all verifiers share: it verifies the signature of the handshake with the public key of the server's
//! certificate.
//!
//! The key of any certificate can be used, also of one of version 1, or with an extension that rustls does not know.
//! [`CheckCertificate`] decides whether the certificate is accepted.

use kubex_core::x509::X509Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use webpki::RawPublicKeyEntity;

use crate::refusal::from_webpki;

/// Decides whether a server's certificate is accepted.
pub(crate) trait CheckCertificate: std::fmt::Debug + Send + Sync {
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error>;
}

/// A verifier for rustls: its own check of the certificate, and the signature of the handshake.
#[derive(Debug)]
pub(crate) struct Verifier<C> {
    pub(crate) certificate: C,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl<C: CheckCertificate> ServerCertVerifier for Verifier<C> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.certificate.check(end_entity, intermediates, name, now)?;
        Ok(ServerCertVerified::assertion())
    }

    /// TLS 1.2 does not fix the curve of the key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let public_key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&public_key).map_err(from_webpki)?;
        let (_, candidates) = self
            .algorithms
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

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
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
