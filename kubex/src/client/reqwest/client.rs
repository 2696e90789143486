//! The client.

use std::fmt;

use ::reqwest::{Method, Request};
use kubex_core::{ClientConfiguration, Result};

use super::super::newest::Newest;
use super::super::rustls::CryptoChoice;
use super::authenticated::Authenticated;
use super::request::RequestBuilder;
use super::response::Response;

/// Sends requests with the current credential of a configuration. Cheap to clone. See the [module](super).
#[derive(Clone)]
pub struct Client(Newest<Authenticated>);

impl Client {
    /// Creates a client for the configuration's server. It opens no connection and fetches no credential.
    ///
    /// # Errors
    /// `InvalidPem` if rustls does not accept the CA bundle; `IncompleteKeyPair` if the client certificate and its
    /// key do not belong together; `InvalidValue` if the TLS server name or the proxy's user name is not valid;
    /// `Unsupported` if reqwest does not support the proxy, or without a [crypto
    /// provider](crate::rustls#the-crypto-provider).
    pub fn new(configuration: &ClientConfiguration) -> Result<Self> {
        Self::with_crypto(configuration, CryptoChoice::Automatic)
    }

    /// Like [`new`](Self::new), with the crypto provider of your choice.
    ///
    /// # Errors
    /// The same as [`new`](Self::new).
    pub fn with_crypto(configuration: &ClientConfiguration, crypto: impl Into<CryptoChoice>) -> Result<Self> {
        let crypto = crypto.into();
        Newest::new(configuration, move |newest| Authenticated::new(newest, &crypto)).map(Self)
    }

    /// Builds a `GET` request for a path below the server's address, such as `/api/v1/namespaces`.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn get(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::GET, path)
    }

    /// Builds a `POST` request for a path below the server's address.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn post(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::POST, path)
    }

    /// Builds a request for a path below the server's address, which may itself contain a path. The given path may
    /// contain a query.
    ///
    /// # Errors
    /// `InvalidValue` for a path that leaves the server's own, such as `/../x` or `/%2e%2e/x`.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let sender = self.0.get();
        let url = sender.configuration().cluster().server.join(path)?;
        Ok(RequestBuilder::new(
            Authenticated::clone(&sender),
            Request::new(method, url),
        ))
    }

    /// Sends a request that was built with reqwest, with the current credential and the impersonation headers.
    ///
    /// # Errors
    /// The same as [`RequestBuilder::send`]; in addition, `Refused` for a request to a server other than the
    /// configuration's, and `InvalidValue` for a path that is not below the server's own path.
    pub async fn execute(&self, request: Request) -> Result<Response> {
        self.0.get().send(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("configuration", self.0.last().configuration())
            .finish_non_exhaustive()
    }
}
