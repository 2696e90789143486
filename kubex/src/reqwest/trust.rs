//! Whose certificate is accepted, and for which name.

use std::sync::{Arc, Mutex, PoisonError};

use kubex_core::{Authorities, Cluster, Error, ErrorKind, Generation, LiveTrust, Result, Trust};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::tls::crypto_provider;

/// The verifier that this trust asks for, at this cluster.
pub(super) fn verifier(cluster: &Cluster, trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>> {
    let provider = crypto_provider();
    let inner: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Authorities(authorities) => of_authorities(authorities, &provider)?,
        Trust::Anyone => return Ok(Arc::new(Anyone(provider))),
        _ => Arc::new(
            rustls_platform_verifier::Verifier::new(provider).map_err(|error| {
                Error::new(ErrorKind::Unsupported, format_args!("no system trust: {error}"))
            })?,
        ),
    };
    let name = cluster
        .tls_server_name
        .clone()
        .map(ServerName::try_from)
        .transpose()
        .map_err(|_| Error::new(ErrorKind::InvalidValue, "the TLS server name is no host name"))?;
    Ok(Arc::new(Checked { name, inner }))
}

/// A verifier that asks the live trust at each handshake.
///
/// # Errors
/// As [`verifier`], for the trust of this moment.
pub(super) fn live(cluster: &Arc<Cluster>, trust: &LiveTrust) -> Result<Arc<dyn ServerCertVerifier>> {
    let current = trust.at_hand();
    let inner = verifier(cluster, current.trust())?;
    if trust.is_fixed() {
        return Ok(inner);
    }
    Ok(Arc::new(Live {
        cluster: Arc::clone(cluster),
        trust: trust.clone(),
        newest: Mutex::new((current.generation(), inner)),
    }))
}

/// Keeps the verifier of the newest generation that was of use.
#[derive(Debug)]
struct Live {
    cluster: Arc<Cluster>,
    trust: LiveTrust,
    newest: Mutex<(Generation, Arc<dyn ServerCertVerifier>)>,
}

impl Live {
    fn current(&self) -> Arc<dyn ServerCertVerifier> {
        let current = self.trust.at_hand();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.0 < current.generation() {
            match verifier(&self.cluster, current.trust()) {
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

/// The old authorities stay in use where the TLS library does not take the new ones.
pub(super) fn unusable(error: &Error, generation: Generation) {
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.current()
            .verify_server_cert(end_entity, intermediates, address, ocsp_response, now)
            .inspect_err(|error| {
                if is_of_nobody(error) {
                    self.trust.invalidate(self.trust.at_hand().generation());
                }
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current()
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.current()
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current().supported_verify_schemes()
    }
}

/// Whether the server's certificate is of no authority that is known.
pub(super) fn is_of_nobody(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}

fn of_authorities(
    authorities: &Authorities,
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

/// Checks the certificate for this name where there is one, whatever the address was.
#[derive(Debug)]
struct Checked {
    name: Option<ServerName<'static>>,
    inner: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        address: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let name = self.name.as_ref().unwrap_or(address);
        self.inner
            .verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
            .map_err(|error| match error {
                // The authorities of two clusters often have one name (kubeadm's is always `kubernetes`). That
                // the signature is not by this one of them means that it is by one that is not known.
                rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
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
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Accepts any certificate, as `insecure-skip-tls-verify` asks for. That the other side holds its key is
/// still checked.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
