//! The issuer's port: connections are accepted, served, and ended together.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{Shared, answer};

pub(super) async fn accept(socket: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                // No file handle is left, or the client has gone: neither is a reason to stop.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // A handshake that fails is the client's refusal, and what the test asks the client about.
    let Ok(stream) = TlsAcceptor::from(shared.tls.configuration()).accept(stream).await else {
        return;
    };
    let service = service_fn(|request| handle(Arc::clone(&shared), request));
    // A connection that breaks is the client's affair: its requests are recorded as they arrive.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A body that is cut off is an empty one, which no client of this issuer means.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes);
    let mut request = answer::read(head.method, &head.uri, &head.headers, &body.unwrap_or_default());
    let response = {
        let mut state = shared.lock();
        let response = state.respond(&request).into_response();
        request.status = response.as_ref().map(Response::status);
        state.requests.push(request);
        response
    };
    match response {
        Some(response) => Ok(response),
        None => pending().await,
    }
}
