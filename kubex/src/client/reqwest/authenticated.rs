//! Sends a request with the current credential, and retries it once after a 401.

use std::sync::Arc;

use ::reqwest::Request;
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};

use super::super::authorizer::Authorizer;
use super::super::pool::Pool;
use super::super::rustls::CryptoChoice;
use super::alias::Alias;
use super::backend::ReqwestBackend;
use super::proxy_transport::is_beyond_reqwest;
use super::response::Response;

/// Sends all requests of a client. Clones share their connections.
#[derive(Clone)]
pub(super) struct Authenticated {
    alias: Option<Alias>,
    pool: Pool<ReqwestBackend>,
}

impl Authenticated {
    /// Opens no connection and fetches no credential.
    pub(super) fn new(configuration: &ClientConfiguration, crypto: &CryptoChoice) -> Result<Self> {
        let cluster = configuration.cluster();
        Ok(Self {
            alias: Alias::from_cluster(cluster).filter(|_| !is_beyond_reqwest(cluster)),
            pool: Pool::new(ReqwestBackend, configuration, crypto)?,
        })
    }

    pub(super) fn configuration(&self) -> &ClientConfiguration {
        self.pool.configuration()
    }

    /// Sends a request to the configuration's server. A request to another server is an error.
    pub(super) async fn send(&self, mut request: Request) -> Result<Response> {
        let server = &self.configuration().cluster().server;
        if request.url().origin() != server.url().origin() {
            return Err(Error::new(
                ErrorKind::Refused,
                "the request is for a server other than the configured one",
            ));
        }
        server.check_full_path(request.url().path())?;
        if let Some(alias) = &self.alias {
            alias.apply(&mut request)?;
        }
        let credentials = self.configuration().credentials();
        if Authorizer::has_own_credential(request.headers()) {
            self.pool.authorizer().impersonate(request.headers_mut())?;
            // No credential is fetched; the newest client certificate is used.
            let credential = credentials.peek();
            let credential = credential.unwrap_or_else(|| Arc::new(Credential::anonymous()));
            return self.send_over(credential, request).await;
        }
        let again = request.try_clone();
        let credential = credentials.current().await?;
        let (response, is_rejected) = self.send_as(&credential, request).await?;
        let Some(again) = again.filter(|_| is_rejected) else {
            return Ok(response);
        };
        match credentials.current().await {
            Ok(newer) if newer.generation() != credential.generation() => {
                Ok(self.send_as(&newer, again).await?.0)
            }
            _ => Ok(response),
        }
    }

    /// Sends the request with this credential. Also returns whether the server rejected it.
    async fn send_as(&self, credential: &Arc<Credential>, mut request: Request) -> Result<(Response, bool)> {
        let authorizer = self.pool.authorizer();
        authorizer.authorize(credential, request.headers_mut())?;
        let response = self.send_over(Arc::clone(credential), request).await?;
        let is_rejected =
            !credential.is_anonymous() && authorizer.judge(credential.generation(), response.status());
        Ok((response, is_rejected))
    }

    async fn send_over(&self, credential: Arc<Credential>, request: Request) -> Result<Response> {
        // Boxed to keep the caller's future small.
        let answer = Box::pin(self.pool.send(credential, request)).await?;
        Ok(Response::new(answer, self.pool.authorizer().clone()))
    }
}
