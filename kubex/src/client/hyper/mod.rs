//! A client over [`::hyper`], as a [`tower`](https://docs.rs/tower) service, for programs that build their own HTTP
//! stack.
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
//! An [`AuthLayer`](crate::tower::AuthLayer) over connections of your own only adds the credential. This client also
//! does the following:
//!
//! | subject | what the client does |
//! |---|---|
//! | a request that the server has not processed | retries it. For example, after a 401 an API server closes an HTTP/2 connection, with all requests on it (RFC 9113, 6.8) |
//! | client certificate, CA bundle | opens new connections when one of them changes; requests in progress are completed on the old connections |
//! | a URI that is only a path, such as `/version` | appends it to the server's address |
//! | protocol | uses HTTP/2 with pings if the server supports it, HTTP/1.1 for upgrades, and `TCP_NODELAY` |
//! | proxy | uses the cluster's proxy, with user name and password |
//!
//! The client does not change responses. Add layers of your own for compression, redirects and timeouts.

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

/// A complete client, which authenticates each request and sends it. It implements `Service<http::Request<B>>`.
pub type Client<B, R = Clones> = Following<Auth<Connections<B, R>, R>>;

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
pub fn client<B>(configuration: &ClientConfiguration) -> Result<Client<B>>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Clone + Send + Unpin + 'static,
{
    client_replaying(configuration, Clones, CryptoChoice::Automatic)
}

/// Like [`client`], for bodies that are not `Clone`, and with the crypto provider of your choice. `replay` returns a
/// copy of the body, or `None` if the body can be sent only once; see [`Replay`].
///
/// # Errors
/// Returns the errors of [`client`].
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
