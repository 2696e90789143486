//! The HTTP client of the AWS SDK: reqwest with Kubex's trust, proxies and limits.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use kubex_core::text::messages;
use kubex_core::{CaBundle, Error, ErrorKind, Host, Proxy, Result, Trust};
use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::ClientConfig;

/// The maximum size of a response, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// The connect timeout, unless the SDK asks for another one.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Sends the requests of the SDK.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: ClientConfig,
    host: Host,
}

impl Connector {
    /// Trusts only these certificate authorities, or the system's if there are none.
    ///
    /// # Errors
    /// `InvalidPem` or `Unsupported` if the TLS library does not accept them.
    pub(crate) fn new(authorities: Option<CaBundle>, host: &Host) -> Result<Self> {
        Ok(Self {
            tls: tls(authorities)?,
            host: host.clone(),
        })
    }

    fn client(&self, settings: &HttpConnectorSettings) -> reqwest::Result<Client> {
        let host = self.host.clone();
        // A proxy of the environment is for AWS, and not for the metadata services, which are http and near.
        let proxy = reqwest::Proxy::custom(move |address| {
            if address.scheme() != "https" {
                return None;
            }
            let proxy = Proxy::from_environment(address, &host).ok().flatten()?;
            Some(proxy.expose_url().clone())
        });
        let mut client = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .redirect(Policy::none())
            .referer(false)
            .proxy(proxy)
            .connect_timeout(settings.connect_timeout().unwrap_or(CONNECT_LIMIT));
        if let Some(limit) = settings.read_timeout() {
            client = client.read_timeout(limit);
        }
        client.build()
    }
}

/// The TLS configuration is not shown.
impl Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connection(
            self.client(settings).map_err(|error| messages(&error)),
        ))
    }
}

/// The client for one set of time limits, or why it could not be built.
#[derive(Debug)]
struct Connection(Result<Client, String>);

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::user(error.into()))?;
            send(&client, request).await
        })
    }
}

async fn send(client: &Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.bytes().unwrap_or_default().to_vec();
    let request = http::Request::from_parts(parts, body);
    let request = reqwest::Request::try_from(request).map_err(|error| ConnectorError::user(error.into()))?;
    let mut response = client.execute(request).await.map_err(failed)?;
    let mut answer = http::Response::new(());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(ConnectorError::user("the response is larger than 1 MiB".into()));
        }
        body.extend_from_slice(&chunk);
    }
    HttpResponse::try_from(answer.map(|()| SdkBody::from(body)))
        .map_err(|error| ConnectorError::user(error.into()))
}

/// The SDK decides by this whether it tries again.
fn failed(error: reqwest::Error) -> ConnectorError {
    let (is_timeout, is_user) = (error.is_timeout(), error.is_builder() || error.is_request());
    let error = error.without_url();
    let is_connect = error.is_connect();
    let message = messages(&error).into();
    if is_timeout {
        ConnectorError::timeout(message)
    } else if is_connect || !is_user {
        ConnectorError::io(message)
    } else {
        ConnectorError::user(message)
    }
}

/// A rustls configuration with an explicit provider: rustls has no default if two providers are compiled in.
fn tls(authorities: Option<CaBundle>) -> Result<ClientConfig> {
    let unsupported = |error: rustls::Error| {
        Error::new(
            ErrorKind::Unsupported,
            format_args!("TLS cannot be set up: {error}"),
        )
    };
    let provider = kubex_tls::default_provider()?;
    let trust = authorities.map_or(Trust::System, Trust::CaBundle);
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unsupported)?
        .dangerous()
        .with_custom_certificate_verifier(kubex_tls::verifier(&trust, &provider)?)
        .with_no_client_auth();
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
}
