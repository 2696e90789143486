//! The TLS side of the server: its certificate, which can be replaced while it runs, and its leniency with clients.

use std::io;
use std::sync::Arc;

use rustls::ConfigBuilder;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::WantsServerCert;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::certificate::CertificateAuthority;

/// The one implementation of cryptography in the test world. It is always named: a process that links two of them
/// has no default.
pub(crate) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The certificate that new connections are served with.
pub(crate) struct ServingTls {
    names: Vec<String>,
    is_http2_offered: bool,
    generation: usize,
    authority_pem: String,
    configuration: Arc<ServerConfig>,
}

impl ServingTls {
    /// Fails if one of `names` is neither a DNS name nor an IP address.
    pub(crate) fn new(names: Vec<String>, is_http2_offered: bool) -> io::Result<Self> {
        let generation = 1;
        let (authority_pem, configuration) = fresh_configuration(generation, &names, is_http2_offered)?;
        Ok(Self {
            names,
            is_http2_offered,
            generation,
            authority_pem,
            configuration,
        })
    }

    #[allow(
        clippy::expect_used,
        reason = "the same names have made a certificate when the server started"
    )]
    pub(crate) fn rotate(&mut self) {
        self.generation += 1;
        (self.authority_pem, self.configuration) =
            fresh_configuration(self.generation, &self.names, self.is_http2_offered)
                .expect("the names of the server are valid");
    }

    /// Serves these certificates with this key, whether or not they belong together. Fails for a key that rustls cannot
    /// sign with.
    pub(crate) fn replace(
        &mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> io::Result<()> {
        let provider = crypto_provider();
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(io::Error::other)?;
        let certified = SingleCertAndKey::from(CertifiedKey::new(chain, key));
        let mut configuration = builder(&provider)?.with_cert_resolver(Arc::new(certified));
        configuration
            .alpn_protocols
            .clone_from(&self.configuration.alpn_protocols);
        self.configuration = Arc::new(configuration);
        Ok(())
    }

    pub(crate) fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    pub(crate) fn configuration(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.configuration)
    }
}

/// A new authority (its PEM), and a configuration with a certificate of it. Sessions of another configuration cannot
/// be resumed, so that a client which still trusts only the old authority is found out.
fn fresh_configuration(
    generation: usize,
    names: &[String],
    is_http2_offered: bool,
) -> io::Result<(String, Arc<ServerConfig>)> {
    let authority = CertificateAuthority::new(&format!("API server CA {generation}"));
    let (certificate, key) = authority.issue_serving(names).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("no certificate for {names:?}: {error}"),
        )
    })?;
    let mut configuration = builder(&crypto_provider())?
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)?;
    if is_http2_offered {
        configuration.alpn_protocols.push(b"h2".to_vec());
    }
    configuration.alpn_protocols.push(b"http/1.1".to_vec());
    Ok((authority.pem(), Arc::new(configuration)))
}

fn builder(provider: &Arc<CryptoProvider>) -> io::Result<ConfigBuilder<ServerConfig, WantsServerCert>> {
    let verifier = AnyClientCertificate::new(Arc::clone(provider));
    Ok(ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_client_cert_verifier(Arc::new(verifier)))
}

/// Asks for a client certificate, proves that the client has its key, and leaves open whether it means anything:
/// kube-apiserver decides that a layer higher, where a token may stand beside it.
#[derive(Debug)]
pub(crate) struct AnyClientCertificate {
    provider: Arc<CryptoProvider>,
}

impl AnyClientCertificate {
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider }
    }
}

impl ClientCertVerifier for AnyClientCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hints: a client that heeds them would keep a certificate of another authority to itself.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // Over the public key alone: webpki does not read certificates of version 1, which Go accepts.
        let (_, parsed) =
            X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let key = SubjectPublicKeyInfoDer::from(parsed.tbs_certificate.subject_pki.raw);
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
