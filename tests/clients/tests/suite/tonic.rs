//! tonic's client over the layer. Its bodies are streams and cannot be sent twice, so a 401 is passed on, and the next
//! call is good.

use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::Version;
use http::uri::PathAndQuery;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kubex::Impersonation;
use kubex::tower::AuthLayer;
use kubex_tests::api_server::User;
use kubex_tests::machine::patience;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};
use tower_layer::Layer as _;

use crate::scene::*;

/// Messages as the bytes they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

#[tokio::test]
async fn a_call_carries_the_current_credential_and_a_401_is_followed_by_a_good_one() {
    let server = server(Version::HTTP_2).await;
    server.accept_token("new", User::new("jane"));
    let source = Playback::of([bearer("old"), bearer("new")]);
    let configuration = built(
        configure(&server)
            .source(source.clone())
            .impersonation(Some(Impersonation::new("joe"))),
    );
    let mut tls = kubex::rustls::client_config(&configuration).unwrap();
    let name = FixedServerNameResolver::new(kubex::rustls::server_name(&configuration).unwrap());
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let connector = HttpsConnector::new(tcp, tls, true, Arc::new(name));
    let hyper: Client<_, tonic::body::Body> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector);
    let service = AuthLayer::new(&configuration).layer(hyper);
    let mut grpc = Grpc::with_origin(service, server.url().parse().unwrap());

    let path = PathAndQuery::from_static("/example.Greeter/Greet");
    // The server does not speak gRPC, so tonic returns its status as an error: 404 once the caller is known.
    for expected in ["401 Unauthorized", "404 Not Found"] {
        grpc.ready().await.unwrap();
        let call = grpc.unary(Request::new(Bytes::from("hello")), path.clone(), Raw);
        let status = tokio::time::timeout(patience(LIMIT), call)
            .await
            .unwrap()
            .unwrap_err();
        assert!(status.message().contains(expected), "{status:?}");
    }
    assert_eq!(source.fetches(), 2);
    let requests = server.requests();
    let tokens: Vec<_> = requests.iter().map(|request| request.bearer_token()).collect();
    assert_eq!(tokens, [Some("old"), Some("new")]);
    for request in &requests {
        assert_eq!(request.version, Version::HTTP_2);
        assert!(request.body.ends_with(b"hello"));
    }
    assert_eq!(requests[1].user.as_deref(), Some("joe"));
    server.shutdown().await;
}
