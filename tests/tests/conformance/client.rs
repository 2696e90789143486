//! Requests through reqwest.

use http::StatusCode;
use kubex::{ClientConfiguration, Result, reqwest};

/// Where the cases are.
pub const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance");
/// What the tests of this client begin with.
pub const NAME: &str = "kubex";

pub struct Client(reqwest::Client);

impl Client {
    pub fn new(configuration: &ClientConfiguration) -> Result<Self> {
        reqwest::Client::new(configuration).map(Self)
    }

    pub async fn get(&self, path: &str, headers: &[(String, String)]) -> Result<StatusCode> {
        let mut request = self.0.get(path)?;
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Ok(request.send().await?.status())
    }
}
