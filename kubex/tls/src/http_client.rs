//! The HTTP client of the providers that ask an issuer.

use std::time::Duration;

use kubex_core::{Error, ErrorKind, Host, Proxy, Result, Trust};
use reqwest::Client;
use reqwest::redirect::Policy;

use crate::http_client_config;

/// The connect timeout. It is short, so that the next address can be tried in time.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A client for https only, without redirects. It uses the proxy of the host's environment, as kubectl does. An invalid proxy is not
/// used, so check [`Proxy::from_environment`] before each request: otherwise the request would go without one.
///
/// # Errors
/// As [`http_client_config`], and `Unsupported` if the client cannot be built.
pub fn http_client(trust: &Trust, host: &Host) -> Result<Client> {
    let host = host.clone();
    let proxy = reqwest::Proxy::custom(move |address| {
        let proxy = Proxy::from_environment(address, &host).ok().flatten()?;
        Some(proxy.expose_url().clone())
    });
    let client = Client::builder()
        .tls_backend_preconfigured(http_client_config(trust)?)
        .https_only(true)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .proxy(proxy)
        .build();
    client.map_err(|error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("the HTTP client could not be built: {error}"),
        )
    })
}
