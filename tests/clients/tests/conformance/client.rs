//! Requests through kube's client: the tower layer, over hyper and the rustls configuration.

use http::{Request, StatusCode};
use kube::client::Body;
use kubex::{ClientConfiguration, Error, Result};

/// Where the cases are.
pub const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance");
/// What the tests of this client begin with.
pub const NAME: &str = "kube";

pub struct Client(kube::Client);

impl Client {
    pub fn new(configuration: &ClientConfiguration) -> Result<Self> {
        kubex::kube::client(configuration).map(Self)
    }

    pub async fn get(&self, path: &str, headers: &[(String, String)]) -> Result<StatusCode> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).expect("the case's headers are ones");
        match self.0.send(request).await {
            Ok(response) => Ok(response.status()),
            Err(kube::Error::Service(error)) => Err(error
                .downcast_ref::<Error>()
                .expect("an error of Kubex's")
                .clone()),
            Err(other) => panic!("no error of a service: {other}"),
        }
    }
}
