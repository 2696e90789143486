//! A machine without AWS: no variable of this process counts, and the home directory is the test's own.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex::{Chain, ClientConfiguration, ExposeSecret as _, Host, Options, Result};
// Its registration is submitted when it is linked, as that of any plugin crate.
use kubex_eks as _;
use url::Url;

use crate::shared;
pub(crate) use crate::shared::write;

pub(crate) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The variables of this process that the AWS CLI reads. In a test, each is set by the test or not at all.
pub(crate) fn foreign_variables() -> Vec<String> {
    shared::variables(&["AWS_", "BOTO_CONFIG", "REQUESTS_CA_BUNDLE"])
}

/// The real host with these variables of AWS and no others.
pub(crate) fn machine(home: &Path, variables: &[(&str, &str)]) -> Host {
    shared::machine(home, &foreign_variables(), variables)
}

pub(crate) fn keys() -> Vec<(&'static str, &'static str)> {
    vec![("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)]
}

pub(crate) fn options() -> Options {
    Options::new()
        .set("server", "https://127.0.0.1:1")
        .set("cluster", "production")
}

pub(crate) fn chain(host: Host, options: Options) -> Result<Chain> {
    shared::chain("eks", host, options)
}

pub(crate) async fn resolve(host: Host, options: Options) -> Result<ClientConfiguration> {
    chain(host, options)?.resolve().await
}

pub(crate) async fn token(host: Host, options: Options) -> Result<String> {
    let configuration = resolve(host, options).await?;
    let credential = configuration.credentials().current().await?;
    Ok(credential.token().unwrap().expose_secret().to_owned())
}

/// The request in a token.
pub(crate) fn request(token: &str) -> Url {
    let encoded = token.strip_prefix("k8s-aws-v1.").unwrap();
    let url = BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap();
    String::from_utf8(url).unwrap().parse().unwrap()
}

pub(crate) fn parameters(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}
