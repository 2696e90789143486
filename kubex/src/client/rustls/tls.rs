//! Builds a rustls configuration from its parts.

use std::net::IpAddr;
use std::sync::Arc;

use ::rustls::ClientConfig;
use ::rustls::client::danger::ServerCertVerifier;
use ::rustls::client::{ResolvesClientCert, Resumption};
use ::rustls::crypto::CryptoProvider;
use kubex_core::{Cluster, Error, ErrorKind, Result};

/// The parts of a rustls configuration.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// Always explicit: rustls has no default if two providers are compiled in.
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) verifier: Arc<dyn ServerCertVerifier>,
    pub(crate) certificate: Arc<dyn ResolvesClientCert>,
}

impl Tls {
    /// Returns the same parts, without a client certificate.
    #[cfg(any(feature = "reqwest", feature = "hyper"))]
    pub(crate) fn without_certificate(&self) -> Result<Self> {
        Ok(Self {
            certificate: super::fixed_client_cert::fixed_client_cert(None, &self.provider)?,
            ..self.clone()
        })
    }

    /// Builds a rustls configuration that offers these protocols.
    pub(crate) fn client_config(&self, cluster: &Cluster, protocols: &[&[u8]]) -> Result<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Unsupported,
                    format_args!("TLS could not be set up: {error}"),
                )
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&self.verifier))
            .with_client_cert_resolver(Arc::clone(&self.certificate));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        // An IP address is never sent as SNI (RFC 6066, 3), and the host of the URL must not be sent in its place.
        let name = cluster.tls_server_name.as_deref().unwrap_or_default();
        config.enable_sni = name.parse::<IpAddr>().is_err();
        // A resumed session keeps the identity of the original handshake, possibly that of an old certificate.
        // client-go does not resume sessions either.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}
