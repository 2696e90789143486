//! `kubex::hyper::client`: a tower service over connections of Kubex.

use kubex::ClientConfiguration;
use kubex::hyper::{Client, client_replaying};
use kubex::rustls::CryptoChoice;
use tower_service::Service as _;

use super::tower::{Copy, HyperBody, copy, hyper_body};
use super::{Answer, ClientUnderTest, Failure, Request};

#[derive(Clone)]
pub(crate) struct Hyper(Client<HyperBody, Copy>);

impl ClientUnderTest for Hyper {
    const NAME: &str = "hyper";
    const COMPRESSES: bool = false;

    fn new(configuration: &ClientConfiguration) -> kubex::Result<Self> {
        client_replaying(configuration, copy as Copy, CryptoChoice::Automatic).map(Self)
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let answer = self
            .0
            .clone()
            .call(request.to_http(&request.target, hyper_body(&request.body)))
            .await
            .map_err(Failure)?;
        Answer::read(answer).await
    }
}
