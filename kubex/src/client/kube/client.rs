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
/// As [`resolve`](crate::resolve()) and [`client`].
#[cfg(feature = "config")]
pub async fn try_default() -> Result<Client> {
    client(&crate::resolve().await?)
}

/// Creates a client for this configuration. It opens no connection and fetches no credential.
///
/// # Errors
/// `InvalidPem` if rustls does not accept the CA bundle; `IncompleteKeyPair` if the client certificate and its key do
/// not belong together; `InvalidValue` if the TLS server name or the proxy's user name is not valid; `Unsupported`
/// outside of a tokio runtime, for an `http://` server behind a proxy, or without a [crypto
/// provider](crate::rustls#the-crypto-provider).
pub fn client(configuration: &ClientConfiguration) -> Result<Client> {
    client_with_crypto(configuration, CryptoChoice::Automatic)
}

/// Like [`client`], with the crypto provider of your choice.
///
/// # Errors
/// The same as [`client`].
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
