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
//! A server that goes away (GOAWAY, as it does over HTTP/2 after each 401) costs no request: those which it has not
//! looked at are sent again, with the credential of that moment.
//!
//! An `https://` proxy's certificate must be of the cluster's authorities, as for `kubectl`. It is shown no client
//! certificate, where `kubectl` shows it one that asks. reqwest has one TLS configuration for both, and asks no server
//! behind a proxy for a `tls-server-name`; so in these two cases [`Client`] sends over connections of Kubex's own, on
//! which a request's `timeout` ends with the head of the answer.
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
mod connections;

use std::net::SocketAddr;
use std::sync::Arc;

use ::reqwest::dns::{Addrs, Name, Resolve, Resolving};
use ::reqwest::redirect::Policy;
use ::reqwest::{ClientBuilder, Url};
use kubex_core::{ClientConfiguration, Cluster, Error, ErrorKind, Proxy, Result};

use crate::rustls::{Names, Tls, crypto_provider, live, live_verifier, warn_if_insecure};

pub use ::reqwest::{Method, RequestBuilder, Response, StatusCode};

use connections::is_encrypted;

pub use client::Client;

/// How many redirects on the same origin are followed.
const MOST_REDIRECTS: usize = 10;

/// A `reqwest::Client` that reaches the cluster and sends no `Authorization` by itself.
///
/// Connections that are open keep the certificate they were opened with. Where the cluster's certificate is
/// checked for another name than its address's, so it is here; only [`Client`] also sends that name as SNI.
///
/// It opens TLS to the cluster's host and to no other, nor does it show the client certificate to any. Over
/// `http://` it goes wherever it is sent. Through an `https://` proxy it shows no client certificate at all, nor one
/// that comes later.
///
/// # Errors
/// `InvalidPem` where the TLS library does not take the authorities, `InvalidValue` where the TLS server name is none.
/// `Unsupported` where reqwest does not take the proxy; where both a proxy and a TLS server name are set, because
/// reqwest sends no other SNI through a proxy; where there is a client certificate that an `https://` proxy would see;
/// or where there is no [crypto provider](crate::rustls#the-crypto-provider).
pub fn client(configuration: &ClientConfiguration) -> Result<::reqwest::Client> {
    let cluster = configuration.cluster();
    warn_if_insecure(cluster, configuration.trust());
    let provider = crypto_provider()?;
    let tls = Tls {
        verifier: live_verifier(Names::with_proxy(cluster)?, configuration.trust(), &provider)?,
        certificate: live(configuration.credentials(), &provider),
        provider,
    };
    let alias = Alias::of(cluster);
    let has_tls_proxy = cluster.proxy.as_ref().is_some_and(is_encrypted);
    if alias.is_some() && cluster.proxy.is_some() || asks_for_another_name(cluster) && has_tls_proxy {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a plain client of reqwest's cannot ask for a TLS server name of its own through a proxy",
        )
        .with_help("remove \"proxy-url\" or \"tls-server-name\", or use kubex::reqwest::Client"));
    }
    if !has_tls_proxy {
        return build(builder(cluster, &tls, alias)?);
    }
    let credential = configuration.credentials().peek();
    if credential.is_some_and(|it| it.certificate().is_some()) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a plain client of reqwest's would show the client certificate to the https:// proxy",
        )
        .with_help("use kubex::reqwest::Client, which shows it to the server alone"));
    }
    build(builder(cluster, &tls.without_certificate()?, alias)?)
}

/// Whether the server is to be asked for another name than its address's.
fn asks_for_another_name(cluster: &Cluster) -> bool {
    let name = cluster.tls_server_name.as_deref();
    name.is_some_and(|name| name != host(cluster))
}

/// Connections to the cluster, opened with this trust and this certificate.
fn builder(cluster: &Cluster, tls: &Tls, alias: Option<Alias>) -> Result<ClientBuilder> {
    // Behind an alias the authority of the URL is not the server's. HTTP/1.1 can say so, in `Host`; HTTP/2
    // cannot, for reqwest makes `:authority` of the URL and the two must not differ (RFC 9113, 8.3.1).
    let protocols: &[&[u8]] = if alias.is_some() {
        &[b"http/1.1"]
    } else {
        &[b"h2", b"http/1.1"]
    };
    let mut builder = ::reqwest::Client::builder()
        .tls_backend_preconfigured(tls.client_config(cluster, protocols)?)
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
    if let Some(alias) = alias {
        builder = builder.dns_resolver(Arc::new(alias));
    }
    Ok(builder)
}

fn build(builder: ClientBuilder) -> Result<::reqwest::Client> {
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
        let host = host(cluster).to_owned();
        let is_name = tls_server_name.parse::<std::net::IpAddr>().is_err();
        (is_name && tls_server_name != host && cluster.server.is_encrypted()).then_some(Self {
            tls_server_name,
            host,
        })
    }
}

/// The host of the cluster's address; one of version 6 without its brackets.
fn host(cluster: &Cluster) -> &str {
    let host = cluster.server.url().host_str().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
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
