//! hyper's client over rustls, directly or through a proxy.
//!
//! It supports what reqwest does not: another server name than the address's through a proxy, and a client certificate
//! that only the server is shown.

use std::error::Error as StdError;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::HeaderValue;
use http::{Request, Uri};
use hyper::body::Body;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{self, HttpConnector};
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kubex_core::{Cluster, Error, ErrorKind, Proxy, Result};
use percent_encoding::percent_decode_str;
use tower_http::decompression::DecompressionLayer;

use super::rustls::{Tls, host_name, server_name_of};

/// How long connecting may take, and how often a silent connection is probed (client-go, net/http.go: `Dialer`).
const CONNECT: Duration = Duration::from_secs(30);
/// How long an HTTP/2 connection may be silent before the server is pinged, and how long the answer may take (client-go,
/// net/http.go: `ReadIdleTimeout`, `PingTimeout`).
const PING_AFTER: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(15);

/// What a body fails with.
type BoxError = Box<dyn StdError + Send + Sync>;

/// Sends requests, whichever connector is below. Clones share their connections.
pub(crate) type Sender<B> = Arc<dyn Fn(Request<B>) -> ResponseFuture + Send + Sync>;

/// Asks for gzip and decompresses the answers, unless the cluster's entry disables it.
pub(crate) fn compression(cluster: &Cluster) -> DecompressionLayer {
    // Each of the others: another crate may have switched on what Kubex does not.
    DecompressionLayer::new()
        .gzip(!cluster.disable_compression)
        .no_br()
        .no_deflate()
        .no_zstd()
}

/// Requests to this cluster, over connections that offer these protocols. None is opened before a request needs it.
pub(crate) fn over<B>(cluster: &Cluster, tls: &Tls, protocols: &[&[u8]]) -> Result<Sender<B>>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let config = Arc::new(tls.client_config(cluster, protocols)?);
    let name = Arc::new(FixedServerNameResolver::new(server_name_of(cluster)?));
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(CONNECT));
    let Some(proxy) = &cluster.proxy else {
        return Ok(send_over(HttpsConnector::new(tcp, config, false, name)));
    };
    if !cluster.server.is_encrypted() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a client of kube does not reach an http:// server through a proxy",
        )
        .with_help("remove \"proxy-url\", or take the server out of the proxy by NO_PROXY"));
    }
    let address = address(proxy)?;
    match proxy.expose_url().scheme() {
        "http" => {
            let tunnel = tunnel(proxy, address, tcp)?;
            Ok(send_over(HttpsConnector::new(tunnel, config, true, name)))
        }
        "https" => {
            let mut to_proxy = tls.without_certificate()?.client_config(cluster, &[])?;
            to_proxy.enable_sni = true;
            let proxy_name = host_name(
                proxy.expose_url().host_str().unwrap_or_default(),
                "the proxy's URL has no host",
            )?;
            let proxy_name = Arc::new(FixedServerNameResolver::new(proxy_name));
            let encrypted = HttpsConnector::new(tcp, to_proxy, true, proxy_name);
            let tunnel = tunnel(proxy, address, encrypted)?;
            Ok(send_over(HttpsConnector::new(tunnel, config, true, name)))
        }
        _ => {
            let mut socks = SocksV5::new(address, tcp);
            if let Some((user, password)) = user(proxy)? {
                socks = socks.with_auth(user, password);
            }
            Ok(send_over(HttpsConnector::new(socks, config, true, name)))
        }
    }
}

fn send_over<C, B>(connector: C) -> Sender<B>
where
    C: connect::Connect + Clone + Send + Sync + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let client: Client<C, B> = Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_AFTER)
        .http2_keep_alive_timeout(PONG_WITHIN)
        .build(connector);
    Arc::new(move |request| client.request(request))
}

/// Asks an HTTP proxy for a tunnel, as the user that its URL names.
fn tunnel<C>(proxy: &Proxy, address: Uri, connector: C) -> Result<Tunnel<C>> {
    let tunnel = Tunnel::new(address, connector);
    let Some((user, password)) = user(proxy)? else {
        return Ok(tunnel);
    };
    let value = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::try_from(value).map_err(|_| unusable(proxy, "its user cannot be sent"))?;
    value.set_sensitive(true);
    Ok(tunnel.with_auth(value))
}

/// Where the proxy is, without the user.
fn address(proxy: &Proxy) -> Result<Uri> {
    let url = proxy.expose_url();
    let port = url.port_or_known_default().unwrap_or(1080);
    let address = format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default());
    address
        .parse()
        .map_err(|_| unusable(proxy, "its host cannot be connected to"))
}

/// The user and the password that the proxy's URL names, decoded.
fn user(proxy: &Proxy) -> Result<Option<(String, String)>> {
    let url = proxy.expose_url();
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| unusable(proxy, "its user cannot be sent"))
    };
    Ok(Some((
        decode(url.username())?,
        decode(url.password().unwrap_or_default())?,
    )))
}

fn unusable(proxy: &Proxy, why: impl Display) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("the proxy {proxy} cannot be used: {why}"),
    )
}
