//! Verifies the server's certificate and its name.

use std::sync::{Arc, Mutex, PoisonError};

use ::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use ::rustls::crypto::CryptoProvider;
use ::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use ::rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use kubex_core::{Error, ErrorKind, Generation, LiveTrust, Result, Trust};
use kubex_tls::is_unknown_issuer;

use super::names::Names;

/// Creates the verifier for this trust and a server with these names.
///
/// # Errors
/// `Unsupported` if the system's trust store cannot be used, and for an unknown variant of `Trust`.
pub(crate) fn verifier(
    names: &Names,
    trust: &Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    Ok(named(names.clone(), kubex_tls::verifier(trust, provider)?))
}

/// The verifier of a trust, for a server with these names.
pub(crate) fn named(names: Names, inner: Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Named { names, inner })
}

/// Creates a verifier that reads the live trust at each handshake.
///
/// # Errors
/// The same as [`verifier`], for the current trust.
pub(crate) fn live(
    names: Names,
    trust: &LiveTrust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let current = trust.try_current();
    let inner = verifier(&names, current.trust(), provider)?;
    if trust.is_fixed() {
        return Ok(inner);
    }
    Ok(Arc::new(Live {
        names,
        trust: trust.clone(),
        provider: Arc::clone(provider),
        newest: Mutex::new((current.generation(), inner)),
    }))
}

/// Keeps the verifier of the newest generation that could be used.
#[derive(Debug)]
struct Live {
    names: Names,
    trust: LiveTrust,
    provider: Arc<CryptoProvider>,
    newest: Mutex<(Generation, Arc<dyn ServerCertVerifier>)>,
}

impl Live {
    fn current(&self) -> Arc<dyn ServerCertVerifier> {
        let current = self.trust.try_current();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.0 < current.generation() {
            match verifier(&self.names, current.trust(), &self.provider) {
                Ok(inner) => *newest = (current.generation(), inner),
                Err(error) => {
                    unusable(&error, current.generation());
                    newest.0 = current.generation();
                }
            }
        }
        Arc::clone(&newest.1)
    }
}

/// Logs a warning that rustls does not accept the new CA bundle, and that the old one stays in use.
pub(crate) fn unusable(error: &Error, generation: Generation) {
    tracing::warn!(
        target: "kubex::trust",
        outcome = "unusable",
        generation = generation.number(),
        %error,
        "the old CA bundle stays in use"
    );
}

impl ServerCertVerifier for Live {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        address: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, ::rustls::Error> {
        self.current()
            .verify_server_cert(end_entity, intermediates, address, ocsp_response, now)
            .inspect_err(|error| {
                if is_unknown_issuer(error) {
                    self.trust.invalidate(self.trust.try_current().generation());
                }
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        self.current()
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        self.current()
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current().supported_verify_schemes()
    }
}

/// Accepts a certificate only for the configuration's server.
#[derive(Debug)]
struct Named {
    names: Names,
    inner: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Named {
    /// A server with another name is refused here, before the client certificate is sent.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        address: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, ::rustls::Error> {
        let name = self.names.to_check(address).ok_or_else(another_server)?;
        self.inner
            .verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            .map_err(|error| match error {
                // The CAs of two clusters often have the same name (kubeadm's is always `kubernetes`). A bad
                // signature therefore means an unknown issuer.
                ::rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
                    CertificateError::UnknownIssuer.into()
                }
                error => error,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn another_server() -> ::rustls::Error {
    let refused = Error::new(
        ErrorKind::Refused,
        "the connection is to a server other than the configured one",
    );
    ::rustls::Error::Other(OtherError(Arc::new(refused)))
}
