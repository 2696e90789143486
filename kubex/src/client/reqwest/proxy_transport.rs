//! Kubex's own connections for reqwest's requests, for proxy settings that reqwest does not support.

use std::error::Error as StdError;
use std::task::{Context, Poll};

use ::reqwest::header::{ACCEPT, HeaderValue};
use ::reqwest::{Body, Request, Response, ResponseBuilderExt as _, Url};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use kubex_core::{Cluster, Host, Result};
use tower_http::decompression::Decompression;
use tower_http::follow_redirect::policy::{Action, Attempt, Policy};
use tower_http::follow_redirect::{FollowRedirect, RequestUri};
use tower_layer::Layer as _;
use tower_service::Service;

use super::super::connector::{Sender, compression, over};
use super::super::rustls::Tls;
use super::alias::asks_for_another_name;
use super::request::default_header;
use super::setup::{MAX_REDIRECTS, is_http};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Whether Kubex connects instead of reqwest, which would send the wrong server name, or send the client certificate to
/// the proxy: it uses one TLS configuration for the proxy and the server, and takes the server's name from the URL. Through a
/// proxy, it also takes the brackets of an IPv6 address for a part of the name, and its errors lack the status that an HTTP
/// proxy refused with.
pub(super) fn is_beyond_reqwest(cluster: &Cluster) -> bool {
    cluster.server.is_encrypted()
        && cluster.proxy.as_ref().is_some_and(|proxy| {
            let host = cluster.server.url().host_str();
            is_http(proxy) || asks_for_another_name(cluster) || host.is_some_and(|host| host.starts_with('['))
        })
}

/// Sends over Kubex's own connections, and follows redirects and decompresses responses like reqwest. Clones share
/// their connections.
#[derive(Clone)]
pub(super) struct ProxyTransport(FollowRedirect<Decompression<Connections>, SameOrigin>);

impl ProxyTransport {
    /// Opens no connection before the first request.
    pub(super) fn new(cluster: &Cluster, tls: &Tls) -> Result<Self> {
        let connections = Connections(over(cluster, tls, &[b"h2", b"http/1.1"])?);
        let redirects = SameOrigin { left: MAX_REDIRECTS };
        let decompressed = compression(cluster).layer(connections);
        Ok(Self(FollowRedirect::with_policy(decompressed, redirects)))
    }

    pub(super) async fn send(&self, mut request: Request) -> std::result::Result<Response, BoxError> {
        let limit = request.timeout().copied();
        let mut url = request.url().clone();
        // reqwest's default.
        default_header(&mut request, ACCEPT, HeaderValue::from_static("*/*"))?;
        let request: http::Request<Body> = request
            .try_into()
            .map_err(|error: ::reqwest::Error| error.without_url())?;
        let sent = self.0.clone().call(request);
        let mut answer = match limit {
            None => sent.await?,
            // The sockets are real, so this timeout uses the real clock.
            Some(limit) => Host::real()
                .within(limit, sent)
                .await
                .map_err(|_| format!("no response within {} s", limit.as_secs_f32()))??,
        };
        if let Some(RequestUri(last)) = answer.extensions_mut().remove()
            && let Ok(last) = last.to_string().parse()
        {
            url = last;
        }
        // reqwest keeps the URL of a response in an extension that only its builder can create.
        if let Ok(known) = http::Response::builder().url(url).body(()) {
            answer.extensions_mut().extend(known.into_parts().0.extensions);
        }
        Ok(answer.map(Body::wrap).into())
    }
}

/// The connections, as a service.
#[derive(Clone)]
struct Connections(Sender<Body>);

impl Service<http::Request<Body>> for Connections {
    type Response = http::Response<Incoming>;
    type Error = legacy::Error;
    type Future = legacy::ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), legacy::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> legacy::ResponseFuture {
        (self.0)(request)
    }
}

/// Follows a limited number of redirects within one origin, and returns all other redirects to the caller.
#[derive(Clone)]
struct SameOrigin {
    left: usize,
}

impl<E> Policy<Body, E> for SameOrigin {
    fn redirect(&mut self, attempt: &Attempt<'_>) -> std::result::Result<Action, E> {
        let origin = |uri: &http::Uri| uri.to_string().parse().map(|url: Url| url.origin()).ok();
        let stays = origin(attempt.previous()).is_some_and(|it| Some(it) == origin(attempt.location()));
        if !stays || self.left == 0 {
            return Ok(Action::Stop);
        }
        self.left -= 1;
        Ok(Action::Follow)
    }

    fn clone_body(&self, body: &Body) -> Option<Body> {
        body.as_bytes().map(|bytes| bytes.to_vec().into())
    }
}
