//! Requests through [`::reqwest`] 0.13, each with the current credential.
//!
//! ```no_run
//! # async fn example() -> kubex::Result<()> {
//! let configuration = kubex::resolve().await?;
//! let client = kubex::reqwest::Client::new(&configuration)?;
//!
//! let version: serde_json::Value = client.get("/version")?.send().await?.json().await?;
//! println!("{}", version["gitVersion"]);
//!
//! let pods = client.get("/api/v1/pods")?.query([("limit", "10")]).send().await?;
//! println!("{}", pods.status());
//!
//! let review = serde_json::json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
//! let answer = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews")?.json(&review).send().await?;
//! println!("{}", answer.text().await?);
//! # Ok(())
//! # }
//! ```
//!
//! A [`RequestBuilder`] can only be sent by its own `send`, so that no request is sent without the credential by
//! accident. After a 401, a newer credential is fetched and the request is retried once, if its body can be sent
//! twice. When the client certificate or the CA bundle changes, the client opens new connections: idle ones are
//! closed, and those in use are closed after their last request. If the server's certificate has an unknown issuer,
//! the CA bundle is read again immediately.
//!
//! | to | call |
//! |---|---|
//! | send a request | [`Client::get`], [`Client::post`], [`Client::request`] |
//! | send a request that was built with reqwest | [`Client::execute`] |
//! | authenticate requests yourself | [`client_without_authorization`]: reqwest's own client |
//! | choose the crypto provider | [`Client::with_crypto`] |
//!
//! If the server closes the connection (GOAWAY, which it sends over HTTP/2 after each 401), no request fails:
//! requests that the server has not processed are retried with the current credential.
//!
//! The certificate of an `https://` proxy must be signed by the cluster's CA bundle, as in `kubectl`. Unlike
//! `kubectl`, Kubex does not send the client certificate to the proxy. reqwest has one TLS configuration for proxy
//! and server, and does not support a `tls-server-name` through a proxy. In these two cases [`Client`] uses its own
//! connections, and a request's timeout covers only the time until the response headers arrive.
//!
//! A credential is never sent to an origin other than the server's, neither by a redirect nor by the URL of a
//! request. It is never sent over `http://` ([withheld](crate::ClientConfigurationBuilder::build) by the
//! configuration), nor for a path that leaves the server's own path (`invalid request path`). Timeouts, retries and
//! pools are those of the HTTP client.
//!
//! Kubex enables none of reqwest's default TLS providers, because it sets one explicitly. A program that also creates
//! a `reqwest::Client` without Kubex must enable one of reqwest's TLS features, or install a provider in rustls.

mod alias;
mod authenticated;
mod backend;
mod client;
mod proxy_transport;
mod request;
mod response;
mod setup;
mod without_authorization;

pub use ::reqwest::{Body, Method, StatusCode, Url, Version, header};

pub use client::Client;
pub use request::RequestBuilder;
pub use response::Response;
pub use without_authorization::{client_without_authorization, client_without_authorization_with_crypto};
