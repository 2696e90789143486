//! The client that sends requests through reqwest.

use std::fmt;

use ::reqwest::{Method, Request};
use kubex_core::{ClientConfiguration, Result};

use super::super::newest::Newest;
use super::super::rustls::CryptoChoice;
use super::authenticated::Authenticated;
use super::request::RequestBuilder;
use super::response::Response;

/// Sends requests with the current credential of a configuration. Cloning it is cheap. See the [module](super).
#[derive(Clone)]
pub struct Client(Newest<Authenticated>);

impl Client {
    /// Creates a client for the configuration's server. Opens no connection and fetches no credential.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidPem`](kubex_core::ErrorKind::InvalidPem): rustls does not accept the CA bundle.
    /// - [`ErrorKind::IncompleteKeyPair`](kubex_core::ErrorKind::IncompleteKeyPair): the client certificate and its
    ///   key do not belong together.
    /// - [`ErrorKind::InvalidValue`](kubex_core::ErrorKind::InvalidValue): the TLS server name or the proxy's user
    ///   name is not valid.
    /// - [`ErrorKind::Unsupported`](kubex_core::ErrorKind::Unsupported): reqwest does not support the proxy, or there
    ///   is no [crypto provider](crate::rustls#the-crypto-provider).
    pub fn new(configuration: &ClientConfiguration) -> Result<Self> {
        Self::with_crypto(configuration, CryptoChoice::Automatic)
    }

    /// Like [`new`](Self::new), with the crypto provider of your choice.
    ///
    /// # Errors
    /// Returns the errors of [`new`](Self::new).
    pub fn with_crypto(configuration: &ClientConfiguration, crypto: impl Into<CryptoChoice>) -> Result<Self> {
        let crypto = crypto.into();
        Newest::new(configuration, move |newest| Authenticated::new(newest, &crypto)).map(Self)
    }

    /// Builds a `GET` request for a path below the server's address, such as `/api/v1/namespaces`.
    ///
    /// # Errors
    /// Returns the errors of [`request`](Self::request).
    pub fn get(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::GET, path)
    }

    /// Builds a `POST` request for a path below the server's address.
    ///
    /// # Errors
    /// Returns the errors of [`request`](Self::request).
    pub fn post(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::POST, path)
    }

    /// Builds a request for a path below the server's address. The server's address may contain a path of its own, to
    /// which this path is appended. The path may be followed by a query.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`](kubex_core::ErrorKind::InvalidValue) for a path that leaves the server's
    /// own path, such as `/../x` or `/%2e%2e/x`.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let sender = self.0.get();
        let url = sender.configuration().cluster().server.join(path)?;
        Ok(RequestBuilder::new(
            Authenticated::clone(&sender),
            Request::new(method, url),
        ))
    }

    /// Sends a request that was built with reqwest. Adds the current credential and the impersonation headers.
    ///
    /// # Errors
    /// Returns the errors of [`RequestBuilder::send`], and:
    ///
    /// - [`ErrorKind::Refused`](kubex_core::ErrorKind::Refused): the request is for another server than the
    ///   configuration's.
    /// - [`ErrorKind::InvalidValue`](kubex_core::ErrorKind::InvalidValue): the path of the request is not below the
    ///   server's own path.
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
