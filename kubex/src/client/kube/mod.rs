//! A [`::kube`] 5.x client; a drop-in for its `Client::try_default()`.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = kubex::kube::try_default().await?;
//! println!("in {}, the server is {}", client.default_namespace(), client.apiserver_version().await?.git_version);
//! # Ok(())
//! # }
//! ```
//!
//! What Kubex adds:
//!
//! | | Kubex |
//! |---|---|
//! | cluster and identity | from the [configured chain](crate::resolve()), or from any configuration: [`client`] |
//! | a broken kubeconfig inside a pod | an error, never the pod's identity |
//! | a path that leaves the server's own path | refused: `invalid request path` |
//! | credential | the current one on each request; credentials of exec plugins, token files and certificates are renewed while the program runs |
//! | 401 | the credential is renewed, and the request is retried once if its body is not a stream |
//! | client certificate, CA bundle | new connections are opened when one of them changes |
//! | protocol | HTTP/2 if the server supports it; HTTP/1.1 for upgrades (`exec`, `attach`, `port-forward`) |
//! | proxy | `http`, `https`, `socks5`, `socks5h`, with user name and password; also with a `tls-server-name` |
//! | compression | gzip, unless the configuration disables it |
//! | redirects | not followed |
//! | unreachable server | detected by an HTTP/2 ping after 30 s without data, as in client-go |
//!
//! The [`Client`] is kube's own, so everything that takes one works: `Api`, watches, `kube-runtime`, `exec` with
//! kube's feature `ws`. Add `kube` 5 to your own dependencies, and choose the `k8s-openapi` version there as usual.
//!
//! Errors of Kubex (a plugin failed, the server is not trusted) are returned as `kube::Error::Service`; use
//! `downcast_ref::<kubex::Error>()` to get them. An HTTP status, including 401, is handled by kube.
//!
//! The certificate of an `https://` proxy must be signed by the cluster's CA bundle, as in `kubectl`. The client
//! certificate is not sent to the proxy.

mod client;

pub use ::kube::Client;

#[cfg(feature = "config")]
pub use client::try_default;
pub use client::{client, client_with_crypto};
