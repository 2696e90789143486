//! A request, built step by step and sent with the current credential.

use std::fmt;
use std::time::Duration;

use ::reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use ::reqwest::{Body, Request};
use kubex_core::{Error, ErrorKind, Result};
use serde::Serialize;

use super::super::authorizer::too_many_headers;
use super::authenticated::Authenticated;
use super::response::Response;

/// A request to the configuration's server. Only [`send`](Self::send) can send it, so that no request is sent without
/// the credential.
///
/// If a method of the builder fails, `send` returns its error.
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    sender: Authenticated,
    request: Result<Request>,
}

impl RequestBuilder {
    pub(super) fn new(sender: Authenticated, request: Request) -> Self {
        Self {
            sender,
            request: Ok(request),
        }
    }

    /// Appends these key-value pairs to the query of the URL, percent-encoded.
    pub fn query<K, V>(self, pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        self.with(|request| {
            let mut pairs = pairs.into_iter().peekable();
            if pairs.peek().is_some() {
                request.url_mut().query_pairs_mut().extend_pairs(pairs);
            }
            Ok(())
        })
    }

    /// Adds a header. If you add `Authorization` or `Impersonate-User`, the request does not get that header from the
    /// configuration.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.with(|request| {
            let name = name
                .try_into()
                .map_err(|_| invalid("the name of a header is not valid"))?;
            let value = value.try_into().map_err(|_| {
                Error::new(
                    ErrorKind::InvalidValue,
                    format_args!("the value of the header \"{name}\" is not valid"),
                )
            })?;
            let added = request.headers_mut().try_append(name, value);
            added.map(drop).map_err(|_| too_many_headers())
        })
    }

    /// Sets the body to this value as JSON, and `Content-Type` to `application/json` if it is not set.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.with(|request| {
            let text = serde_json::to_vec(value)
                .map_err(|_| invalid("the request's body cannot be serialized as JSON"))?;
            *request.body_mut() = Some(text.into());
            default_header(
                request,
                CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
        })
    }

    /// Sets the body: text, bytes or a stream. A stream can be sent only once, so a request with a stream is not retried after
    /// a 401.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|request| {
            *request.body_mut() = Some(body.into());
            Ok(())
        })
    }

    /// Sets the time limit of the request, including the body of the response. By default there is no limit.
    pub fn timeout(self, limit: Duration) -> Self {
        self.with(|request| {
            *request.timeout_mut() = Some(limit);
            Ok(())
        })
    }

    /// Sends the request with the current credential and the impersonation headers. If the server responds with status
    /// 401, the request is retried once with a newer credential, if there is one.
    ///
    /// An HTTP status is not an error, not even 401.
    ///
    /// # Errors
    /// Returns the error of the credential source, or:
    ///
    /// - [`ErrorKind::IncompleteKeyPair`]: the client certificate and its key do not belong together.
    /// - [`ErrorKind::InvalidValue`]: a header or the body is not valid.
    /// - [`ErrorKind::RequestFailed`]: the request could not be sent, or there was no response.
    pub async fn send(self) -> Result<Response> {
        self.sender.send(self.request?).await
    }

    fn with(mut self, change: impl FnOnce(&mut Request) -> Result<()>) -> Self {
        self.request = self.request.and_then(|mut request| {
            change(&mut request)?;
            Ok(request)
        });
        self
    }
}

/// Sets a header that the request does not have yet.
pub(super) fn default_header(request: &mut Request, name: HeaderName, value: HeaderValue) -> Result<()> {
    if !request.headers().contains_key(&name) {
        let set = request.headers_mut().try_insert(name, value);
        set.map_err(|_| too_many_headers())?;
    }
    Ok(())
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidValue, message)
}

/// Shows only the method and the path, because a header or a query may contain a secret.
impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RequestBuilder");
        match &self.request {
            Ok(request) => shown
                .field("method", request.method())
                .field("path", &request.url().path()),
            Err(error) => shown.field("error", error),
        };
        shown.finish_non_exhaustive()
    }
}
