//! The HTTP clients of the providers that request tokens.

use std::time::Duration;

use kubex_core::secret::SecretBuffer;
use kubex_core::{Error, ErrorKind, Host, Proxy, Result, Trust};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};
use rustls::ClientConfig;

use crate::{LARGEST_RESPONSE, http_client_config};

/// The connect timeout. It is short, so that the next address can be tried in time.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A client for https only, without redirects. It uses the proxy of the host's environment, as kubectl does. An invalid proxy is not
/// used, so check [`Proxy::from_environment`] before each request: otherwise the request would go without one.
///
/// # Errors
/// As [`http_client_config`], and `Unsupported` if the client cannot be built.
pub fn http_client(trust: &Trust, host: &Host) -> Result<Client> {
    let client = http_client_builder(http_client_config(trust)?, host)
        .https_only(true)
        .connect_timeout(CONNECT_LIMIT)
        .build();
    client.map_err(|error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("the HTTP client could not be built: {error}"),
        )
    })
}

/// The builder of a client without redirects, which sets no time limits. Over https, the client uses the proxy of the host's
/// environment; an invalid one is not used, as by [`http_client`]. Over http it uses none: a cloud's metadata service is near.
pub fn http_client_builder(tls: ClientConfig, host: &Host) -> ClientBuilder {
    let host = host.clone();
    let proxy = reqwest::Proxy::custom(move |address| {
        if address.scheme() != "https" {
            return None;
        }
        let proxy = Proxy::from_environment(address, &host).ok().flatten()?;
        Some(proxy.expose_url().clone())
    });
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .referer(false)
        .proxy(proxy)
}

/// Reads a body to its end, which may contain a token. `None` if it is longer than [`LARGEST_RESPONSE`].
///
/// # Errors
/// Those of the connection.
pub async fn read_body(response: &mut Response) -> reqwest::Result<Option<SecretBuffer>> {
    let mut body = SecretBuffer::default();
    while let Some(chunk) = response.chunk().await? {
        if !body.append_within(LARGEST_RESPONSE, &chunk) {
            return Ok(None);
        }
    }
    Ok(Some(body))
}
