//! Connects and sends with hyper: over HTTP/2 if the server supports it, over HTTP/1.1 for upgrades.

use std::marker::PhantomData;

use http::header::UPGRADE;
use http::{HeaderMap, Request, Response};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy;
use kubex_core::{Cluster, Result};

use super::super::connector::{Sender, over};
use super::super::pool::HttpBackend;
use super::super::rustls::Tls;
use super::super::tower::{BoxError, Replay, copy};

/// Connects and sends with hyper. `R` copies the bodies of requests that are sent again.
pub(crate) struct HyperBackend<B, R> {
    replay: R,
    body: PhantomData<fn(B)>,
}

impl<B, R> HyperBackend<B, R> {
    pub(super) fn new(replay: R) -> Self {
        Self {
            replay,
            body: PhantomData,
        }
    }
}

/// Connections of both kinds. None is opened before the first request.
pub(crate) struct BothConnections<B> {
    /// HTTP/2 if the server supports it.
    shared: Sender<B>,
    /// HTTP/1.1, for requests that upgrade their connection.
    upgrading: Sender<B>,
}

impl<B> Clone for BothConnections<B> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            upgrading: self.upgrading.clone(),
        }
    }
}

impl<B, R> HttpBackend for HyperBackend<B, R>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    R: Replay<B> + Send + Sync + 'static,
{
    type Connections = BothConnections<B>;
    type Request = Request<B>;
    type Response = Response<Incoming>;
    type Error = legacy::Error;

    fn connect(cluster: &Cluster, tls: &Tls) -> Result<BothConnections<B>> {
        Ok(BothConnections {
            shared: over(cluster, tls, &[b"h2", b"http/1.1"])?,
            upgrading: over(cluster, tls, &[b"http/1.1"])?,
        })
    }

    async fn send(
        connections: &BothConnections<B>,
        request: Request<B>,
    ) -> std::result::Result<Response<Incoming>, legacy::Error> {
        let send = if request.headers().contains_key(UPGRADE) {
            &connections.upgrading
        } else {
            &connections.shared
        };
        send(request).await
    }

    fn copy(&self, request: &Request<B>) -> Option<Request<B>> {
        copy(request, &self.replay)
    }

    fn headers_mut(request: &mut Request<B>) -> &mut HeaderMap {
        request.headers_mut()
    }
}
