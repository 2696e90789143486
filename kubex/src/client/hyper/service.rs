//! The service below an authentication layer. It adds the server's address to a request and sends it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::{PathAndQuery, Uri};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};
use tower_service::Service;

use super::super::pool::{HttpBackend, Pool};
use super::super::rustls::CryptoChoice;
use super::super::tower::{BoxError, Replay, RequestCredential};
use super::backend::HyperBackend;

/// Sends each request over a connection that uses the client certificate of the request's credential. Clones share the
/// connections.
///
/// This service does not add an `Authorization` header. Wrap it in an [`AuthLayer`](crate::tower::AuthLayer), as
/// [`client`](super::client) does.
pub struct Connections<B, R>(Pool<HyperBackend<B, R>>)
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    R: Replay<B> + Send + Sync + 'static;

impl<B, R> Connections<B, R>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    R: Replay<B> + Send + Sync + 'static,
{
    /// Creates the service. Opens no connection and fetches no credential. `replay` copies the body of a request, so
    /// that a request that the server has not processed can be sent again.
    ///
    /// # Errors
    /// Returns the errors of [`client`](super::client).
    pub fn new(
        configuration: &ClientConfiguration,
        replay: R,
        crypto: impl Into<CryptoChoice>,
    ) -> Result<Self> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a client over hyper needs a tokio runtime",
            )
            .with_help("call it from a tokio runtime"));
        }
        Pool::new(HyperBackend::new(replay), configuration, &crypto.into()).map(Self)
    }
}

impl<B, R> Service<Request<B>> for Connections<B, R>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    R: Replay<B> + Send + Sync + 'static,
{
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let pool = self.0.clone();
        Box::pin(async move {
            *request.uri_mut() = address(&pool, request.uri())?;
            let credential = match request.extensions_mut().remove::<RequestCredential>() {
                Some(RequestCredential(credential)) => credential,
                // The request has its own credential, so none is fetched; the newest client certificate is used.
                None => at_hand(pool.configuration()),
            };
            Ok(pool.send(credential, request).await?)
        })
    }
}

impl<B, R> Clone for Connections<B, R>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    R: Replay<B> + Send + Sync + 'static,
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B, R> fmt::Debug for Connections<B, R>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    R: Replay<B> + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connections").field(&self.0).finish()
    }
}

fn at_hand(configuration: &ClientConfiguration) -> Arc<Credential> {
    let credentials = configuration.credentials();
    let credential = credentials.peek();
    credential.unwrap_or_else(|| Arc::new(Credential::anonymous()))
}

/// The full URI of a request. A path is appended to the server's own path.
fn address<H: HttpBackend>(pool: &Pool<H>, uri: &Uri) -> Result<Uri> {
    if !pool.authorizer().is_for(uri) {
        return Err(Error::new(
            ErrorKind::Refused,
            "the request is for a server other than the configured one",
        ));
    }
    pool.authorizer().check_path(uri)?;
    if uri.authority().is_some() {
        return Ok(uri.clone());
    }
    let server = pool.configuration().cluster().server.url();
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // The caller has encoded the path already, so it is not encoded again.
    format!("{}{path}", server.as_str().trim_end_matches('/'))
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidValue, "invalid request path"))
}
