//! The clients, as the scenarios see them.

mod hyper;
mod kube;
mod reqwest;
mod tower;

use std::error::Error as StdError;
use std::fmt::{self, Write as _};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};
use http_body_util::BodyExt;
use kubex::{ClientConfiguration, Error};

pub(crate) use self::hyper::Hyper;
pub(crate) use self::kube::Kube;
pub(crate) use self::reqwest::Reqwest;
pub(crate) use self::tower::Tower;

/// A client that sends requests with the credential of a configuration.
pub(crate) trait ClientUnderTest: Clone + Send + Sync + Sized + 'static {
    /// What the names of its tests begin with.
    const NAME: &str;
    /// Whether the connections are Kubex's: it then opens new ones for another certificate, sends again what the server
    /// has not looked at, and has errors of Kubex alone.
    const CONNECTS: bool = true;
    /// Whether it asks for compressed answers.
    const COMPRESSES: bool = true;
    /// Whether it asks for a `tls-server-name` over this protocol only; any, if none.
    const ASKS_FOR_A_NAME_OVER: Option<Version> = None;

    fn new(configuration: &ClientConfiguration) -> kubex::Result<Self>;

    fn send(&self, request: Request) -> impl Future<Output = Result<Answer, Failure>> + Send;
}

/// A request of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// A path below the server's address, or a whole URL.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    InMemory(&'static str),
    /// One that can be sent only once.
    Stream(&'static str),
}

impl Request {
    pub(crate) fn get(target: &str) -> Self {
        Self {
            method: Method::GET,
            target: target.to_owned(),
            headers: Vec::new(),
            body: Body::InMemory(""),
        }
    }

    pub(crate) fn post(target: &str, body: Body) -> Self {
        Self {
            method: Method::POST,
            body,
            ..Self::get(target)
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn has_whole_url(&self) -> bool {
        self.target.starts_with("http")
    }

    /// The request in the terms of `http`.
    fn to_http<B>(&self, target: &str, body: B) -> http::Request<B> {
        let mut request = http::Request::builder().method(&self.method).uri(target);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        request.body(body).unwrap()
    }
}

/// What a scenario looks at of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads the whole answer.
    async fn read<B>(answer: http::Response<B>) -> Result<Self, Failure>
    where
        B: BodyExt,
        B::Error: StdError + Send + Sync + 'static,
    {
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| Failure(Box::new(error)))?;
        Ok(Self {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}

/// A request without an answer.
pub(crate) struct Failure(pub(crate) Box<dyn StdError + Send + Sync>);

impl Failure {
    /// The error of Kubex in it, if it has one.
    pub(crate) fn own(&self) -> Option<&Error> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(self.0.as_ref());
        while let Some(error) = next {
            if let Some(own) = error.downcast_ref() {
                return Some(own);
            }
            next = error.source();
        }
        None
    }

    /// All that it says.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut next: Option<&(dyn StdError + 'static)> = Some(self.0.as_ref());
        while let Some(error) = next {
            writeln!(text, "{error} {error:?}").unwrap();
            next = error.source();
        }
        text
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}
