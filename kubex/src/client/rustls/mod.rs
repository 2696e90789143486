//! A [`::rustls`] configuration for the cluster, for any client that speaks TLS by rustls.
//!
//! | part | what it does |
//! |---|---|
//! | trust | the given authorities and no other, where some are given; the system's otherwise |
//! | a change of authorities | takes effect at the next handshake; an unknown issuer has them read again |
//! | client certificate | looked up at each handshake: the newest, or none |
//! | server name | a handshake with any other server than the configuration's is refused before the certificate is shown |
//! | `insecure-skip-tls-verify` | any certificate is accepted; a warning says so, once for each server |
//! | a kind of trust that this version does not know | refused with an error |
//! | session resumption | none: a resumed session has the identity of an older handshake |
//!
//! # What is left to the client
//!
//! - **The name.** A client takes it from the address that it connects to. Where `tls-server-name` is set, the
//!   certificate is checked for that name whichever of the two the client gives, but only a client that gives
//!   [`server_name`] also asks for it (SNI).
//! - **The first certificate.** A handshake cannot wait for one to be fetched. Await
//!   [`current`](crate::Credentials::current) of the credentials before the first connection; a client below
//!   [`AuthLayer`](crate::tower) or [`Client`](crate::reqwest::Client) is asked only after that.
//! - **ALPN.** No protocol is named; the client names those that it speaks.
//! - **Connections that are open.** They keep the certificate they were opened with. [`Changes`](crate::credentials::Changes)
//!   of the credentials and of the trust say when to let them go; `kubex::reqwest` and `kubex::kube` do it by themselves.
//! - **The port.** TLS does not know it: another service on the cluster's host, with a certificate of the same
//!   authorities, is shown the client certificate if it asks for one.
//!
//! # The crypto provider
//!
//! Each client takes a [`CryptoChoice`] by name. Without one, it takes the default provider that the program has
//! installed in rustls, else ring, if the feature `ring` is on (it is by default), else aws-lc-rs. So the feature
//! `aws-lc-rs` beside `ring` changes nothing by itself, whichever crate turns it on, and a process with both compiled in
//! does not panic.
//!
//! | client | with a choice |
//! |---|---|
//! | rustls | [`client_config_with`] |
//! | reqwest | [`Client::with_crypto`](crate::reqwest::Client::with_crypto) |
//! | kube | [`client_with_crypto`](crate::kube::client_with_crypto) |
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

mod accept_any;
mod certificate;
mod client_config;
mod crypto;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod fixed_client_cert;
mod names;
mod tls;
mod verifier;

pub use client_config::{client_config, client_config_with, server_name};
pub use crypto::CryptoChoice;

#[cfg(any(feature = "reqwest", feature = "kube"))]
pub(crate) use {
    accept_any::warn_if_insecure,
    fixed_client_cert::fixed_client_cert,
    names::{Names, parse as host_name, server_name as server_name_of},
    tls::Tls,
    verifier::{is_unknown_issuer, unusable, verifier},
};
#[cfg(feature = "reqwest")]
pub(crate) use {certificate::live, verifier::live as live_verifier};
