//! Makes a kube client of a configuration.

use ::kube::Client;
use ::kube::client::Body;
use kubex_core::{ClientConfiguration, Error, ErrorKind, Result};
use tower_layer::Layer as _;

use super::super::connector::compression;
use super::super::rustls::CryptoChoice;
use super::super::tower::AuthLayer;
use super::service::Connections;

/// A client for the result of the [default chain](crate::resolve()).
///
/// # Errors
/// As [`resolve`](crate::resolve()) and [`client`].
#[cfg(feature = "config")]
pub async fn try_default() -> Result<Client> {
    client(&crate::resolve().await?)
}

/// A client for this configuration. Nothing is connected or fetched yet.
///
/// # Errors
/// `InvalidPem` where rustls does not accept the authorities; `IncompleteKeyPair` for a certificate with the key of
/// another pair; `InvalidValue` where the TLS server name is not valid, or the proxy's user cannot be sent;
/// `Unsupported` outside of a tokio runtime, for an `http://` server behind a proxy, or where there is no
/// [crypto provider](crate::rustls#the-crypto-provider).
pub fn client(configuration: &ClientConfiguration) -> Result<Client> {
    client_with_crypto(configuration, CryptoChoice::Automatic)
}

/// As [`client`], with the crypto provider of your choice.
///
/// # Errors
/// As [`client`].
pub fn client_with_crypto(
    configuration: &ClientConfiguration,
    crypto: impl Into<CryptoChoice>,
) -> Result<Client> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(
            Error::new(ErrorKind::Unsupported, "a kube client needs a tokio runtime")
                .with_help("call it from a tokio runtime"),
        );
    }
    let compression = compression(configuration.cluster());
    let authentication = AuthLayer::new(configuration).replaying(|body: &Body| body.try_clone());
    let connections = Connections::new(configuration, &crypto.into())?;
    Ok(Client::new(
        authentication.layer(compression.layer(connections)),
        configuration.namespace(),
    ))
}
