//! An answer of the server.

use std::fmt;

use ::reqwest::header::HeaderMap;
use ::reqwest::{StatusCode, Url, Version};
use hyper::body::Bytes;
use kubex_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use super::super::authorizer::Authorizer;
use super::super::failure::request_failed;

/// An answer of the server, whose body is yet to be read.
pub struct Response {
    inner: ::reqwest::Response,
    authorizer: Authorizer,
}

impl Response {
    pub(super) fn new(inner: ::reqwest::Response, authorizer: Authorizer) -> Self {
        Self { inner, authorizer }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The protocol that the server answered by.
    pub fn version(&self) -> Version {
        self.inner.version()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The address that answered: the request's, or where redirects led.
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// This answer, if its status is not an error.
    ///
    /// # Errors
    /// `RequestFailed` for a status of 400 or more.
    pub fn error_for_status(self) -> Result<Self> {
        let status = self.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(self);
        }
        let server = &self.authorizer.configuration().cluster().server;
        Err(Error::new(
            ErrorKind::RequestFailed,
            format_args!("{server} answered {status} to \"{}\"", self.url().path()),
        ))
    }

    /// The whole body.
    ///
    /// # Errors
    /// `RequestFailed` where it breaks off.
    pub async fn bytes(self) -> Result<Bytes> {
        let authorizer = self.authorizer;
        self.inner
            .bytes()
            .await
            .map_err(|error| failed(&authorizer, error))
    }

    /// The whole body as a text. What is not UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    /// `RequestFailed` where it breaks off.
    pub async fn text(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).into_owned())
    }

    /// The whole body, read as JSON. The status is not looked at.
    ///
    /// # Errors
    /// `RequestFailed` where it breaks off; `MalformedDocument`, with line and column, where it is not JSON of the type
    /// that was expected.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let server = self.authorizer.configuration().cluster().server.to_string();
        let path = self.url().path().to_owned();
        // serde's own message may quote the answer.
        serde_json::from_slice(&self.bytes().await?).map_err(|error| {
            Error::new(
                ErrorKind::MalformedDocument,
                format_args!(
                    "the answer of {server} to \"{path}\" is not JSON of the expected type (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            )
        })
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// `RequestFailed` where it breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.inner
            .chunk()
            .await
            .map_err(|error| failed(&self.authorizer, error))
    }

    /// The same answer as reqwest's own type.
    pub fn into_reqwest(self) -> ::reqwest::Response {
        self.inner
    }
}

fn failed(authorizer: &Authorizer, error: ::reqwest::Error) -> Error {
    request_failed(&authorizer.configuration().cluster().server, &error.without_url())
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
