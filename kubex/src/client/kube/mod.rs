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
//! What Kubex does in it:
//!
//! | | Kubex |
//! |---|---|
//! | which cluster, and as whom | the [default chain](crate::resolve()), or any configuration: [`client`] |
//! | a broken kubeconfig inside a pod | an error, never the pod's identity |
//! | a path that leaves the server's own path | refused: `invalid request path` |
//! | credential | the current one on each request; exec plugins, token files and certificates are renewed while it runs |
//! | 401 | the credential is renewed, and the request sent once more if its body is not a stream |
//! | client certificate, authorities | a change of either opens new connections |
//! | protocol | HTTP/2 where the server supports it; HTTP/1.1 for upgrades (`exec`, `attach`, `port-forward`) |
//! | proxy | `http`, `https`, `socks5`, `socks5h`, with name and password; also with a `tls-server-name` |
//! | compression | gzip, unless the configuration disables it |
//! | redirects | not followed |
//! | a server that is gone | detected by a ping over HTTP/2 after 30 s of silence, as by client-go |
//!
//! The [`Client`] is kube's own, so everything that takes one works: `Api`, watches, `kube-runtime`, `exec` with kube's
//! feature `ws`. A program names `kube` 5 itself, and chooses `k8s-openapi`'s version there, as always.
//!
//! Errors of Kubex (a plugin failed, the server is not trusted) come as `kube::Error::Service`, in which a
//! `downcast_ref::<kubex::Error>()` finds them. A status, 401 included, is left to kube.
//!
//! An `https://` proxy's certificate must be of the cluster's authorities, as for `kubectl`. It is shown no client
//! certificate.

mod backend;
mod client;
mod service;

pub use ::kube::Client;

#[cfg(feature = "config")]
pub use client::try_default;
pub use client::{client, client_with_crypto};
