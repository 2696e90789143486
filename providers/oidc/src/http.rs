//! Requests to the issuer: with its own trust, no redirects and limited responses.
//!
//! Connections are opened for one refresh and closed after it: refreshes are rare, and each one uses the current
//! content of the CA file.

use std::error::Error as StdError;
use std::io;

use bytes::Bytes;
use kubex_core::secret::SecretBuffer;
use kubex_core::text::{causes, messages};
use kubex_core::{CaBundle, Error, ErrorKind, Host, Proxy, Result, Trust};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use url::Url;
use zeroize::Zeroizing;

/// The maximum size of a response, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Sends the requests of one refresh.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    host: Host,
}

/// A complete response. Its body may contain tokens.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: SecretBuffer,
}

impl Http {
    /// Trusts only these certificate authorities, or the system's if there are none. It uses the proxy of the host's
    /// environment, as kubectl does; a kubeconfig's `proxy-url` applies to the cluster and not to the issuer.
    ///
    /// # Errors
    /// `InvalidPem` or `Unsupported` if the TLS library does not accept the certificate authorities.
    pub(crate) fn new(authorities: Option<&CaBundle>, host: &Host) -> Result<Self> {
        let trust = authorities.map_or(Trust::System, |bundle| Trust::CaBundle(bundle.clone()));
        let client = kubex_tls::http_client(&trust, host)?;
        Ok(Self {
            client,
            host: host.clone(),
        })
    }

    /// An invalid proxy is an error before a request is sent.
    fn check_proxy(&self, url: &Url) -> Result<()> {
        Proxy::from_environment(url, &self.host).map(drop)
    }

    /// Requests a document. `whom` is the name of the server in errors.
    pub(crate) async fn get(&self, url: &Url, whom: &str) -> Result<Answer> {
        self.check_proxy(url)?;
        receive(self.client.get(url.clone()), whom).await
    }

    /// Sends a form, whose bytes are wiped once they are sent.
    pub(crate) async fn post(
        &self,
        url: &Url,
        authorization: Option<HeaderValue>,
        form: Zeroizing<String>,
        whom: &str,
    ) -> Result<Answer> {
        self.check_proxy(url)?;
        let mut request = self
            .client
            .post(url.clone())
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .body(Bytes::from_owner(Form(form)));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        receive(request, whom).await
    }
}

struct Form(Zeroizing<String>);

impl AsRef<[u8]> for Form {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Sends the request and reads the response to its end or to the size limit.
async fn receive(request: RequestBuilder, whom: &str) -> Result<Answer> {
    let failed = |error| failed(whom, error);
    let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    let mut body = SecretBuffer::default();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if !body.append_within(LARGEST_ANSWER, &chunk) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format_args!("the response of {whom} is larger than 1 MiB"),
            ));
        }
    }
    Ok(Answer { status, body })
}

/// The message of reqwest's error and its causes. The error itself is not kept as the source, because it may quote a
/// URL.
fn failed(whom: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let failed = Error::new(
        ErrorKind::Unavailable,
        format_args!("the request to {whom} failed: {}", messages(&error)),
    );
    if causes(&error).any(is_about_a_certificate) {
        failed.with_help("check that \"idp-certificate-authority\" is the CA of the issuer")
    } else {
        failed
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
