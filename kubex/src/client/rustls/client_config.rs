//! Creates the rustls configuration of a cluster.

use ::rustls::ClientConfig;
use ::rustls::pki_types::ServerName;
use kubex_core::{ClientConfiguration, Result};

use super::crypto::CryptoChoice;
use super::insecure::warn_if_insecure;
use super::names::{self, Names};
use super::tls::Tls;
use super::{certificate, verifier};

/// Creates a rustls configuration for this cluster, with the [default crypto provider](CryptoChoice::Automatic).
///
/// # Errors
/// Returns the errors of [`client_config_with`].
pub fn client_config(configuration: &ClientConfiguration) -> Result<ClientConfig> {
    client_config_with(configuration, CryptoChoice::Automatic)
}

/// Creates a rustls configuration for this cluster, with the crypto provider of your choice.
///
/// # Errors
/// - [`ErrorKind::InvalidValue`](kubex_core::ErrorKind::InvalidValue): the server's name is not valid.
/// - [`ErrorKind::Unsupported`](kubex_core::ErrorKind::Unsupported): the system's trust store cannot be used, or there
///   is no suitable crypto provider.
pub fn client_config_with(
    configuration: &ClientConfiguration,
    crypto: impl Into<CryptoChoice>,
) -> Result<ClientConfig> {
    let cluster = configuration.cluster();
    let provider = crypto.into().provider()?;
    let names = Names::new(cluster)?;
    warn_if_insecure(cluster, configuration.trust());
    let tls = Tls {
        verifier: verifier::live(names, configuration.trust(), &provider)?,
        certificate: certificate::live(configuration.credentials(), &provider),
        provider,
    };
    tls.client_config(cluster, &[])
}

/// Returns the TLS server name: `tls-server-name` if it is set, otherwise the host of the server's address. It is sent
/// as SNI, and the server's certificate is checked against it.
///
/// # Errors
/// Returns [`ErrorKind::InvalidValue`](kubex_core::ErrorKind::InvalidValue) if the name is neither a host name nor an
/// IP address.
pub fn server_name(configuration: &ClientConfiguration) -> Result<ServerName<'static>> {
    names::server_name(configuration.cluster())
}
