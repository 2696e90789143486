//! A client of [`::kube`] 5.x, in the place of its `Client::try_default()`.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = kubex::kube::try_default().await?;
//! println!("in {}, the server is {}", client.default_namespace(), client.apiserver_version().await?.git_version);
//! # Ok(())
//! # }
//! ```
//!
//! What is Kubex's in it, and what kube does otherwise:
//!
//! | | Kubex |
//! |---|---|
//! | which cluster, and as whom | the [default chain](crate::resolve()), or any configuration: [`client`] |
//! | a broken kubeconfig inside a pod | an error, never the pod's identity |
//! | credential | the current one on each request; exec plugins, token files and certificates are renewed while it runs |
//! | 401 | the credential is renewed, and the request sent once more if its body is not a stream |
//! | client certificate, authorities | a change of either opens new connections |
//! | protocol | HTTP/2 where the server has it; HTTP/1.1 for what upgrades (`exec`, `attach`, `port-forward`) |
//! | proxy | `http`, `https`, `socks5`, `socks5h`, with name and password; also with a `tls-server-name` |
//! | compression | gzip, unless the configuration disables it |
//! | redirects | none is followed |
//! | a server that is gone | found out by a ping over HTTP/2 after 30 s of silence, as client-go does |
//!
//! The [`Client`] is kube's own, so everything that takes one works: `Api`, watches, `kube-runtime`, `exec` with kube's
//! feature `ws`. A program names `kube` 5 itself, and chooses `k8s-openapi`'s version there, as always.
//!
//! Errors of Kubex (what a plugin said; that a server is not trusted) come as `kube::Error::Service`, in which a
//! `downcast_ref::<kubex::Error>()` finds them. A status, 401 included, is kube's own to judge.
//!
//! An `https://` proxy's certificate must be of the cluster's authorities, as for `kubectl`. It is shown no client
//! certificate.

mod connections;
mod service;

use ::kube::client::Body;
use kubex_core::{ClientConfiguration, Error, ErrorKind, Result};
use tower_layer::Layer as _;

use self::service::Connections;
use crate::connector::compression;
use crate::tower::AuthLayer;

pub use ::kube::Client;

/// A client for what the [default chain](crate::resolve()) finds.
///
/// # Errors
/// As [`resolve`](crate::resolve()) and [`client`].
pub async fn try_default() -> Result<Client> {
    client(&crate::resolve().await?.configuration)
}

/// A client for this configuration. Nothing is connected or fetched yet.
///
/// # Errors
/// `InvalidPem` where the TLS library does not take the authorities; `IncompleteKeyPair` for a certificate at hand
/// with a key of another pair; `InvalidValue` where the TLS server name is none, or the proxy's user cannot
/// be sent. `Unsupported` outside of a tokio runtime, for an `http://` server behind a proxy, or where there is no
/// [crypto provider](crate::rustls#the-crypto-provider).
pub fn client(configuration: &ClientConfiguration) -> Result<Client> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a client of kube works in a tokio runtime only",
        )
        .with_help("call it from a tokio runtime"));
    }
    let compression = compression(configuration.cluster());
    let authentication = AuthLayer::new(configuration).replaying(|body: &Body| body.try_clone());
    let connections = Connections::new(configuration)?;
    Ok(Client::new(
        authentication.layer(compression.layer(connections)),
        configuration.namespace(),
    ))
}
