//! The HTTP client of the AWS SDK: reqwest with Kubex's trust, proxies and limits.

use std::fmt::{self, Debug};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use kubex_core::secret::SecretBuffer;
use kubex_core::text::messages;
use kubex_core::{CaBundle, Host, Result, Trust};
use kubex_tls::{LARGEST_RESPONSE_TEXT, check_destination, read_body};
use reqwest::Client;
use rustls::ClientConfig;

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
            tls: kubex_tls::http_client_config(&authorities.map_or(Trust::System, Trust::CaBundle))?,
            host: host.clone(),
        })
    }

    fn client(&self, settings: &HttpConnectorSettings) -> reqwest::Result<Client> {
        // `send` refuses an invalid proxy.
        let mut client = kubex_tls::http_client_builder(self.tls.clone(), &self.host)
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
        SharedHttpConnector::new(Connection {
            client: self.client(settings).map_err(|error| messages(&error)),
            host: self.host.clone(),
        })
    }
}

/// The client for one set of time limits, or why it could not be built.
#[derive(Debug)]
struct Connection {
    client: Result<Client, String>,
    host: Host,
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, host) = (self.client.clone(), self.host.clone());
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::user(error.into()))?;
            send(&client, request, &host).await
        })
    }
}

async fn send(client: &Client, request: HttpRequest, host: &Host) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    // It may contain the token of a web identity.
    let mut sent = SecretBuffer::default();
    sent.append(body.bytes().unwrap_or_default());
    let request = http::Request::from_parts(parts, Bytes::from_owner(sent));
    let request = reqwest::Request::try_from(request).map_err(|error| ConnectorError::user(error.into()))?;
    check_destination(request.url(), &OF_AWS, host)
        .map_err(|error| ConnectorError::user(messages(&error).into()))?;
    let mut response = client.execute(request).await.map_err(failed)?;
    let mut answer = http::Response::new(());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    let body = read_body(&mut response).await.map_err(failed)?;
    let body = body.ok_or_else(|| {
        let message = format!("the response is larger than {LARGEST_RESPONSE_TEXT}");
        ConnectorError::user(message.into())
    })?;
    HttpResponse::try_from(answer.map(|()| SdkBody::from(Bytes::from_owner(body))))
        .map_err(|error| ConnectorError::user(error.into()))
}

/// IMDS, and the endpoint of EKS Pod Identity.
const OF_AWS: [&str; 2] = ["fd00:ec2::254", "fd00:ec2::23"];

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
