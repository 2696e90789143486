//! A [`tower`](https://docs.rs/tower) layer that adds the current credential to each request.
//!
//! The layer wraps any HTTP client that is a tower service, such as hyper, tonic or kube:
//!
//! | request | what the layer does |
//! |---|---|
//! | to the configuration's server | adds the current credential and the impersonation headers |
//! | with an `Authorization` or `Impersonate-User` header of its own | keeps that header |
//! | to another scheme, host or port | passes it on unchanged, without a credential |
//! | with a URI that is only a path | treats it as a request to the configuration's server; your connection must lead to that server |
//! | with a path that leaves the server's own path | refuses it: `invalid request path` |
//!
//! After a 401, the layer [invalidates](kubex_core::Credentials::invalidate) the credential, and retries the request
//! once with a newer credential, if its body can be sent twice: see [`Replay`]. The layer checks only the status and
//! not the body of the response, which is often lost with the connection over HTTP/2.
//!
//! A client certificate is not a header: the TLS connector sends it. Create the connector from the same configuration,
//! with [`kubex::rustls`](mod@crate::rustls).
//!
//! ```
//! use kubex::tower::AuthLayer;
//! use tower_layer::Layer as _;
//! # use tower_service::Service;
//! # use std::{convert::Infallible, future::{Ready, ready}, task::{Context, Poll}};
//! # #[derive(Clone)] struct HttpClient;
//! # impl Service<http::Request<String>> for HttpClient {
//! #     type Response = http::Response<String>;
//! #     type Error = Infallible;
//! #     type Future = Ready<Result<Self::Response, Infallible>>;
//! #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> { Poll::Ready(Ok(())) }
//! #     fn call(&mut self, request: http::Request<String>) -> Self::Future {
//! #         let sent = request.headers()["authorization"].to_str().unwrap().to_owned();
//! #         ready(Ok(http::Response::new(sent)))
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let configuration = kubex::configure().url("https://10.0.0.1:6443").token("abc").await?;
//! let mut client = AuthLayer::new(&configuration).replaying_clones().layer(HttpClient);
//!
//! let request = http::Request::get("https://10.0.0.1:6443/version").body(String::new())?;
//! assert_eq!(client.call(request).await?.body(), "Bearer abc");
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "hyper")]
mod credential;
mod error;
mod future;
mod layer;
mod replay;
mod service;

pub use error::BoxError;
pub use future::ResponseFuture;
pub use layer::AuthLayer;
pub use replay::{Clones, Never, Replay};
pub use service::Auth;
#[cfg(feature = "hyper")]
pub(crate) use {credential::RequestCredential, replay::copy};
