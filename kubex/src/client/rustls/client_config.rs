//! Makes the rustls configuration of a cluster.

use ::rustls::ClientConfig;
use ::rustls::pki_types::ServerName;
use kubex_core::{ClientConfiguration, Result};

use super::accept_any::warn_if_insecure;
use super::crypto::CryptoChoice;
use super::names::{self, Names};
use super::tls::Tls;
use super::{certificate, verifier};

/// A rustls configuration for this cluster, with the [default crypto provider](CryptoChoice::Automatic).
///
/// # Errors
/// As [`client_config_with`].
pub fn client_config(configuration: &ClientConfiguration) -> Result<ClientConfig> {
    client_config_with(configuration, CryptoChoice::Automatic)
}

/// A rustls configuration for this cluster, with the crypto provider of your choice.
///
/// # Errors
/// `InvalidPem` where rustls does not accept the authorities; `InvalidValue` where the server's name is not valid;
/// `Unsupported` where the system's trust cannot be used, or the crypto provider is missing or unsuitable.
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

/// The name that the server is asked for and its certificate is checked for: `tls-server-name`, else the host of its
/// address.
///
/// # Errors
/// `InvalidValue` where it is neither a host name nor an address.
pub fn server_name(configuration: &ClientConfiguration) -> Result<ServerName<'static>> {
    names::server_name(configuration.cluster())
}
