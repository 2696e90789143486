//! A [`::kube`] 5.x client, as a drop-in replacement for `kube::Client::try_default()`.
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
//! | subject | behavior |
//! |---|---|
//! | cluster and identity | from the [configured chain](crate::resolve()), or from any configuration with [`client`] |
//! | a broken kubeconfig inside a pod | is an error; the pod's identity is never used instead |
//! | a request path that leaves the server's own path | is refused: `invalid request path` |
//! | credential | each request uses the current one; credentials of exec plugins, token files and certificates are renewed while the program runs |
//! | status 401 | the credential is renewed, and the request is retried once, unless its body is a stream |
//! | client certificate, CA bundle | new connections are opened when one of them changes |
//! | protocol | HTTP/2 if the server supports it; HTTP/1.1 for upgrades (`exec`, `attach`, `port-forward`) |
//! | proxy | `http`, `https`, `socks5` and `socks5h`, with user name and password, and also together with `tls-server-name` |
//! | compression | gzip, unless the configuration disables it |
//! | redirects | are not followed |
//! | unreachable server | is detected by an HTTP/2 ping after 30 s without data, as in client-go |
//!
//! The [`Client`] is kube's own type, so everything that accepts one works: `Api`, watches, `kube-runtime`, and `exec`
//! with kube's feature `ws`. Add `kube` 5 to your own dependencies, and choose the `k8s-openapi` version there as
//! usual.
//!
//! Errors of Kubex (for example, a plugin failed or the server is not trusted) are returned as `kube::Error::Service`.
//! Use `downcast_ref::<kubex::Error>()` to get the original error. kube handles each HTTP status, including 401.
//!
//! The certificate of an `https://` proxy must be signed by the cluster's CA bundle, as in `kubectl`. The client
//! certificate is not sent to the proxy.

mod client;

pub use ::kube::Client;

#[cfg(feature = "config")]
pub use client::try_default;
pub use client::{client, client_with_crypto};
