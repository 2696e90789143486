//! Requests through [`::reqwest`] 0.13.
//!
//! [`Client`] sends each request with the current credential and the impersonation headers, and after a 401
//! it asks for a newer credential and sends the request once more, where its body can be sent twice. When the
//! client certificate or the cluster's authorities change it goes on with new connections: the pooled ones are
//! let go, and those in use end with their requests. A server whose certificate is of no authority that it
//! knows makes it read the authorities again at once.
//!
//! [`client`] makes a plain `reqwest::Client` that reaches the cluster, for a program that has its own way of
//! authenticating requests: the same trust (the given authorities and no other, where some are given), proxy and
//! server name, and the client certificate. Authorities and certificate are looked up at each handshake. It
//! sends no `Authorization`.
//!
//! What it never does: send a credential to another origin than the server's, be it by a redirect or by the
//! request's own URL; or send one over `http://` ([withheld](crate::ClientConfigurationBuilder::build) in the
//! configuration already). Timeouts, retries and pools are the HTTP client's own.
//!
//! Kubex switches on no default TLS provider of reqwest's: it names its own. A program that also makes a
//! `reqwest::Client` without Kubex needs one of reqwest's TLS features, or to install a provider in rustls.
//!
//! ```no_run
//! # async fn example() -> kubex::Result<()> {
//! let resolution = kubex::resolve().await?;
//! let client = kubex::reqwest::Client::new(&resolution.configuration)?;
//! let answer = client.send(client.get("/version")?).await?;
//! println!("{}", answer.status());
//! # Ok(())
//! # }
//! ```

mod client;
mod failure;
mod tls;
mod trust;

use std::net::SocketAddr;
use std::sync::Arc;

use ::reqwest::Url;
use ::reqwest::dns::{Addrs, Name, Resolve, Resolving};
use ::reqwest::redirect::Policy;
use kubex_core::{ClientConfiguration, Cluster, Error, ErrorKind, Proxy, Result};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;

pub use ::reqwest::{Method, RequestBuilder, Response, StatusCode};

pub use client::Client;

/// How many redirects on the same origin are followed.
const MOST_REDIRECTS: usize = 10;

/// A `reqwest::Client` that reaches the cluster and sends no `Authorization` by itself.
///
/// Connections that are open keep the certificate they were opened with. Where the cluster's certificate is
/// checked for another name than its address's, so it is here; only [`Client`] also sends that name as SNI.
///
/// # Errors
/// `InvalidPem` or `Unsupported` where the TLS library does not take the authorities or the proxy.
pub fn client(configuration: &ClientConfiguration) -> Result<::reqwest::Client> {
    let cluster = configuration.cluster();
    let verifier = trust::live(cluster, configuration.trust())?;
    connections(cluster, verifier, tls::live(configuration.credentials()))
}

/// A pool of connections to the cluster, opened with this trust and this certificate.
fn connections(
    cluster: &Cluster,
    verifier: Arc<dyn ServerCertVerifier>,
    certificate: Arc<dyn ResolvesClientCert>,
) -> Result<::reqwest::Client> {
    let mut builder = ::reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(cluster, verifier, certificate)?)
        .redirect(same_origin())
        .referer(false)
        // The proxy is the configuration's to name; reqwest would ask the environment.
        .no_proxy();
    if cluster.disable_compression {
        // Each of them: another crate may have switched on what Kubex does not.
        builder = builder.no_gzip().no_brotli().no_deflate().no_zstd();
    }
    if let Some(proxy) = &cluster.proxy {
        let proxy = ::reqwest::Proxy::all(proxy_url(proxy)).map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                format_args!("the HTTP client does not take the proxy {proxy}"),
            )
        })?;
        builder = builder.proxy(proxy);
    }
    if let Some(alias) = Alias::of(cluster) {
        builder = builder.dns_resolver(Arc::new(alias));
    }
    builder.build().map_err(|error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("the HTTP client could not be made: {error}"),
        )
    })
}

/// The proxy's URL as reqwest means it: with `socks5` reqwest would look up the host itself, where Go leaves that
/// to the proxy.
fn proxy_url(proxy: &Proxy) -> Url {
    let mut url = proxy.expose_url().clone();
    if url.scheme() == "socks5" {
        // Both are schemes without special rules, so this does not fail.
        let _ = url.set_scheme("socks5h");
    }
    url
}

/// Follows redirects that stay on one origin, and hands any other back to the caller unfollowed, so that no
/// header goes along.
fn same_origin() -> Policy {
    Policy::custom(|attempt| {
        let stays = attempt
            .previous()
            .last()
            .is_some_and(|before| before.origin() == attempt.url().origin());
        if stays && attempt.previous().len() <= MOST_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// Finds the server under its TLS name. reqwest takes the SNI from the request's URL, so that URL carries the
/// TLS name, and this resolver leads it to the server's address.
#[derive(Clone, Debug)]
struct Alias {
    tls_server_name: String,
    host: String,
}

impl Alias {
    /// The alias, where a name other than the address's is to be sent as SNI. An IP address is never sent as
    /// SNI (RFC 6066), so it needs none.
    fn of(cluster: &Cluster) -> Option<Self> {
        let tls_server_name = cluster.tls_server_name.clone()?;
        let host = cluster
            .server
            .url()
            .host_str()?
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let is_name = tls_server_name.parse::<std::net::IpAddr>().is_err();
        (is_name && tls_server_name != host && cluster.server.is_encrypted()).then_some(Self {
            tls_server_name,
            host,
        })
    }
}

impl Resolve for Alias {
    fn resolve(&self, name: Name) -> Resolving {
        let is_alias = name.as_str().eq_ignore_ascii_case(&self.tls_server_name);
        let host = if is_alias {
            self.host.clone()
        } else {
            name.as_str().to_owned()
        };
        Box::pin(async move {
            // Port 0: reqwest puts the URL's port in.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
