//! `kubex::hyper::client`: a tower service over connections of Kubex.

use http_body_util::{BodyExt as _, Full};
use kubex::ClientConfiguration;
use kubex::hyper::{Client, client_replaying};
use kubex::rustls::CryptoChoice;
use tower_service::Service as _;

use super::tower::{Copy, HyperBody, copy};
use super::{Answer, Body, Bytes, ClientUnderTest, Either, Failure, Request};

#[derive(Clone)]
pub(crate) struct Hyper(Client<HyperBody, Copy>);

impl ClientUnderTest for Hyper {
    const NAME: &str = "hyper";
    const COMPRESSES: bool = false;

    fn new(configuration: &ClientConfiguration) -> kubex::Result<Self> {
        client_replaying(configuration, copy as Copy, CryptoChoice::Automatic).map(Self)
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let body = match request.body {
            Body::InMemory(text) => Either::Left(Full::new(Bytes::from_static(text.as_bytes()))),
            Body::Stream(text) => Either::Right(Full::new(Bytes::from_static(text.as_bytes()))),
        };
        let answer = self
            .0
            .clone()
            .call(request.to_http(&request.target, body))
            .await
            .map_err(Failure)?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| Failure(Box::new(error)))?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}
