//! `kubex::tower::AuthLayer` over hyper, whose connector has the configuration of `kubex::rustls`.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kubex::tower::{Auth, AuthLayer};
use kubex::{ClientConfiguration, ServerUrl};
use tower_layer::Layer as _;
use tower_service::Service as _;

use super::{Answer, Body, ClientUnderTest, Failure, Request};

/// A body in memory, which can be copied, or one that is taken for a stream.
pub(super) type HyperBody = Either<Full<Bytes>, Full<Bytes>>;
pub(super) type Copy = fn(&HyperBody) -> Option<HyperBody>;
type Hyper = Client<HttpsConnector<HttpConnector>, HyperBody>;

#[derive(Clone)]
pub(crate) struct Tower {
    service: Auth<Hyper, Copy>,
    server: ServerUrl,
}

pub(super) fn hyper_body(body: &Body) -> HyperBody {
    match body {
        Body::InMemory(text) => Either::Left(Full::new(Bytes::from_static(text.as_bytes()))),
        Body::Stream(text) => Either::Right(Full::new(Bytes::from_static(text.as_bytes()))),
    }
}

pub(super) fn copy(body: &HyperBody) -> Option<HyperBody> {
    match body {
        Either::Left(body) => Some(Either::Left(body.clone())),
        Either::Right(_) => None,
    }
}

impl ClientUnderTest for Tower {
    const NAME: &str = "tower";
    const CONNECTS: bool = false;

    fn new(configuration: &ClientConfiguration) -> kubex::Result<Self> {
        let mut tls = kubex::rustls::client_config(configuration)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = FixedServerNameResolver::new(kubex::rustls::server_name(configuration)?);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnector::new(tcp, tls, false, Arc::new(name));
        let hyper = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self {
            service: AuthLayer::new(configuration).replaying(copy as Copy).layer(hyper),
            server: configuration.cluster().server.clone(),
        })
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let target = if request.has_whole_url() {
            request.target.clone()
        } else {
            // As a program does that puts the path below the server's address by itself.
            format!("{}{}", self.server.as_str().trim_end_matches('/'), request.target)
        };
        let request = request.to_http(&target, hyper_body(&request.body));
        let mut service = self.service.clone();
        std::future::poll_fn(|context| service.poll_ready(context))
            .await
            .map_err(Failure)?;
        let answer = service.call(request).await.map_err(Failure)?;
        Answer::read(answer).await
    }
}
