//! Sending a request as somebody.

use std::fmt;
use std::sync::Arc;

use ::reqwest::header::{HOST, HeaderValue};
use ::reqwest::{Method, Request, RequestBuilder, Response, StatusCode, Url};
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};

use super::Alias;
use super::connections::{Reqwest, is_beyond_reqwest};
use crate::authorize::Authorizer;
use crate::failure::request_failed;
use crate::pool::Pool;

/// Sends requests with the current credential of a configuration. Cheap to clone. See the [module](super).
#[derive(Clone)]
pub struct Client {
    alias: Option<Alias>,
    pool: Pool<Reqwest>,
}

impl Client {
    /// A client for the configuration's server. Nothing is connected or fetched yet.
    ///
    /// # Errors
    /// `InvalidPem` where the TLS library does not take the authorities; `IncompleteKeyPair` for a certificate at hand
    /// with a key of another pair; `InvalidValue` where the TLS server name is none, or the proxy's user cannot be sent;
    /// `Unsupported` where reqwest does not take the proxy, or there is no
    /// [crypto provider](crate::rustls#the-crypto-provider).
    pub fn new(configuration: &ClientConfiguration) -> Result<Self> {
        let cluster = configuration.cluster();
        Ok(Self {
            alias: Alias::of(cluster).filter(|_| !is_beyond_reqwest(cluster)),
            pool: Pool::new(configuration)?,
        })
    }

    /// A `GET` of a path on the server, below the path that the server's own address may have.
    ///
    /// # Errors
    /// `InvalidValue` where it is no path on the server.
    pub fn get(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::GET, path)
    }

    /// A request of a path on the server. It is sent by [`send`](Self::send).
    ///
    /// # Errors
    /// `InvalidValue` where it is no path on the server.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let url = self.configuration().cluster().server.join(path)?;
        Ok(self.pool.connections().requests.request(method, url))
    }

    /// Sends a request with the current credential and the impersonation headers. `Authorization` and
    /// `Impersonate-User` of the request's own are left alone.
    ///
    /// # Errors
    /// What the credential source said; `IncompleteKeyPair` for a certificate with a key of another pair;
    /// `Refused` for a request to another server than the configuration's; `RequestFailed`. A status, 401
    /// included, is an answer and no error.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let server = &self.configuration().cluster().server;
        let mut request = request
            .build()
            .map_err(|error| request_failed(server, &error.without_url()))?;
        if request.url().origin() != server.url().origin() {
            return Err(Error::new(
                ErrorKind::Refused,
                "the request goes to another server than the configuration's",
            ));
        }
        if let Some(alias) = &self.alias {
            aim_at_alias(&mut request, alias)?;
        }
        let credentials = self.configuration().credentials();
        if Authorizer::brings_its_own(request.headers()) {
            self.pool.authorizer().impersonate(request.headers_mut());
            // Nobody is asked for another one; a certificate that is at hand goes along.
            let credential = credentials.peek();
            let credential = credential.unwrap_or_else(|| Arc::new(Credential::anonymous()));
            return self.pool.send(credential, request).await;
        }
        let again = request.try_clone();
        let credential = credentials.current().await?;
        let response = self.send_as(&credential, request).await?;
        if response.status() != StatusCode::UNAUTHORIZED || credential.is_anonymous() {
            return Ok(response);
        }
        credentials.invalidate(credential.generation());
        let Some(again) = again else { return Ok(response) };
        match credentials.current().await {
            Ok(newer) if newer.generation() != credential.generation() => self.send_as(&newer, again).await,
            _ => Ok(response),
        }
    }

    async fn send_as(&self, credential: &Arc<Credential>, mut request: Request) -> Result<Response> {
        self.pool
            .authorizer()
            .authorize(credential, request.headers_mut());
        self.pool.send(Arc::clone(credential), request).await
    }

    fn configuration(&self) -> &ClientConfiguration {
        self.pool.configuration()
    }
}

/// Puts the TLS server name into the URL, for the SNI, and the server's own into `Host`.
fn aim_at_alias(request: &mut Request, alias: &Alias) -> Result<()> {
    let host = authority(request.url());
    let host = HeaderValue::from_str(&host).map_err(|_| unusable_name())?;
    request
        .url_mut()
        .set_host(Some(&alias.tls_server_name))
        .map_err(|_| unusable_name())?;
    request.headers_mut().entry(HOST).or_insert(host);
    Ok(())
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn unusable_name() -> Error {
    Error::new(ErrorKind::InvalidValue, "the TLS server name is no host name")
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("configuration", self.configuration())
            .finish_non_exhaustive()
    }
}
