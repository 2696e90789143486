//! Requests to Google and to the metadata server: no redirects and limited responses.

use std::time::Duration;

use bytes::Bytes;
use kubex_core::secret::SecretBuffer;
use kubex_core::text::messages;
use kubex_core::{Error, ErrorKind, Host, Proxy, Result, Trust};
use kubex_tls::issuer::Form;
use kubex_tls::{LARGEST_RESPONSE_TEXT, read_body};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

/// The connect timeout for the metadata server. It is near, or not there.
const NEAR_LIMIT: Duration = Duration::from_secs(3);

/// A complete response. Its body may contain a token.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: SecretBuffer,
}

/// Sends a form. `whom` is the name of the server in errors.
///
/// # Errors
/// `Unavailable` if the server cannot be reached, `InvalidValue` for an invalid proxy.
pub(crate) async fn post(url: &Url, fields: &[(&str, &str)], whom: &str, host: &Host) -> Result<Answer> {
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let request = client(url, host)?
        .post(url.clone())
        .header(CONTENT_TYPE, form)
        .body(Bytes::from_owner(Form::new(fields)));
    receive(request, whom, None).await
}

/// Requests a document of the metadata server. `nowhere` is the help if nothing answers.
///
/// # Errors
/// Returns the errors of [`post`].
pub(crate) async fn get(
    url: &Url,
    headers: HeaderMap,
    whom: &str,
    nowhere: &'static str,
    host: &Host,
) -> Result<Answer> {
    let request = client(url, host)?.get(url.clone()).headers(headers);
    receive(request, whom, Some(nowhere)).await
}

/// A proxy of the environment is for Google, and not for the metadata server, which is http and near.
fn client(url: &Url, host: &Host) -> Result<Client> {
    if url.scheme() == "https" {
        // An invalid proxy is an error before a request is sent.
        Proxy::from_environment(url, host)?;
        return kubex_tls::http_client(&Trust::System, host);
    }
    let client = kubex_tls::http_client_builder(without_trust()?, host)
        .connect_timeout(NEAR_LIMIT)
        .build();
    client.map_err(|error| unusable(&error))
}

/// For http: it would accept no certificate, and reads none of the system's.
fn without_trust() -> Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(kubex_tls::default_provider()?)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    Ok(builder
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn unusable(error: &dyn std::error::Error) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format_args!("the HTTP client could not be built: {error}"),
    )
}

async fn receive(request: RequestBuilder, whom: &str, nowhere: Option<&'static str>) -> Result<Answer> {
    let failed = |error: reqwest::Error| {
        // The error may quote the URL.
        let error = error.without_url();
        Error::new(
            ErrorKind::Unavailable,
            format_args!("the request to {whom} failed: {}", messages(&error)),
        )
    };
    let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
    let mut response = request.send().await.map_err(|error| match nowhere {
        Some(help) if error.is_connect() || error.is_timeout() => failed(error).with_help(help),
        _ => failed(error),
    })?;
    let status = response.status();
    let headers = response.headers().clone();
    let body = read_body(&mut response).await.map_err(failed)?;
    let body = body.ok_or_else(|| {
        Error::new(
            ErrorKind::Unavailable,
            format_args!("the response of {whom} is larger than {LARGEST_RESPONSE_TEXT}"),
        )
        .with_help("check which program answers at that address")
    })?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}
