//! Requests to an issuer of tokens: only https, no redirects, and a size limit for responses. Errors do not contain
//! responses.
//!
//! Connections are opened for one renewal of a credential and closed after it. Renewals are rare, and each one should
//! use the current content of the CA file.
//!
//! ```
//! use kubex_core::{Credential, Error, ErrorKind, FetchRequest, Result, SecretString};
//! use kubex_tls::issuer::{IssuerClient, IssuerRequest, Url, issuer_trust};
//!
//! /// The `fetch` of a provider for a vault. `vault` is checked by `parse_address` when the provider is built.
//! async fn fetch(vault: &Url, login: &SecretString, request: FetchRequest<'_>) -> Result<Credential> {
//!     let trust = issuer_trust(None, request.host).await?; // or `Some`, with the `Pem` of an option
//!     let client = IssuerClient::new(&trust, "vault-certificate-authority", request.host)?;
//!     let role = r#"{"role": "deployer"}"#.to_owned();
//!     let asked = IssuerRequest::post(vault).bearer(login)?.json(role);
//!     let response = client.send(asked, "the vault").await?;
//!     let token = std::str::from_utf8(&response.body).unwrap_or_default().trim();
//!     if !response.status.is_success() || token.is_empty() {
//!         let message = format_args!("the vault returned no token: {}", response.status);
//!         return Err(Error::new(ErrorKind::Unavailable, message).with_help("check the login"));
//!     }
//!     Credential::bearer(token.into())
//! }
//! ```
//!
//! [`IssuerClient::send`] is for JSON and for headers of your own, [`IssuerClient::post`] for forms. The directory
//! `examples/own_provider` of the repository contains a whole provider with its tests.
//!
//! | question | answer |
//! |---|---|
//! | time limit | that of the whole fetch, [`CredentialSource::deadline`](kubex_core::CredentialSource::deadline): 30 s unless the provider returns another one. Connecting to one address takes at most 10 s |
//! | crypto provider | the program's: the crate `kubex` has the features `aws-lc-rs` (a default) and `ring`. A provider enables neither, except in its dev-dependencies, on `kubex-tls` |
//! | names of options | `timeout`, `cache` and the other keys of every source are Kubex's, as are `server`, `certificate-authority` and the other keys of the cluster. Give yours a prefix: `vault-certificate-authority` |

mod request;

use std::error::Error as StdError;
use std::fmt;
use std::io;

use bytes::Bytes;
use kubex_core::options::Pem;
use kubex_core::secret::SecretBuffer;
use kubex_core::text::{causes, messages};
use kubex_core::{Credential, Error, ErrorKind, ExposeSecret, Host, Proxy, Result, SecretString, Trust};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use url::form_urlencoded;
use zeroize::Zeroizing;

pub use request::IssuerRequest;
pub use url::Url;

use crate::{LARGEST_RESPONSE_TEXT, http_client, read_body};

/// Returns the trust for requests to an issuer: the CA bundle in `authority`, or the system's trust store if it is
/// `None`.
///
/// # Errors
/// Returns the errors of [`Pem::load_ca_bundle`].
pub async fn issuer_trust(authority: Option<&Pem>, host: &Host) -> Result<Trust> {
    let Some(pem) = authority else {
        return Ok(Trust::System);
    };
    let bundle = pem.load_ca_bundle(host, "the issuer's certificate authority");
    bundle.await.map(Trust::CaBundle)
}

/// An HTTP client for the requests of one renewal of a credential.
#[derive(Debug)]
pub struct IssuerClient {
    client: Client,
    host: Host,
    authority_option: &'static str,
}

/// A complete response of an issuer. Its body may contain tokens.
#[derive(Debug)]
pub struct IssuerResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The whole body.
    pub body: SecretBuffer,
}

impl IssuerClient {
    /// Creates a client with this trust. It uses the proxy in the host's environment variables, as kubectl does. A
    /// kubeconfig's `proxy-url` applies to the cluster and not to the issuer. `authority_option` is the name of the
    /// option that sets the trust, for errors.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidPem`] or [`ErrorKind::Unsupported`] if the TLS library does not accept the CA
    /// bundle.
    pub fn new(trust: &Trust, authority_option: &'static str, host: &Host) -> Result<Self> {
        Ok(Self {
            client: http_client(trust, host)?,
            host: host.clone(),
            authority_option,
        })
    }

    /// Requests a document. `whom` is the name of the server in errors. Returns the response whatever its status is.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`]: there is no response, or it is too large.
    /// - The error of [`Proxy::from_environment`], if the proxy in the variables is not valid.
    pub async fn get(&self, url: &Url, whom: &str) -> Result<IssuerResponse> {
        self.check_proxy(url)?;
        self.receive(self.client.get(url.clone()), whom).await
    }

    /// Sends a form with `POST`. `whom` is the name of the server in errors.
    ///
    /// # Errors
    /// Returns the errors of [`get`](Self::get).
    pub async fn post(
        &self,
        url: &Url,
        authorization: Option<HeaderValue>,
        form: Form,
        whom: &str,
    ) -> Result<IssuerResponse> {
        self.check_proxy(url)?;
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut request = self.client.post(url.clone()).header(CONTENT_TYPE, content_type);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.receive(request.body(Bytes::from_owner(form)), whom).await
    }

    /// Sends a request with headers of its own, or with a JSON body. `whom` is the name of the server in errors. A response
    /// with any status is returned, not only one with a success status.
    ///
    /// # Errors
    /// Returns the errors of [`get`](Self::get).
    pub async fn send(&self, request: IssuerRequest, whom: &str) -> Result<IssuerResponse> {
        self.check_proxy(&request.url)?;
        self.receive(request.of(&self.client), whom).await
    }

    /// An invalid proxy is an error before a request is sent.
    fn check_proxy(&self, url: &Url) -> Result<()> {
        Proxy::from_environment(url, &self.host).map(drop)
    }

    /// Sends the request and reads the response to its end or to the size limit.
    async fn receive(&self, request: RequestBuilder, whom: &str) -> Result<IssuerResponse> {
        let failed = |error| self.failed(whom, error);
        let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let body = read_body(&mut response).await.map_err(failed)?;
        let body = body.ok_or_else(|| {
            Error::new(
                ErrorKind::Unavailable,
                format_args!("the response of {whom} is larger than {LARGEST_RESPONSE_TEXT}"),
            )
        })?;
        Ok(IssuerResponse { status, body })
    }

    /// The message of reqwest's error and its causes. The error itself is not kept as the source, because it may quote a
    /// URL.
    fn failed(&self, whom: &str, error: reqwest::Error) -> Error {
        let error = error.without_url();
        let failed = Error::new(
            ErrorKind::Unavailable,
            format_args!("the request to {whom} failed: {}", messages(&error)),
        );
        if causes(&error).any(is_about_a_certificate) {
            let option = self.authority_option;
            failed.with_help(format_args!("check that \"{option}\" is the CA of the issuer"))
        } else {
            failed
        }
    }
}

fn is_about_a_certificate(cause: &(dyn StdError + 'static)) -> bool {
    // The TLS stream wraps its error in an `io::Error`, possibly twice. The `source` of an `io::Error` skips the
    // wrapped error, so `get_ref` is used.
    match cause.downcast_ref::<io::Error>() {
        Some(wrapper) => wrapper
            .get_ref()
            .is_some_and(|wrapped| is_about_a_certificate(wrapped)),
        None => matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
    }
}

/// Parses the address of an issuer or of one of its endpoints. It must be an https URL without user name, password and
/// fragment; such a URL contains no secret. `what` is the name of the address in errors.
///
/// # Errors
/// Returns [`ErrorKind::InvalidValue`] if the address is not of this form. The error does not contain the address.
pub fn parse_address(what: &str, text: &str) -> Result<Url> {
    let invalid = |why: &str| Error::new(ErrorKind::InvalidValue, format_args!("{what} {why}"));
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(invalid("contains white space or a control character"));
    }
    let url = Url::parse(text).map_err(|error| {
        invalid(&format!("is not a valid URL: {error}")).with_help("write it as https://host/path")
    })?;
    if url.scheme() != "https" {
        return Err(invalid("is not https, so tokens would be sent in clear text")
            .with_help("write https:// in front of it"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("contains a user name or a password"));
    }
    if url.fragment().is_some() {
        return Err(invalid("contains a fragment"));
    }
    Ok(url)
}

/// The body of a form request, which may contain secrets. Its bytes are wiped after they are sent.
pub struct Form(Zeroizing<String>);

impl Form {
    /// Encodes these names and values as `application/x-www-form-urlencoded`.
    pub fn new(fields: &[(&str, &str)]) -> Self {
        let longest: usize = fields
            .iter()
            .map(|(name, value)| 3 * (name.len() + value.len()) + 2)
            .sum();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(longest));
        form.extend_pairs(fields);
        Self(Zeroizing::new(form.finish()))
    }
}

impl AsRef<[u8]> for Form {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form([REDACTED])")
    }
}

/// Creates the credential for the `Authorization` header of an OAuth client with a secret. Id and secret are
/// form-encoded before they are joined (RFC 6749, 2.3.1), so that they may contain colons.
///
/// # Errors
/// Returns [`ErrorKind::InvalidValue`] if the id is empty.
pub fn client_basic(id: &str, secret: &SecretString) -> Result<Credential> {
    let secret = form_encoded(secret.expose_secret());
    Credential::basic(&form_encoded(id), secret.as_str().into())
}

/// Encodes a text as `application/x-www-form-urlencoded`.
pub fn form_encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    encoded.extend(form_urlencoded::byte_serialize(text.as_bytes()));
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_encoded_before_they_are_joined() {
        let credential = client_basic("a:b c", &"p%:ü".into()).unwrap();
        let (name, password) = credential.basic_pair().unwrap();
        assert_eq!((name, password.expose_secret()), ("a%3Ab+c", "p%25%3A%C3%BC"));
    }

    #[test]
    fn a_form_fits_the_buffer_that_was_made_for_it_and_is_not_shown() {
        let value = "ü&=".repeat(1000);
        let form = Form::new(&[("refresh_token", &value), ("x", "")]);
        assert!(form.0.len() < form.0.capacity() && form.0.capacity() < 4 * value.len());
        let read: Vec<_> = form_urlencoded::parse(form.as_ref()).collect();
        assert_eq!(read[0], ("refresh_token".into(), value.into()));
        assert_eq!(format!("{form:?}"), "Form([REDACTED])");
    }
}
