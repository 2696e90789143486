//! How reqwest's requests travel: over its own connections, or over Kubex's where reqwest's would not do.

use std::error::Error as StdError;
use std::fmt;
use std::task::{Context, Poll};

use ::reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use ::reqwest::{Body, Request, Response, ResponseBuilderExt as _, Url};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use kubex_core::{Cluster, Host, Proxy, Result};
use tower_http::decompression::Decompression;
use tower_http::follow_redirect::policy::{Action, Attempt, Policy};
use tower_http::follow_redirect::{FollowRedirect, RequestUri};
use tower_layer::Layer as _;
use tower_service::Service;

use super::{Alias, MOST_REDIRECTS, asks_for_another_name, builder};
use crate::connector::{Sender, compression, over};
use crate::pool::Connect;
use crate::rustls::Tls;

/// How reqwest connects and sends.
pub(super) struct Reqwest;

/// Connections of one certificate and one trust.
#[derive(Clone)]
pub(super) struct Connections {
    /// Makes the requests, and sends them unless it is done in its place.
    pub(super) requests: ::reqwest::Client,
    instead: Option<Instead>,
}

/// Kubex's own connections, with what reqwest does above them.
type Instead = FollowRedirect<Decompression<Requests>, SameOrigin>;

/// Whether reqwest would ask for the wrong server, or show the client certificate to the proxy: it has one TLS
/// configuration for the proxy and for the server behind it, and takes the server's name from the URL.
pub(super) fn is_beyond_reqwest(cluster: &Cluster) -> bool {
    cluster.server.is_encrypted()
        && cluster
            .proxy
            .as_ref()
            .is_some_and(|proxy| is_encrypted(proxy) || asks_for_another_name(cluster))
}

/// Whether a proxy is spoken to by TLS.
pub(super) fn is_encrypted(proxy: &Proxy) -> bool {
    proxy.expose_url().scheme() == "https"
}

impl Connect for Reqwest {
    type Connections = Connections;
    type Request = Request;
    type Response = Response;
    type Error = Failure;

    fn connect(cluster: &Cluster, tls: &Tls) -> Result<Connections> {
        let is_beyond = is_beyond_reqwest(cluster);
        let instead = is_beyond
            .then(|| {
                let requests = Requests(over(cluster, tls, &[b"h2", b"http/1.1"])?);
                let followed = SameOrigin { left: MOST_REDIRECTS };
                Ok(FollowRedirect::with_policy(
                    compression(cluster).layer(requests),
                    followed,
                ))
            })
            .transpose()?;
        let bare = tls.without_certificate()?;
        let has_certificate = !is_beyond && cluster.server.is_encrypted();
        let tls = if has_certificate { tls } else { &bare };
        let alias = Alias::of(cluster).filter(|_| !is_beyond);
        // What is sent again is the pool's to decide, which knows of the credential.
        let builder = builder(cluster, tls, alias)?.retry(::reqwest::retry::never());
        Ok(Connections {
            requests: super::build(builder)?,
            instead,
        })
    }

    async fn send(connections: &Connections, request: Request) -> std::result::Result<Response, Failure> {
        match &connections.instead {
            None => match connections.requests.execute(request).await {
                Ok(response) => Ok(response),
                Err(error) => Err(Failure(Box::new(error.without_url()))),
            },
            // Boxed, so that whoever goes another way does not make room for it.
            Some(instead) => Box::pin(send_instead(instead.clone(), request)).await,
        }
    }

    fn copy(request: &Request) -> Option<Request> {
        request.try_clone()
    }

    fn headers_mut(request: &mut Request) -> &mut HeaderMap {
        request.headers_mut()
    }
}

async fn send_instead(mut instead: Instead, mut request: Request) -> std::result::Result<Response, Failure> {
    let limit = request.timeout().copied();
    let mut url = request.url().clone();
    // As reqwest does where nothing is said.
    request
        .headers_mut()
        .entry(ACCEPT)
        .or_insert(HeaderValue::from_static("*/*"));
    let request: http::Request<Body> = request
        .try_into()
        .map_err(|error: ::reqwest::Error| Failure(Box::new(error.without_url())))?;
    let sent = instead.call(request);
    let answer = match limit {
        None => sent.await,
        // The sockets are the machine's, and so is their time.
        Some(limit) => Host::real()
            .within(limit, sent)
            .await
            .map_err(|_| Failure(format!("no answer within {} s", limit.as_secs_f32()).into()))?,
    };
    let mut answer = answer.map_err(|error| Failure(Box::new(error)))?;
    if let Some(RequestUri(last)) = answer.extensions_mut().remove()
        && let Ok(last) = last.to_string().parse()
    {
        url = last;
    }
    // reqwest keeps the URL of an answer in an extension that only its builder can make.
    if let Ok(known) = http::Response::builder().url(url).body(()) {
        answer.extensions_mut().extend(known.into_parts().0.extensions);
    }
    Ok(answer.map(Body::wrap).into())
}

/// The bare requests.
#[derive(Clone)]
struct Requests(Sender<Body>);

impl Service<http::Request<Body>> for Requests {
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

/// Follows so many redirects that stay on one origin, and hands any other back to the caller.
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

/// What either way fails with; the reasons are its sources.
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
