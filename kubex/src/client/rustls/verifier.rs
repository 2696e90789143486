//! Decides which server certificate is accepted, and for which name.

use std::sync::{Arc, Mutex, PoisonError};

use ::rustls::client::WebPkiServerVerifier;
use ::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use ::rustls::crypto::CryptoProvider;
use ::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use ::rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use kubex_core::{CaBundle, Error, ErrorKind, Generation, LiveTrust, Result, Trust};

use super::accept_any::AcceptAny;
use super::names::Names;

/// The verifier of this trust, for a server of these names.
///
/// # Errors
/// `InvalidPem` for authorities that rustls does not accept; `Unsupported` where the system's trust cannot be used, and
/// for a kind of trust that is not known here.
pub(crate) fn verifier(
    names: &Names,
    trust: &Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    let inner: Arc<dyn ServerCertVerifier> = match trust {
        Trust::CaBundle(authorities) => from_authorities(authorities, provider)?,
        Trust::Insecure => Arc::new(AcceptAny(Arc::clone(provider))),
        Trust::System => Arc::new(
            rustls_platform_verifier::Verifier::new(Arc::clone(provider)).map_err(|error| {
                Error::new(
                    ErrorKind::Unsupported,
                    format_args!("the system's trust cannot be used: {error}"),
                )
            })?,
        ),
        // A kind that a newer core adds is never weakened to another one.
        _ => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this version of kubex does not support the configuration's kind of trust",
            )
            .with_help("use the same version of kubex and kubex-core"));
        }
    };
    let names = names.clone();
    Ok(Arc::new(Named { names, inner }))
}

/// A verifier that asks the live trust at each handshake.
///
/// # Errors
/// As [`verifier`], for the trust of this moment.
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

/// Warns that rustls does not accept the new authorities, so that the old ones stay in use.
pub(crate) fn unusable(error: &Error, generation: Generation) {
    tracing::warn!(
        target: "kubex::trust",
        outcome = "unusable",
        generation = generation.number(),
        %error,
        "the old authorities stay in use"
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

/// Whether the server's certificate was issued by an unknown authority.
pub(crate) fn is_unknown_issuer(error: &::rustls::Error) -> bool {
    matches!(
        error,
        ::rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}

fn from_authorities(
    authorities: &CaBundle,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.certificates().iter().cloned());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| {
            Error::new(
                ErrorKind::InvalidPem,
                format_args!("the certificate authority cannot be used: {error}"),
            )
        })
}

/// Accepts a certificate for the configuration's server alone.
#[derive(Debug)]
struct Named {
    names: Names,
    inner: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Named {
    /// A server of another name is refused here, before the client's own certificate is shown to it.
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
                // The authorities of two clusters often have one name (kubeadm's is always `kubernetes`). That
                // the signature is not by this one of them means that it is by one that is not known.
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
        "the connection goes to another server than the configuration's",
    );
    ::rustls::Error::Other(OtherError(Arc::new(refused)))
}
