//! A [`::rustls`] configuration for the cluster, for any client that speaks TLS by rustls.
//!
//! | part | what it does |
//! |---|---|
//! | trust | the given authorities and no other, where some are given; the system's otherwise |
//! | a change of authorities | taken at the next handshake; a server of no known authority makes them be read again |
//! | client certificate | looked up at each handshake: always the newest, or none |
//! | server name | a handshake with any other server than the configuration's is refused before the certificate is shown |
//! | `insecure-skip-tls-verify` | any certificate is taken; a warning says so, once for each server |
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
//! It is always named, so that a process with two of them compiled in does not panic: aws-lc-rs with the feature
//! `aws-lc-rs`, else ring with the feature `ring`, else the one that the program has installed as its default.
//! [`client_config_with`] takes any other.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex::Result<()> {
//! let configuration = kubex::configure().url("https://10.0.0.1:6443").token("abc").build().await?;
//! # if cfg!(any(feature = "ring", feature = "aws-lc-rs")) {
//! let config = kubex::rustls::client_config(&configuration)?;
//! let name = kubex::rustls::server_name(&configuration)?;
//! # let _ = (config, name);
//! # }
//! # Ok(())
//! # }
//! ```

mod certificate;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod fixed_client_cert;
mod insecure;
mod name;
mod provider;
mod tls;
mod verifier;

use std::sync::Arc;

use ::rustls::ClientConfig;
use ::rustls::crypto::CryptoProvider;
use ::rustls::pki_types::ServerName;
use kubex_core::{ClientConfiguration, Result};

pub use provider::crypto_provider;

#[cfg(feature = "reqwest")]
pub(crate) use {certificate::live, verifier::live as live_verifier};
#[cfg(any(feature = "reqwest", feature = "kube"))]
pub(crate) use {
    fixed_client_cert::fixed_client_cert,
    insecure::warn_if_insecure,
    name::{Names, parse as host_name, server_name as server_name_of},
    tls::Tls,
    verifier::{is_unknown_issuer, unusable, verifier},
};

/// A rustls configuration for this cluster, with the [crypto provider](self#the-crypto-provider) of this program.
///
/// # Errors
/// As [`client_config_with`], and `Unsupported` where there is no crypto provider.
pub fn client_config(configuration: &ClientConfiguration) -> Result<ClientConfig> {
    client_config_with(configuration, crypto_provider()?)
}

/// A rustls configuration for this cluster, with this crypto provider.
///
/// # Errors
/// `InvalidPem` where the TLS library does not take the authorities, `InvalidValue` where the server's name is
/// none, `Unsupported` where the system's trust cannot be used, or the provider is of no use.
pub fn client_config_with(
    configuration: &ClientConfiguration,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig> {
    let cluster = configuration.cluster();
    let names = name::Names::of(cluster)?;
    insecure::warn_if_insecure(cluster, configuration.trust());
    let tls = tls::Tls {
        verifier: verifier::live(names, configuration.trust(), &provider)?,
        certificate: certificate::live(configuration.credentials(), &provider),
        provider,
    };
    tls.client_config(cluster, &[])
}

/// The name that the server is asked for and its certificate is checked for: `tls-server-name`, else the host of its
/// address.
///
/// # Errors
/// `InvalidValue` where it is neither a host name nor an address.
pub fn server_name(configuration: &ClientConfiguration) -> Result<ServerName<'static>> {
    name::server_name(configuration.cluster())
}
