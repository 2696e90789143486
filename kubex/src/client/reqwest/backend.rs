//! Sends reqwest's requests. It uses connections of Kubex if reqwest does not support the proxy settings.

use std::error::Error as StdError;
use std::fmt;

use ::reqwest::header::HeaderMap;
use ::reqwest::{Request, Response};
use kubex_core::{Cluster, Result};

use super::super::pool::HttpBackend;
use super::super::rustls::Tls;
use super::alias::Alias;
use super::proxy_transport::{ProxyTransport, is_beyond_reqwest};
use super::setup;

/// Connects and sends with reqwest.
pub(super) struct ReqwestBackend;

/// Connections with one client certificate and one trust.
#[derive(Clone)]
pub(super) enum Connections {
    /// The alias is the TLS server name, if it differs from the host of the URL.
    Reqwest(::reqwest::Client, Option<Alias>),
    ProxyTransport(ProxyTransport),
}

impl HttpBackend for ReqwestBackend {
    type Connections = Connections;
    type Request = Request;
    type Response = Response;
    type Error = Failure;

    fn connect(cluster: &Cluster, tls: &Tls) -> Result<Connections> {
        if is_beyond_reqwest(cluster) {
            return ProxyTransport::new(cluster, tls).map(Connections::ProxyTransport);
        }
        let bare = tls.without_certificate()?;
        let tls = if cluster.server.is_encrypted() { tls } else { &bare };
        // The pool decides which requests are retried, because it knows the credential.
        let alias = Alias::from_cluster(cluster);
        let builder = setup::builder(cluster, tls, alias.clone())?.retry(::reqwest::retry::never());
        setup::build(builder).map(|client| Connections::Reqwest(client, alias))
    }

    async fn send(connections: &Connections, mut request: Request) -> std::result::Result<Response, Failure> {
        match connections {
            Connections::Reqwest(client, alias) => {
                if let Some(alias) = alias {
                    alias
                        .apply(&mut request)
                        .map_err(|error| Failure(Box::new(error)))?;
                }
                match client.execute(request).await {
                    Ok(response) => Ok(response),
                    Err(error) => Err(Failure(Box::new(error.without_url()))),
                }
            }
            // Boxed to keep the other variant small.
            Connections::ProxyTransport(transport) => {
                Box::pin(transport.send(request)).await.map_err(Failure)
            }
        }
    }

    fn copy(&self, request: &Request) -> Option<Request> {
        request.try_clone()
    }

    fn headers_mut(request: &mut Request) -> &mut HeaderMap {
        request.headers_mut()
    }
}

/// The error of either variant; its sources are the reasons.
#[derive(Debug)]
pub(super) struct Failure(Box<dyn StdError + Send + Sync>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.0.as_ref())
    }
}
