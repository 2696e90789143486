//! A response of the server.

use std::fmt;

use ::reqwest::header::HeaderMap;
use ::reqwest::{StatusCode, Url, Version};
use hyper::body::Bytes;
use kubex_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use super::super::authorizer::Authorizer;
use super::super::failure::request_failed;

/// A response of the server, whose body has not been read yet.
pub struct Response {
    inner: ::reqwest::Response,
    authorizer: Authorizer,
}

impl Response {
    pub(super) fn new(inner: ::reqwest::Response, authorizer: Authorizer) -> Self {
        Self { inner, authorizer }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// Returns the HTTP version of the response.
    pub fn version(&self) -> Version {
        self.inner.version()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// Returns the final URL, after redirects.
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// Returns the response itself if its status is below 400.
    ///
    /// # Errors
    /// Returns [`ErrorKind::RequestFailed`] if the status is 400 or more.
    pub fn error_for_status(self) -> Result<Self> {
        let status = self.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(self);
        }
        let server = &self.authorizer.configuration().cluster().server;
        Err(Error::new(
            ErrorKind::RequestFailed,
            format_args!("{server} responded {status} to \"{}\"", self.url().path()),
        ))
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// Returns [`ErrorKind::RequestFailed`] if the body ends early.
    pub async fn bytes(self) -> Result<Bytes> {
        let authorizer = self.authorizer;
        self.inner
            .bytes()
            .await
            .map_err(|error| failed(&authorizer, error))
    }

    /// Reads the whole body as text. Invalid UTF-8 is replaced with U+FFFD.
    ///
    /// # Errors
    /// Returns [`ErrorKind::RequestFailed`] if the body ends early.
    pub async fn text(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).into_owned())
    }

    /// Deserializes the whole body as JSON, whatever the status is.
    ///
    /// # Errors
    /// - [`ErrorKind::RequestFailed`]: the body ends early.
    /// - [`ErrorKind::MalformedDocument`]: the body is not JSON of the expected type. The error contains line and
    ///   column.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let server = self.authorizer.configuration().cluster().server.to_string();
        let path = self.url().path().to_owned();
        // serde's own message may quote the response.
        serde_json::from_slice(&self.bytes().await?).map_err(|error| {
            Error::new(
                ErrorKind::MalformedDocument,
                format_args!(
                    "the response of {server} to \"{path}\" is not JSON of the expected type (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            )
        })
    }

    /// Reads the next chunk of the body. Returns `None` at the end of the body.
    ///
    /// # Errors
    /// Returns [`ErrorKind::RequestFailed`] if the body ends early.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.inner
            .chunk()
            .await
            .map_err(|error| failed(&self.authorizer, error))
    }

    /// Converts the response to reqwest's own type.
    pub fn into_reqwest(self) -> ::reqwest::Response {
        self.inner
    }
}

fn failed(authorizer: &Authorizer, error: ::reqwest::Error) -> Error {
    request_failed(authorizer.configuration().cluster(), &error.without_url())
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
