//! Creates a kube client from a configuration.

use ::kube::Client;
use ::kube::client::Body;
use kubex_core::{ClientConfiguration, Result};
use tower_layer::Layer as _;

use super::super::connector::compression;
use super::super::hyper::{Connections, Following};
use super::super::rustls::CryptoChoice;
use super::super::tower::AuthLayer;

/// Resolves the [configured chain](crate::resolve()) and returns a client for the result.
///
/// # Errors
/// Returns the errors of [`resolve`](crate::resolve()) and of [`client`].
#[cfg(feature = "config")]
pub async fn try_default() -> Result<Client> {
    client(&crate::resolve().await?)
}

/// Creates a client for this configuration. Opens no connection and fetches no credential.
///
/// # Errors
/// - [`ErrorKind::InvalidPem`](kubex_core::ErrorKind::InvalidPem): rustls does not accept the CA bundle.
/// - [`ErrorKind::IncompleteKeyPair`](kubex_core::ErrorKind::IncompleteKeyPair): the client certificate and its key do
///   not belong together.
/// - [`ErrorKind::InvalidValue`](kubex_core::ErrorKind::InvalidValue): the TLS server name or the proxy's user name is
///   not valid.
/// - [`ErrorKind::Unsupported`](kubex_core::ErrorKind::Unsupported): there is no tokio runtime, an `http://` server is
///   behind a proxy, or there is no [crypto provider](crate::rustls#the-crypto-provider).
pub fn client(configuration: &ClientConfiguration) -> Result<Client> {
    client_with_crypto(configuration, CryptoChoice::Automatic)
}

/// Like [`client`], with the crypto provider of your choice.
///
/// # Errors
/// Returns the errors of [`client`].
pub fn client_with_crypto(
    configuration: &ClientConfiguration,
    crypto: impl Into<CryptoChoice>,
) -> Result<Client> {
    let replay: fn(&Body) -> Option<Body> = Body::try_clone;
    let crypto = crypto.into();
    let service = Following::new(configuration, move |newest| {
        let connections = Connections::new(newest, replay, crypto.clone())?;
        let authentication = AuthLayer::new(newest).replaying(replay);
        Ok(authentication.layer(compression(newest.cluster()).layer(connections)))
    })?;
    Ok(Client::new(service, configuration.namespace()))
}
