//! A [`::rustls`] configuration for the cluster, for any client that uses rustls.
//!
//! | part | behavior |
//! |---|---|
//! | trust | only the cluster's CA bundle is trusted, if there is one; otherwise the system's trust store |
//! | a new CA bundle | is used from the next handshake on; if a server's certificate has an unknown issuer, the bundle is read again |
//! | client certificate | each handshake uses the newest one, if there is one |
//! | server name | a handshake with any other server than the configuration's fails before the client certificate is sent |
//! | `insecure-skip-tls-verify` | any certificate is accepted; one warning is logged for each server |
//! | an unknown variant of `Trust` | is an error |
//! | session resumption | is disabled, because a resumed session keeps the identity of the original handshake |
//!
//! # What the client must do
//!
//! - **Server name.** A client usually takes the server name from the URL. If `tls-server-name` is set, the
//!   certificate is always checked against that name. It is sent as SNI only if the client passes [`server_name`] to
//!   rustls.
//! - **First certificate.** A handshake cannot wait for a fetch. Await [`current`](crate::Credentials::current) of the
//!   credentials before the first connection. `kubex::tower::AuthLayer` and `kubex::reqwest::Client` do this
//!   themselves.
//! - **ALPN.** The configuration sets no protocols. The client sets those that it supports.
//! - **Open connections.** They keep the certificate that they were opened with.
//!   [`Changes`](crate::credentials::Changes) of the credentials and of the trust report when to close them.
//!   `kubex::reqwest` and `kubex::kube` do this themselves.
//! - **Port.** TLS does not check the port. If another service on the cluster's host has a certificate from the same
//!   CA and requests a client certificate, it receives the one of this configuration.
//!
//! # The crypto provider
//!
//! Each client accepts a [`CryptoChoice`]. Without one, the client uses the first of these: the default provider that the
//! program has installed in rustls; aws-lc-rs, if the feature `aws-lc-rs` is enabled (it is by default); ring. If both features
//! are enabled, ring is used only if the program selects it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex::Result<()> {
//! let configuration = kubex::configure().url("https://10.0.0.1:6443").token("abc").await?;
//! # if cfg!(any(feature = "ring", feature = "aws-lc-rs")) {
//! let config = kubex::rustls::client_config(&configuration)?;
//! let name = kubex::rustls::server_name(&configuration)?;
//! # let _ = (config, name);
//! # }
//! # Ok(())
//! # }
//! ```

mod certificate;
mod client_config;
mod crypto;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod fixed_client_cert;
mod insecure;
mod names;
mod tls;
mod verifier;

pub use client_config::{client_config, client_config_with, server_name};
pub use crypto::CryptoChoice;

pub(crate) use certificate::check_pair;
#[cfg(feature = "reqwest")]
pub(crate) use {certificate::live, verifier::live as live_verifier};
#[cfg(any(feature = "reqwest", feature = "hyper"))]
pub(crate) use {
    fixed_client_cert::fixed_client_cert,
    insecure::warn_if_insecure,
    names::{Names, parse as host_name, server_name as server_name_of},
    tls::Tls,
    verifier::{named, unusable},
};
