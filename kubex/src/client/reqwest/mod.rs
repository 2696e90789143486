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
//! Only [`RequestBuilder::send`] sends a request that this client built, so that no request is sent without the
//! credential by accident.
//!
//! - **Status 401.** The client fetches a newer credential and retries the request once, if its body can be sent
//!   twice.
//! - **New client certificate or CA bundle.** The client opens new connections. It closes idle connections at once,
//!   and those in use after their last request.
//! - **Unknown issuer of the server's certificate.** The client reads the CA bundle again immediately.
//! - **Connection closed by the server.** Over HTTP/2, a server closes the connection (GOAWAY) after each 401. No
//!   other request fails because of that: the client retries the requests that the server has not processed, with the
//!   current credential.
//!
//! | to | call |
//! |---|---|
//! | send a request | [`Client::get`], [`Client::post`], [`Client::request`] |
//! | send a request that was built with reqwest | [`Client::execute`] |
//! | authenticate requests yourself | [`client_without_authorization`]: reqwest's own client |
//! | choose the crypto provider | [`Client::with_crypto`] |
//!
//! The certificate of an `https://` proxy must be signed by the cluster's CA bundle, as in `kubectl`. Unlike `kubectl`, Kubex
//! does not send the client certificate to the proxy. With an `https://` proxy, or with a `tls-server-name` and any proxy,
//! [`Client`] uses its own connections, because reqwest does not support these cases. A request's timeout then covers only the
//! time until the response headers arrive.
//!
//! A credential is sent only to the server's origin (scheme, host and port). Neither a redirect nor the URL of a request can
//! send it to another one. It is not sent over `http://`, unless the configuration [allows it][http], and never for a path that
//! leaves the server's own path (`invalid request path`). Timeouts, retries and pools are those of the HTTP client.
//!
//! Kubex enables none of reqwest's default TLS providers, because it sets one explicitly. A program that also creates a
//! `reqwest::Client` without Kubex must enable one of reqwest's TLS features, or install a provider in rustls.
//!
//! [http]: crate::ClientConfigurationBuilder::allow_credentials_over_http

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
