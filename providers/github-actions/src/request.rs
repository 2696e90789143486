//! The request for a token: https only, no redirects, a limited response that no error contains.

use kubex_core::text::messages;
use kubex_core::{Credential, Error, ErrorKind, Host, Proxy, Result, SecretString, Trust};
use kubex_tls::{LARGEST_RESPONSE_TEXT, read_body};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::Deserialize;

use crate::job::Job;

/// Requests a token for this audience. It uses the proxy of the host's environment.
///
/// # Errors
/// `Unavailable` if GitHub refuses or cannot be reached; `MalformedDocument` if its response contains no token.
pub(crate) async fn request(job: &Job, audience: &str, trust: &Trust, host: &Host) -> Result<SecretString> {
    let address = job.address_for(audience);
    // An invalid proxy is an error before a request is sent.
    Proxy::from_environment(&address, host)?;
    let whom = job.whom();
    let failed = |error: reqwest::Error| {
        // The error may quote the URL, which identifies the job.
        let error = error.without_url();
        Error::new(
            ErrorKind::Unavailable,
            format_args!("the request to {whom} failed: {}", messages(&error)),
        )
        .with_help("check that the runner can reach GitHub, and its certificate authority")
    };
    let authorization = Credential::bearer(job.token.clone())?;
    let authorization = authorization
        .authorization()
        .cloned()
        .unwrap_or(HeaderValue::from_static(""));
    let request = kubex_tls::http_client(trust, host)?
        .get(address)
        .header(AUTHORIZATION, authorization)
        .header(
            ACCEPT,
            HeaderValue::from_static("application/json; api-version=2.0"),
        );
    let mut response = request.send().await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        let error = Error::new(
            ErrorKind::Unavailable,
            format_args!("{whom} refused a token: {}", response.status()),
        );
        return Err(error.with_help("check that the job is still running and has `id-token: write`"));
    }
    let body = read_body(&mut response).await.map_err(failed)?;
    let body =
        body.ok_or_else(|| malformed(&whom, &format!("a response of more than {LARGEST_RESPONSE_TEXT}")))?;
    read(&body).ok_or_else(|| malformed(&whom, "no token"))
}

fn read(body: &[u8]) -> Option<SecretString> {
    #[derive(Deserialize)]
    struct Document {
        value: SecretString,
    }
    let document: Document = serde_json::from_slice(body).ok()?;
    Some(document.value)
}

fn malformed(whom: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::MalformedDocument,
        format_args!("{whom} returned {what}"),
    )
    .with_help("check which program answers at the address in ACTIONS_ID_TOKEN_REQUEST_URL")
}
