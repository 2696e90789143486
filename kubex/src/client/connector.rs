//! hyper's client over rustls, directly or through a proxy.
//!
//! It supports what reqwest does not: a TLS server name that differs from the host, through a proxy; and a client
//! certificate that is sent to the server but not to the proxy.

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
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::legacy::connect::{self, HttpConnector};
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kubex_core::{Cluster, Error, ErrorKind, ExposeSecret as _, Proxy, Result, SecretString};
use percent_encoding::percent_decode_str;
#[cfg(any(feature = "reqwest", feature = "kube"))]
use tower_http::decompression::DecompressionLayer;

use super::rustls::{Tls, host_name, server_name_of};
use super::tunnel::Tunnel;

/// The connect timeout, and the interval of TCP keep-alive probes (client-go, net/http.go: `Dialer`).
const CONNECT: Duration = Duration::from_secs(30);
/// How long an HTTP/2 connection may be idle before a ping is sent, and how long to wait for the response (client-go,
/// net/http.go: `ReadIdleTimeout`, `PingTimeout`).
const PING_AFTER: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(15);

/// The error of a body.
type BoxError = Box<dyn StdError + Send + Sync>;

/// Sends requests over any connector. Clones share their connections.
pub(crate) type Sender<B> = Arc<dyn Fn(Request<B>) -> ResponseFuture + Send + Sync>;

/// Requests gzip and decompresses the responses, unless the cluster disables compression.
#[cfg(any(feature = "reqwest", feature = "kube"))]
pub(crate) fn compression(cluster: &Cluster) -> DecompressionLayer {
    // The other encodings are disabled explicitly, because another crate may have enabled their features.
    DecompressionLayer::new()
        .gzip(!cluster.disable_compression)
        .no_br()
        .no_deflate()
        .no_zstd()
}

/// Creates a sender for this cluster, whose connections offer these protocols. No connection is opened before the
/// first request.
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
            "a client over hyper does not support a proxy for an http:// server",
        )
        .with_help("remove \"proxy-url\", or exclude the server with NO_PROXY"));
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
                // The connector of hyper-util takes a plain text.
                socks = socks.with_auth(user, password.expose_secret().to_owned());
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

/// Connects through an HTTP proxy, with the user name and password in the proxy's URL.
fn tunnel<C>(proxy: &Proxy, address: Uri, connector: C) -> Result<Tunnel<C>> {
    let Some((user, password)) = user(proxy)? else {
        return Ok(Tunnel::new(address, connector, None));
    };
    let pair = SecretString::unlisted(format!("{user}:{}", password.expose_secret()));
    let encoded = BASE64_STANDARD.encode(pair.expose_secret());
    let value = SecretString::unlisted(format!("Basic {encoded}"));
    let mut value = HeaderValue::try_from(value.expose_secret())
        .map_err(|_| unusable(proxy, "its user name or password cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(Tunnel::new(address, connector, Some(value)))
}

/// The address of the proxy, without user name and password.
fn address(proxy: &Proxy) -> Result<Uri> {
    let url = proxy.expose_url();
    let port = url.port_or_known_default().unwrap_or(1080);
    let address = format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default());
    address
        .parse()
        .map_err(|_| unusable(proxy, "its address is not valid"))
}

/// The decoded user name and password of the proxy's URL.
fn user(proxy: &Proxy) -> Result<Option<(String, SecretString)>> {
    let url = proxy.expose_url();
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| unusable(proxy, "its user name or password is not UTF-8"))
    };
    Ok(Some((
        decode(url.username())?,
        decode(url.password().unwrap_or_default())?.into(),
    )))
}

fn unusable(proxy: &Proxy, why: impl Display) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("the proxy {proxy} cannot be used: {why}"),
    )
}
