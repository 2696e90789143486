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

/// Creates a client for https requests to an issuer of tokens. It follows no redirects and uses the proxy in the
/// host's environment variables, as kubectl does.
///
/// If the address of that proxy is not valid, the client connects without a proxy. To prevent this, call
/// [`Proxy::from_environment`] before each request, and do not send the request if it returns an error.
///
/// # Errors
/// Returns the errors of [`http_client_config`], and [`ErrorKind::Unsupported`] if the client cannot be built.
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

/// Creates a builder of a client that follows no redirects and has no time limits.
///
/// For https, the client uses the proxy in the host's environment variables. Check the proxy before each request, as
/// for [`http_client`]. For http, the client uses no proxy, because http is used only for the metadata service of a
/// cloud, which is reached directly.
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

/// Reads the whole body of a response, which may contain a token. Returns `None` if the body is longer than
/// [`LARGEST_RESPONSE`].
///
/// # Errors
/// Returns the error of the connection if the body ends early.
pub async fn read_body(response: &mut Response) -> reqwest::Result<Option<SecretBuffer>> {
    let mut body = SecretBuffer::default();
    while let Some(chunk) = response.chunk().await? {
        if !body.append_within(LARGEST_RESPONSE, &chunk) {
            return Ok(None);
        }
    }
    Ok(Some(body))
}
