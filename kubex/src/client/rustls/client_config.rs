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
/// The same as [`client_config_with`].
pub fn client_config(configuration: &ClientConfiguration) -> Result<ClientConfig> {
    client_config_with(configuration, CryptoChoice::Automatic)
}

/// Creates a rustls configuration for this cluster, with the crypto provider of your choice.
///
/// # Errors
/// `InvalidValue` if the server's name is not valid;
/// `Unsupported` if the system's trust store cannot be used, or the crypto provider is missing or unsuitable.
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

/// The name that is sent as SNI and that the server's certificate is checked against: `tls-server-name`, else the
/// host of the address.
///
/// # Errors
/// `InvalidValue` if it is neither a host name nor an IP address.
pub fn server_name(configuration: &ClientConfiguration) -> Result<ServerName<'static>> {
    names::server_name(configuration.cluster())
}
