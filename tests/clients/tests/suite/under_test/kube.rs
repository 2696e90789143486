//! `kubex::kube::client`: kube's own client.

use kubex::ClientConfiguration;

use super::{Answer, Body, ClientUnderTest, Failure, Request};

#[derive(Clone)]
pub(crate) struct Kube(kube::Client);

impl ClientUnderTest for Kube {
    const NAME: &str = "kube";

    fn new(configuration: &ClientConfiguration) -> kubex::Result<Self> {
        kubex::kube::client(configuration).map(Self)
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let Body::InMemory(text) = request.body else {
            panic!("kube has no public stream for a body")
        };
        let request = request.to_http(&request.target, text.as_bytes().to_vec().into());
        let sent = self.0.send(request).await.map_err(|error| match error {
            kube::Error::Service(error) => Failure(error),
            other => Failure(Box::new(other)),
        })?;
        Answer::read(sent).await
    }
}
