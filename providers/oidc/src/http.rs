//! Requests to the issuer: with its own trust, no redirects and limited responses.
//!
//! Connections are opened for one refresh and closed after it: refreshes are rare, and each one uses the current
//! content of the CA file.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kubex_core::text::{causes, messages};
use kubex_core::{CaBundle, Error, ErrorKind, Host, Proxy, Result, Trust};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use rustls::ClientConfig;
use url::Url;
use zeroize::Zeroizing;

/// The maximum size of a response, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The connect timeout. It is short, so that the next address can be tried in time.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Sends the requests of one refresh.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    host: Host,
}

/// A complete response. Its body may contain tokens.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Http {
    /// Trusts only these certificate authorities, or the system's if there are none. It uses the proxy of the host's
    /// environment, as kubectl does; a kubeconfig's `proxy-url` applies to the cluster and not to the issuer.
    ///
    /// # Errors
    /// `InvalidPem` or `Unsupported` if the TLS library does not accept the certificate authorities.
    pub(crate) fn new(authorities: Option<&CaBundle>, host: &Host) -> Result<Self> {
        let world = host.clone();
        // An invalid proxy is an error before a request is sent.
        let proxy = reqwest::Proxy::custom(move |address| {
            let proxy = Proxy::from_environment(address, &world).ok().flatten()?;
            Some(proxy.expose_url().clone())
        });
        let client = Client::builder()
            .tls_backend_preconfigured(tls(authorities)?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .proxy(proxy)
            .build();
        let client = client.map_err(|error| {
            Error::new(
                ErrorKind::Unsupported,
                format_args!("the HTTP client could not be built: {error}"),
            )
        })?;
        Ok(Self {
            client,
            host: host.clone(),
        })
    }

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
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format_args!("the response of {whom} is larger than 1 MiB"),
            ));
        }
        append(&mut body, &chunk);
    }
    Ok(Answer { status, body })
}

/// Appends without leaving a copy behind if the buffer has to grow.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    if body.capacity() - body.len() < chunk.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((body.len() + chunk.len()) * 2));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

/// A rustls configuration with an explicit provider: rustls has no default if two providers are compiled in.
fn tls(authorities: Option<&CaBundle>) -> Result<ClientConfig> {
    let unsupported = |error: rustls::Error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("TLS cannot be set up: {error}"),
        )
    };
    let provider = kubex_tls::default_provider()?;
    let trust = authorities.map_or(Trust::System, |bundle| Trust::CaBundle(bundle.clone()));
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unsupported)?
        .dangerous()
        .with_custom_certificate_verifier(kubex_tls::verifier(&trust, &provider)?)
        .with_no_client_auth();
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
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
