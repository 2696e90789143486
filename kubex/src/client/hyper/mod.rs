//! A client over [`::hyper`], as a [`tower`](https://docs.rs/tower) service: for programs that build their own HTTP stack.
//!
//! ```no_run
//! use tower_service::Service as _;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let configuration = kubex::configure().url("https://10.0.0.1:6443").token("abc").await?;
//! let mut client = kubex::hyper::client(&configuration)?;
//!
//! let request = http::Request::get("/version").body(String::new())?;
//! let response = client.call(request).await?;
//! println!("{}", response.status());
//! # Ok(())
//! # }
//! ```
//!
//! What it does beyond [`AuthLayer`](crate::tower::AuthLayer) over connections of your own:
//!
//! | | |
//! |---|---|
//! | a request that the server did not take | is sent again: a server that revokes a token closes the connection, and with it the other requests on it (RFC 9113, 6.8) |
//! | client certificate, CA bundle | new connections are opened when one of them changes; requests under way end on the old ones |
//! | a path only, such as `/version` | is appended to the server's address |
//! | protocol | HTTP/2 if the server supports it, with pings; HTTP/1.1 for upgrades; `TCP_NODELAY` |
//! | proxy | the cluster's, with user name and password |
//!
//! Responses are passed on as they are: compression, redirects and timeouts are up to the layers that you add.

mod backend;
mod following;
mod service;

use hyper::body::Body;
use kubex_core::{ClientConfiguration, Result};
use tower_layer::Layer as _;

use super::rustls::CryptoChoice;
use super::tower::{Auth, AuthLayer, BoxError, Clones, Replay};

pub use following::Following;
pub use service::Connections;

/// A complete client: authenticates each request and sends it. It implements `Service<http::Request<B>>`.
pub type Client<B, R = Clones> = Following<Auth<Connections<B, R>, R>>;

/// Creates a client for this configuration. It opens no connection and fetches no credential.
///
/// # Errors
/// `InvalidPem` if rustls does not accept the CA bundle; `IncompleteKeyPair` if the client certificate and its key do
/// not belong together; `InvalidValue` if the TLS server name or the proxy's user name is not valid; `Unsupported`
/// outside of a tokio runtime, for an `http://` server behind a proxy, or without a [crypto
/// provider](crate::rustls#the-crypto-provider).
pub fn client<B>(configuration: &ClientConfiguration) -> Result<Client<B>>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Clone + Send + Unpin + 'static,
{
    client_replaying(configuration, Clones, CryptoChoice::Automatic)
}

/// Like [`client`], for bodies that are not `Clone`, and with the crypto provider of your choice. `replay` returns a copy
/// of a body that can be sent twice; see [`Replay`].
///
/// # Errors
/// The same as [`client`].
pub fn client_replaying<B, R>(
    configuration: &ClientConfiguration,
    replay: R,
    crypto: impl Into<CryptoChoice>,
) -> Result<Client<B, R>>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    R: Replay<B> + Clone + Send + Sync + 'static,
{
    let crypto = crypto.into();
    Following::new(configuration, move |newest| {
        let connections = Connections::new(newest, replay.clone(), crypto.clone())?;
        Ok(AuthLayer::new(newest)
            .replaying(replay.clone())
            .layer(connections))
    })
}
