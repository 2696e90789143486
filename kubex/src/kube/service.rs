//! The service below kube's client and the authentication: it puts the server's address on a request, and sends it.

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

use super::connections::Hyper;
use crate::pool::Pool;
use crate::tower::{BoxError, Carried};

/// Sends requests over connections of the credential that they carry.
#[derive(Clone, Debug)]
pub(super) struct Connections(Pool<Hyper>);

impl Connections {
    pub(super) fn new(configuration: &ClientConfiguration) -> Result<Self> {
        Pool::new(configuration).map(Self)
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
            let credential = match request.extensions_mut().remove::<Carried>() {
                Some(Carried(credential)) => credential,
                // It brings one of its own: nobody is asked, and a certificate that is at hand goes along.
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

/// The address of a request: its path below the server's own, where it names no server.
fn address(pool: &Pool<Hyper>, uri: &Uri) -> Result<Uri> {
    if !pool.authorizer().is_for(uri) {
        return Err(Error::new(
            ErrorKind::Refused,
            "the request goes to another server than the configuration's",
        ));
    }
    if uri.authority().is_some() {
        return Ok(uri.clone());
    }
    let server = pool.configuration().cluster().server.url();
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // The server's own text is a URL already, and none of the request's is taken apart: kube has encoded it.
    format!("{}{path}", server.as_str().trim_end_matches('/'))
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidValue, "this is no path on the server"))
}
