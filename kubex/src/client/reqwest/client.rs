//! The client.

use std::fmt;

use ::reqwest::{Method, Request};
use kubex_core::{ClientConfiguration, Result};

use super::super::rustls::CryptoChoice;
use super::authenticated::Authenticated;
use super::request::RequestBuilder;
use super::response::Response;

/// Sends requests with the current credential of a configuration. Cheap to clone. See the [module](super).
#[derive(Clone)]
pub struct Client(Authenticated);

impl Client {
    /// A client for the configuration's server. Nothing is connected or fetched yet.
    ///
    /// # Errors
    /// `InvalidPem` where rustls does not accept the authorities; `IncompleteKeyPair` for a certificate with the key of
    /// another pair; `InvalidValue` where the TLS server name is not valid, or the proxy's user cannot be sent;
    /// `Unsupported` where reqwest does not support the proxy, or there is no
    /// [crypto provider](crate::rustls#the-crypto-provider).
    pub fn new(configuration: &ClientConfiguration) -> Result<Self> {
        Self::with_crypto(configuration, CryptoChoice::Automatic)
    }

    /// As [`new`](Self::new), with the crypto provider of your choice.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_crypto(configuration: &ClientConfiguration, crypto: impl Into<CryptoChoice>) -> Result<Self> {
        Authenticated::new(configuration, &crypto.into()).map(Self)
    }

    /// A `GET` of a path below the server's address: `/api/v1/namespaces`.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn get(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::GET, path)
    }

    /// A `POST` to a path below the server's address.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn post(&self, path: &str) -> Result<RequestBuilder> {
        self.request(Method::POST, path)
    }

    /// A request of a path below the server's address, which may have a path of its own. The path may have a query.
    ///
    /// # Errors
    /// `InvalidValue` for a path that leaves the server's own, such as `/../x` or `/%2e%2e/x`.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder> {
        let url = self.0.configuration().cluster().server.join(path)?;
        Ok(RequestBuilder::new(self.0.clone(), Request::new(method, url)))
    }

    /// Sends a request that was built with reqwest, with the current credential and the impersonation headers.
    ///
    /// # Errors
    /// As [`RequestBuilder::send`], and `Refused` for a request to another server than the configuration's;
    /// `InvalidValue` for a path that is not below the server's own.
    pub async fn execute(&self, request: Request) -> Result<Response> {
        self.0.send(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("configuration", self.0.configuration())
            .finish_non_exhaustive()
    }
}
