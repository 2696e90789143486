//! `insecure-skip-tls-verify`: accepts any certificate, with a warning.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use ::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use ::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use ::rustls::{DigitallySignedStruct, SignatureScheme};
use kubex_core::{Cluster, LiveTrust, Trust};

/// The servers that this process has been warned about.
static WARNED_OF: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Warns that the certificate of this server is not checked, once for each server in this process.
pub(crate) fn warn_if_insecure(cluster: &Cluster, trust: &LiveTrust) {
    if !cluster.server.is_encrypted() || !matches!(trust.try_current().trust(), Trust::Insecure) {
        return;
    }
    let server = cluster.server.to_string();
    let is_new = WARNED_OF
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(server.clone());
    if is_new {
        tracing::warn!(
            target: "kubex::trust",
            outcome = "insecure",
            %server,
            "the server's certificate is not checked: any server that answers gets the credential"
        );
    }
}

/// Accepts any certificate. That the other side holds its key is still checked.
#[derive(Debug)]
pub(super) struct AcceptAny(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, ::rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, ::rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
