//! How kube's requests travel: hyper's client over rustls, directly or through a proxy.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use ::kube::client::Body;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{HeaderValue, UPGRADE};
use http::{HeaderMap, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{self, HttpConnector};
use hyper_util::client::legacy::{self, Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kubex_core::{Cluster, Error, ErrorKind, Proxy, Result};
use percent_encoding::percent_decode_str;

use crate::pool::Connect;
use crate::rustls::{Tls, host_name, server_name_of};
use crate::tower::copy;

/// How long a connection may take to come about, and how often it is probed while it is silent (client-go,
/// net/http.go: `Dialer`).
const CONNECT: Duration = Duration::from_secs(30);
/// After how long a silence a server is pinged over HTTP/2, and how long it may take to answer (client-go,
/// net/http.go: `ReadIdleTimeout`, `PingTimeout`).
const PING_AFTER: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(15);

/// How hyper connects and sends.
pub(super) struct Hyper;

/// Connections of both kinds. None is opened before a request needs it.
#[derive(Clone)]
pub(super) struct Connections {
    /// HTTP/2 where the server has it.
    shared: Send,
    /// HTTP/1.1, whose connections can become something else.
    upgrading: Send,
}

/// A client of hyper's, whatever its connector.
type Send = Arc<dyn Fn(Request<Body>) -> ResponseFuture + std::marker::Send + Sync>;

impl Connect for Hyper {
    type Connections = Connections;
    type Request = Request<Body>;
    type Response = Response<Incoming>;
    type Error = legacy::Error;

    fn connect(cluster: &Cluster, tls: &Tls) -> Result<Connections> {
        Ok(Connections {
            shared: over(cluster, tls, &[b"h2", b"http/1.1"])?,
            upgrading: over(cluster, tls, &[b"http/1.1"])?,
        })
    }

    async fn send(
        connections: &Connections,
        request: Request<Body>,
    ) -> std::result::Result<Response<Incoming>, legacy::Error> {
        let send = if request.headers().contains_key(UPGRADE) {
            &connections.upgrading
        } else {
            &connections.shared
        };
        send(request).await
    }

    fn copy(request: &Request<Body>) -> Option<Request<Body>> {
        copy(request, &|body: &Body| body.try_clone())
    }

    fn headers_mut(request: &mut Request<Body>) -> &mut HeaderMap {
        request.headers_mut()
    }
}

/// A client that offers these protocols.
fn over(cluster: &Cluster, tls: &Tls, protocols: &[&[u8]]) -> Result<Send> {
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
        .advise("remove \"proxy-url\", or take the server out of the proxy by NO_PROXY"));
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
                "the proxy's URL names no host",
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

fn send_over<C>(connector: C) -> Send
where
    C: connect::Connect + Clone + std::marker::Send + Sync + 'static,
{
    let client: Client<C, Body> = Client::builder(TokioExecutor::new())
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
    let value = HeaderValue::try_from(value).map_err(|_| unusable(proxy, "its user cannot be sent"))?;
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
