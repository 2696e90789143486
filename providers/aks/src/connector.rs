//! The HTTP client of the Azure SDK: reqwest with Kubex's trust, proxies and limits.

use std::fmt::{self, Debug};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use bytes::Bytes;
use kubex_core::text::messages;
use kubex_core::{Error, ErrorKind, Host, Result, Trust};
use kubex_tls::{check_destination, read_body};
use reqwest::{Client, Method};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::failure::Failure;
use crate::machine::{METADATA_HOST, address};

/// The connect timeout. Outside of Azure, nothing answers at the address of the metadata service.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The time limit of one request. It is less than that of a fetch, so that the error names the server.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How often a request of one fetch is sent. The SDK would ask the metadata service seven times, for longer than a fetch may
/// take.
const MOST_TRIES: u32 = 3;

/// The longest lifetime of a token that is passed to the SDK: ten years.
const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// The host in the SDK's address of the metadata service.
const METADATA: &str = "169.254.169.254";

/// Sends the requests of one fetch of the SDK.
pub(crate) struct Connector {
    client: Client,
    host: Host,
    metadata: Option<Url>,
    tries: AtomicU32,
    lifetime: OnceLock<Duration>,
}

impl Connector {
    /// Makes the client with this trust.
    ///
    /// # Errors
    /// `InvalidPem` or `Unsupported` if the TLS library does not accept it; `InvalidValue` for another address of the metadata
    /// service that is neither https nor near.
    pub(crate) fn new(trust: &Trust, host: &Host) -> Result<Self> {
        // `send` refuses an invalid proxy.
        let client = kubex_tls::http_client_builder(kubex_tls::http_client_config(trust)?, host)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(REQUEST_LIMIT)
            .build()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Unsupported,
                    format_args!("the HTTP client could not be built: {}", messages(&error)),
                )
            })?;
        Ok(Self {
            client,
            host: host.clone(),
            metadata: address(METADATA_HOST, host)?,
            tries: AtomicU32::new(0),
            lifetime: OnceLock::new(),
        })
    }

    /// Whether the SDK has sent a request.
    pub(crate) fn was_asked(&self) -> bool {
        self.tries.load(Ordering::Relaxed) > 0
    }

    /// The lifetime in the response, which the SDK has added to the system's time. The response for a managed identity has an
    /// expiry time instead.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        self.lifetime.get().copied()
    }

    /// The address of a request, with the metadata service where the host has it.
    fn address_of(&self, request: &Request) -> Result<Url, Failure> {
        match &self.metadata {
            Some(base) if request.url().host_str() == Some(METADATA) => base
                .join(&request.path_and_query())
                .map_err(|_| Failure::NotSent("its address is not valid".to_owned())),
            _ => Ok(request.url().clone()),
        }
    }

    async fn send(&self, request: &Request) -> Result<AsyncRawResponse, Failure> {
        let tried = self.tries.fetch_add(1, Ordering::Relaxed) + 1;
        let url = self.address_of(request)?;
        check_destination(&url, &[], &self.host).map_err(|error| Failure::NotSent(messages(&error)))?;
        let method = Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(|_| Failure::NotSent("its method is not valid".to_owned()))?;
        let Body::Bytes(body) = request.body().clone() else {
            return Err(Failure::NotSent("its body is a stream".to_owned()));
        };
        let mut sent = self.client.request(method, url).body(body);
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        let mut response = sent.send().await.map_err(failed)?;
        let status = response.status();
        if tried >= MOST_TRIES && !status.is_success() {
            return Err(Failure::Refused(status.as_u16()));
        }
        let mut headers = Headers::new();
        // The SDK reads from the headers when it may try again.
        for (name, value) in response.headers() {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        let body = read_body(&mut response).await.map_err(failed)?;
        let body = body.ok_or(Failure::TooLarge)?;
        let body = if status.is_success() {
            if let Some(lifetime) = read_lifetime(&body)? {
                self.lifetime.get_or_init(|| lifetime);
            }
            Bytes::from_owner(body)
        } else {
            codes_only(&body)
        };
        Ok(AsyncRawResponse::from_bytes(
            status.as_u16().into(),
            headers,
            body,
        ))
    }
}

/// The client is not shown.
impl Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Connector {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let sent = self.send(request).await;
        // The SDK does not retry an error of this kind. Kubex decides when the next fetch is.
        sent.map_err(|failure| azure_core::Error::new(azure_core::error::ErrorKind::Other, failure))
    }
}

/// The SDK adds the lifetime to the time without a check, which panics for one that is too long.
fn read_lifetime(body: &[u8]) -> Result<Option<Duration>, Failure> {
    #[derive(Deserialize)]
    struct Answer {
        expires_in: Option<serde_json::Value>,
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| Failure::Malformed("a response that is not a token"))?;
    let Some(seconds) = answer.expires_in.and_then(|value| value.as_i64()) else {
        return Ok(None);
    };
    let lifetime = u64::try_from(seconds).map(Duration::from_secs).ok();
    let lifetime = lifetime.filter(|lifetime| *lifetime <= LONGEST_LIFETIME);
    lifetime
        .map(Some)
        .ok_or(Failure::Malformed("a token with an impossible lifetime"))
}

/// Only the error codes of a refusal, because the rest may repeat secrets of the request.
fn codes_only(body: &[u8]) -> Bytes {
    #[derive(Default, Deserialize, Serialize)]
    struct Refusal {
        #[serde(default)]
        error_codes: Vec<i32>,
    }
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    serde_json::to_vec(&refusal).unwrap_or_default().into()
}

fn failed(error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::TimedOut;
    }
    // The URL of a request to the metadata service names the identity.
    Failure::NotSent(messages(&error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_codes_only() {
        let body = br#"{"error": "invalid_client", "error_description": "s3cret", "error_codes": [7000215]}"#;
        assert_eq!(codes_only(body), r#"{"error_codes":[7000215]}"#);
        for body in ["", "s3cret", "{}", r#"{"error_codes": "s3cret"}"#, "[1]"] {
            assert_eq!(codes_only(body.as_bytes()), r#"{"error_codes":[]}"#, "{body}");
        }
    }

    #[test]
    fn a_lifetime_that_no_clock_has_is_refused() {
        for body in [
            r#"{"expires_in": 3599}"#,
            r#"{"expires_in": "3599"}"#,
            r#"{"expires_in": null}"#,
            "{}",
        ] {
            assert!(read_lifetime(body.as_bytes()).is_ok(), "{body}");
        }
        for body in [
            r#"{"expires_in": -1}"#,
            r#"{"expires_in": 9223372036854775807}"#,
            r#"{"expires_in": 316224001}"#,
            "",
            "[]",
            "<html>",
        ] {
            assert!(read_lifetime(body.as_bytes()).is_err(), "{body}");
        }
    }
}
