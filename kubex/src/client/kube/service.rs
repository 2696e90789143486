//! The service below kube's client and the authentication layer: adds the server's address to a request and sends it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::kube::client::Body;
use http::uri::{PathAndQuery, Uri};
use http::{Request, Response};
use hyper::body::Incoming;
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};
use tower_service::Service;

use super::super::pool::Pool;
use super::super::rustls::CryptoChoice;
use super::super::tower::{BoxError, RequestCredential};
use super::backend::HyperBackend;

/// Sends requests over connections of the credential that they carry.
#[derive(Clone, Debug)]
pub(super) struct Connections(Pool<HyperBackend>);

impl Connections {
    pub(super) fn new(configuration: &ClientConfiguration, crypto: &CryptoChoice) -> Result<Self> {
        Pool::new(configuration, crypto).map(Self)
    }
}

impl Service<Request<Body>> for Connections {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let pool = self.0.clone();
        Box::pin(async move {
            *request.uri_mut() = address(&pool, request.uri())?;
            let credential = match request.extensions_mut().remove::<RequestCredential>() {
                Some(RequestCredential(credential)) => credential,
                // It has one of its own: none is fetched, and the newest certificate is shown.
                None => at_hand(pool.configuration()),
            };
            Ok(pool.send(credential, request).await?)
        })
    }
}

fn at_hand(configuration: &ClientConfiguration) -> Arc<Credential> {
    let credentials = configuration.credentials();
    let credential = credentials.peek();
    credential.unwrap_or_else(|| Arc::new(Credential::anonymous()))
}

/// The whole address of a request. A path alone is put below the server's own.
fn address(pool: &Pool<HyperBackend>, uri: &Uri) -> Result<Uri> {
    if !pool.authorizer().is_for(uri) {
        return Err(Error::new(
            ErrorKind::Refused,
            "the request goes to another server than the configuration's",
        ));
    }
    pool.authorizer().check_path(uri)?;
    if uri.authority().is_some() {
        return Ok(uri.clone());
    }
    let server = pool.configuration().cluster().server.url();
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // kube has encoded the path, so it is not parsed and written anew.
    format!("{}{path}", server.as_str().trim_end_matches('/'))
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidValue, "invalid request path"))
}
