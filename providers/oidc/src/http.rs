//! Requests to the issuer: its own trust, no redirects, bounded answers.
//!
//! Connections are made for one refresh and closed after it: a refresh is rare, and this way each sees the
//! authorities as they are in their file by then.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kubex_core::text::{Mask, clean_line};
use kubex_core::{CaBundle, Error, ErrorKind, Host, Proxy, Result};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use url::Url;
use zeroize::Zeroizing;

/// The largest answer that is read.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// How long it may take to connect, so that of several addresses the next one still has its turn.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// What sends the requests of one refresh.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    host: Host,
}

/// An answer that came whole. Its body may hold tokens.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Http {
    /// Trusts these authorities and no other, or the system's where there are none. It takes the proxy that the
    /// host's environment names, as kubectl does; a kubeconfig's `proxy-url` is the cluster's and not the issuer's.
    ///
    /// # Errors
    /// `InvalidPem` or `Unsupported` where the TLS library does not take the authorities.
    pub(crate) fn new(authorities: Option<&CaBundle>, host: &Host) -> Result<Self> {
        let world = host.clone();
        // One that is unfit is found before a request is sent.
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
                format_args!("the HTTP client could not be made: {error}"),
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

    /// Asks for a document. `whom` names who is asked in an error.
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

/// Sends the request and reads the answer to its end or to the bound.
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
                format_args!("{whom} answered with more than 1 MiB"),
            ));
        }
        append(&mut body, &chunk);
    }
    Ok(Answer { status, body })
}

/// Appends without leaving a copy behind where the buffer has to move.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    if body.capacity() - body.len() < chunk.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((body.len() + chunk.len()) * 2));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

/// A rustls configuration with the provider named: a process that has two compiled in has no default.
fn tls(authorities: Option<&CaBundle>) -> Result<ClientConfig> {
    let unsupported = |error: rustls::Error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("TLS cannot be set up: {error}"),
        )
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unsupported)?;
    let mut config = match authorities {
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            let certificates = authorities.certificates().iter().cloned();
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(Error::new(
                    ErrorKind::InvalidPem,
                    "the issuer's certificate authority holds no X.509 certificate",
                ));
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(
                rustls_platform_verifier::Verifier::new(provider).map_err(unsupported)?,
            ))
            .with_no_client_auth(),
    };
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
}

/// What reqwest says, with the reasons behind it. Its own error is not kept as the cause: it may quote a URL.
fn failed(whom: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut is_untrusted = false;
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Errors of one chain often repeat the text of the next.
        if !reason.ends_with(&text) {
            reason.push_str(": ");
            reason.push_str(&text);
        }
        is_untrusted |= is_about_a_certificate(next);
        cause = next.source();
    }
    let reason = Mask::new().apply(&clean_line(&reason));
    let failed = Error::new(
        ErrorKind::Unavailable,
        format_args!("{whom} could not be asked: {reason}"),
    );
    if is_untrusted {
        failed.with_help("check that \"idp-certificate-authority\" is the issuer's")
    } else {
        failed
    }
}

fn is_about_a_certificate(cause: &(dyn StdError + 'static)) -> bool {
    // The TLS stream wraps its error as one of input and output, perhaps twice, and that names the error's own
    // source as its own: the error itself is found within only.
    match cause.downcast_ref::<io::Error>() {
        Some(wrapper) => wrapper
            .get_ref()
            .is_some_and(|wrapped| is_about_a_certificate(wrapped)),
        None => matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
    }
}
