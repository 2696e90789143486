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
//! A [`RequestBuilder`] is sent by its own `send`, so that no request goes out without the credential by accident. After
//! a 401, a newer credential is fetched and the request is sent once more, if its body can be sent twice. When the
//! client certificate or the cluster's authorities change, the client opens new connections: idle ones are closed, and
//! those in use end with their last request. A certificate of an unknown issuer has the authorities read again at once.
//!
//! | to | call |
//! |---|---|
//! | send a request | [`Client::get`], [`Client::post`], [`Client::request`] |
//! | send a request that was built with reqwest | [`Client::execute`] |
//! | authenticate requests yourself | [`client_without_authorization`]: reqwest's own client |
//! | choose the crypto provider | [`Client::with_crypto`] |
//!
//! A server that closes its connection (GOAWAY, which it sends over HTTP/2 after each 401) fails no request: those that
//! it has not looked at are sent again, with the credential that is current then.
//!
//! An `https://` proxy's certificate must be of the cluster's authorities, as for `kubectl`. The proxy is shown no client
//! certificate, where `kubectl` shows it to one that asks. reqwest has one TLS configuration for proxy and server, and
//! sends no `tls-server-name` through a proxy; in these two cases [`Client`] sends over connections of Kubex's own, on
//! which a request's timeout ends with the head of the answer.
//!
//! It never sends a credential to another origin than the server's, by a redirect or by a request's own URL, nor over
//! `http://` ([withheld](crate::ClientConfigurationBuilder::build) in the configuration already), nor with a path that
//! leaves the server's own (`invalid request path`). Timeouts, retries and pools are the HTTP client's own.
//!
//! Kubex turns on no default TLS provider of reqwest: it names its own. A program that also makes a `reqwest::Client`
//! without Kubex needs one of reqwest's TLS features, or installs a provider in rustls.

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
