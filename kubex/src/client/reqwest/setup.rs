//! Sets up a client of reqwest for the cluster: trust, certificate, server name, proxy, redirects.

use std::sync::Arc;

use ::reqwest::redirect::Policy;
use ::reqwest::{Client, ClientBuilder, Url};
use kubex_core::{Cluster, Error, ErrorKind, Proxy, Result};

use super::super::rustls::Tls;
use super::alias::Alias;

/// The maximum number of redirects within one origin.
pub(super) const MAX_REDIRECTS: usize = 10;

/// Whether the connection to the proxy uses TLS.
pub(super) fn is_encrypted(proxy: &Proxy) -> bool {
    proxy.expose_url().scheme() == "https"
}

/// Whether it is an HTTP proxy, with or without TLS, and not one of SOCKS.
pub(super) fn is_http(proxy: &Proxy) -> bool {
    matches!(proxy.expose_url().scheme(), "http" | "https")
}

/// Creates a client for the cluster with this trust and this client certificate.
pub(super) fn builder(cluster: &Cluster, tls: &Tls, alias: Option<Alias>) -> Result<ClientBuilder> {
    // With an alias, the authority of the URL is not the server's. HTTP/1.1 corrects that by `Host`; HTTP/2 cannot,
    // because reqwest makes `:authority` from the URL and the two must not differ (RFC 9113, 8.3.1).
    let protocols: &[&[u8]] = if alias.is_some() {
        &[b"http/1.1"]
    } else {
        &[b"h2", b"http/1.1"]
    };
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls.client_config(cluster, protocols)?)
        .redirect(same_origin())
        .referer(false)
        // Only the configuration's proxy is used; by default reqwest reads the environment.
        .no_proxy();
    if cluster.disable_compression {
        // Each encoding is set explicitly, because another crate may have enabled its feature.
        builder = builder.no_gzip().no_brotli().no_deflate().no_zstd();
    }
    if let Some(proxy) = &cluster.proxy {
        let proxy = ::reqwest::Proxy::all(proxy_url(proxy)).map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                format_args!("the HTTP client does not support the proxy {proxy}"),
            )
        })?;
        builder = builder.proxy(proxy);
    }
    if let Some(alias) = alias {
        builder = builder.dns_resolver(Arc::new(alias));
    }
    Ok(builder)
}

/// Builds the client.
pub(super) fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("the HTTP client could not be built: {error}"),
        )
    })
}

/// The proxy's URL for reqwest. With `socks5`, reqwest resolves the host itself, but Go lets the proxy resolve it.
fn proxy_url(proxy: &Proxy) -> Url {
    let mut url = proxy.expose_url().clone();
    if url.scheme() == "socks5" {
        // Both are schemes without special rules, so this does not fail.
        let _ = url.set_scheme("socks5h");
    }
    url
}

/// Follows redirects within one origin, and returns all others to the caller, so that no header is sent to another
/// origin.
fn same_origin() -> Policy {
    Policy::custom(|attempt| {
        let stays = attempt
            .previous()
            .last()
            .is_some_and(|before| before.origin() == attempt.url().origin());
        if stays && attempt.previous().len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}
