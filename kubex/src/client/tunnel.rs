//! A tunnel through an HTTP proxy, made by `CONNECT` (RFC 9110, 9.3.6).
//!
//! It replaces hyper-util's tunnel, whose error does not contain the status of the proxy's response.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// The largest header of a proxy's response, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Connects to the proxy with the inner connector, and through the proxy to the server.
#[derive(Clone)]
pub(super) struct Tunnel<C> {
    proxy: Uri,
    connector: C,
    authorization: Option<HeaderValue>,
}

/// The proxy answered something other than success.
#[derive(Debug)]
pub(super) struct RefusedByProxy {
    pub(super) status: StatusCode,
}

impl fmt::Display for RefusedByProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy answered {}", self.status)
    }
}

impl StdError for RefusedByProxy {}

impl<C> Tunnel<C> {
    pub(super) fn new(proxy: Uri, connector: C, authorization: Option<HeaderValue>) -> Self {
        Self {
            proxy,
            connector,
            authorization,
        }
    }
}

impl<C> Service<Uri> for Tunnel<C>
where
    C: Service<Uri, Future: Send + 'static, Error: Into<BoxError>>,
    C::Response: Read + Write + Unpin + Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let connecting = self.connector.call(self.proxy.clone());
        let authorization = self.authorization.clone();
        Box::pin(async move {
            let connection = connecting.await.map_err(Into::into)?;
            open(connection, &server, authorization).await
        })
    }
}

/// Requests a connection to the server from the proxy. Returns the same connection, which then leads to the server.
async fn open<T>(connection: T, server: &Uri, authorization: Option<HeaderValue>) -> Result<T, BoxError>
where
    T: Read + Write + Unpin + Send + 'static,
{
    let request = connect(server, authorization)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_ANSWER)
        .handshake(connection)
        .await?;
    let mut asked = pin!(async move { sender.send_request(request).await.map(|answer| answer.status()) });
    let mut driven = pin!(connection.without_shutdown());
    let mut parts = None;
    // The response arrives only while the connection is polled.
    let status = poll_fn(|context| {
        if parts.is_none()
            && let Poll::Ready(ended) = driven.as_mut().poll(context)
        {
            parts = Some(ended);
        }
        asked.as_mut().poll(context)
    })
    .await?;
    if !status.is_success() {
        return Err(RefusedByProxy { status }.into());
    }
    let parts = match parts {
        Some(parts) => parts?,
        None => driven.await?,
    };
    if !parts.read_buf.is_empty() {
        // In TLS, the client sends first.
        return Err("the proxy sent data before the server was asked anything".into());
    }
    Ok(parts.io)
}

fn connect(server: &Uri, authorization: Option<HeaderValue>) -> Result<Request<String>, http::Error> {
    let host = server.host().unwrap_or_default();
    let authority = format!("{host}:{}", server.port_u16().unwrap_or(443));
    let request = Request::builder()
        .method(Method::CONNECT)
        .header(HOST, authority.as_str())
        .uri(authority);
    match authorization {
        Some(value) => request.header(PROXY_AUTHORIZATION, value),
        None => request,
    }
    .body(String::new())
}
