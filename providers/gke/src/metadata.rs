//! The metadata server of a machine at Google (Compute Engine, GKE with Workload Identity, Cloud Run), or a stand-in of it.

use kubex_core::{Credential, Error, ErrorKind, Host, Origin, Result};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::address::is_near;
use crate::http::get;
use crate::token;

/// Its address. A name would have to be resolved, and anything may answer.
const HOST: &str = "169.254.169.254";

/// The variable that names another one.
const VARIABLE: &str = "GCE_METADATA_HOST";

const TOKEN: &str = "computeMetadata/v1/instance/service-accounts/default/token";

/// The header that the server requires, and sends.
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");

/// The address of the token, without its scopes.
///
/// # Errors
/// `InvalidValue` if the variable does not name this machine or a metadata server.
pub(crate) fn address(host: &Host) -> Result<Url> {
    let written = host.environment().unicode(VARIABLE)?;
    let name = written.as_deref().unwrap_or(HOST);
    let url: Option<Url> = format!("http://{name}/{TOKEN}").parse().ok();
    let is_valid = |url: &Url| is_near(url) && url.path().trim_start_matches('/') == TOKEN;
    url.filter(is_valid).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            format_args!("{VARIABLE} is not the host of a metadata server"),
        )
        .with_origin(&Origin::variable(VARIABLE))
        .with_help("set it to a link-local or loopback address, or unset it")
    })
}

/// Requests a token of the machine's service account.
///
/// # Errors
/// `Unavailable` if there is no metadata server, or if it refuses.
pub(crate) async fn token(scopes: &[String], host: &Host) -> Result<Credential> {
    let mut url = address(host)?;
    url.query_pairs_mut().append_pair("scopes", &scopes.join(","));
    let now = host.now().wall;
    let whom = "the metadata server of Google";
    let google = HeaderValue::from_static("Google");
    let headers = HeaderMap::from_iter([(FLAVOR, google.clone())]);
    let answer = get(&url, headers, whom, NOWHERE, host).await?;
    if answer.headers.get(FLAVOR) != Some(&google) {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format_args!("what answers at the address of {whom} is not one"),
        )
        .with_help(NOWHERE));
    }
    let read = token::read(&answer, &[], whom, now);
    if answer.status == StatusCode::NOT_FOUND {
        return read
            .map_err(|error| error.with_help("give the machine, or the pod, a service account of Google"));
    }
    read
}

const NOWHERE: &str = "there are no application default credentials: run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS";
