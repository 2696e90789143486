//! A [`tower`](https://docs.rs/tower) layer that puts the current credential on each request.
//!
//! It goes over any HTTP client that is a tower service: hyper, tonic, kube. What it does to a request:
//!
//! | request | what happens |
//! |---|---|
//! | to the configuration's server | the current credential and the impersonation headers are added |
//! | with an `Authorization` of its own | that one is left alone; the same for `Impersonate-User` |
//! | to another scheme, host or port | passed on untouched, without any credential |
//! | with a path alone | the caller's connection leads to one server, so it is taken for the configuration's |
//!
//! After a 401 the credential that was sent is [invalidated](kubex_core::Credentials::invalidate), and the request is
//! sent once more with a newer fixed_client_cert, if its body can be sent twice: see [`Replay`]. The layer looks at the status
//! alone, never at the body of the 401, which over HTTP/2 is often lost with its connection.
//!
//! A client certificate is no header: the connector below presents it. Make that one of the same configuration.
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
//! let configuration = kubex::configure().url("https://10.0.0.1:6443").token("abc").build().await?;
//! let mut client = AuthLayer::new(&configuration).replaying_clones().layer(HttpClient);
//!
//! let request = http::Request::get("https://10.0.0.1:6443/version").body(String::new())?;
//! assert_eq!(client.call(request).await?.body(), "Bearer abc");
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod replay;
mod service;

pub use future::ResponseFuture;
pub use layer::AuthLayer;
pub use replay::{Clones, Never, Replay};
pub use service::Auth;
#[cfg(feature = "kube")]
pub(crate) use service::copy;

/// What a service below may fail with, and what this layer fails with: that, or a [`kubex_core::Error`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The credential that a request carries.
#[cfg(feature = "kube")]
#[derive(Clone, Debug)]
pub(crate) struct Carried(pub(crate) std::sync::Arc<kubex_core::Credential>);
