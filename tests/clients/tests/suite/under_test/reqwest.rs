//! `kubex::reqwest::Client`.

use bytes::Bytes;
use http::Version;
use http_body_util::Full;
use kubex::ClientConfiguration;
use kubex::reqwest::Client;

use super::{Answer, Body, ClientUnderTest, Failure, Request};

#[derive(Clone)]
pub(crate) struct Reqwest(Client);

impl Reqwest {
    async fn try_send(&self, request: Request) -> kubex::Result<Answer> {
        let body = match request.body {
            Body::InMemory(text) => text.into(),
            Body::Stream(text) => kubex::reqwest::Body::wrap(Full::new(Bytes::from_static(text.as_bytes()))),
        };
        let sent = if request.has_whole_url() {
            let url = request.target.parse().unwrap();
            let mut whole = reqwest::Request::new(request.method, url);
            *whole.body_mut() = Some(body);
            self.0.execute(whole).await?
        } else {
            let mut builder = self.0.request(request.method, &request.target)?.body(body);
            for (name, value) in request.headers {
                builder = builder.header(name, value);
            }
            builder.send().await?
        };
        Ok(Answer {
            status: sent.status(),
            headers: sent.headers().clone(),
            body: sent.bytes().await?,
        })
    }
}

impl ClientUnderTest for Reqwest {
    const NAME: &str = "reqwest";
    const ASKS_FOR_A_NAME_OVER: Option<Version> = Some(Version::HTTP_11);

    fn new(configuration: &ClientConfiguration) -> kubex::Result<Self> {
        Client::new(configuration).map(Self)
    }

    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        self.try_send(request)
            .await
            .map_err(|error| Failure(Box::new(error)))
    }
}
