//! Connects and sends for kube: over HTTP/2 if the server supports it, over HTTP/1.1 for upgrades.

use ::kube::client::Body;
use http::header::UPGRADE;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use kubex_core::{Cluster, Result};

use super::super::connector::{Sender, over};
use super::super::pool::HttpBackend;
use super::super::rustls::Tls;
use super::super::tower::copy;

/// Connects and sends with hyper.
pub(super) struct HyperBackend;

/// Connections of both kinds. None is opened before the first request.
#[derive(Clone)]
pub(super) struct Connections {
    /// HTTP/2 if the server supports it.
    shared: Sender<Body>,
    /// HTTP/1.1, for requests that upgrade their connection.
    upgrading: Sender<Body>,
}

impl HttpBackend for HyperBackend {
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
