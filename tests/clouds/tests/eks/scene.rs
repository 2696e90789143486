//! A machine without AWS: no variable of this process counts, and the home directory is the test's own.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex::{Chain, ClientConfiguration, ExposeSecret as _, Host, Options, Result, Source};
// Its registration is submitted when it is linked, as that of any plugin crate.
use kubex_eks as _;
use url::Url;

pub(crate) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The variables of this process that the AWS CLI reads. In a test, each is set by the test or not at all.
pub(crate) fn foreign_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_read = |name: &String| {
        name.starts_with("AWS_")
            || name.to_lowercase().ends_with("_proxy")
            || name == "BOTO_CONFIG"
            || name == "REQUESTS_CA_BUNDLE"
    };
    names.filter(is_read).collect()
}

/// The real host with these variables of AWS and no others.
pub(crate) fn machine(home: &Path, variables: &[(&str, &str)]) -> Host {
    let host = foreign_variables()
        .iter()
        .fold(Host::real(), |host, name| host.with_variable(name, None::<&str>))
        .with_variable("HOME", Some(home));
    variables
        .iter()
        .fold(host, |host, (name, value)| host.with_variable(name, Some(*value)))
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
    Chain::builder(kubex::registry()?)
        .host(host)
        .source(Source::new("eks").provider("eks").options(options))
        .build()
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

/// Writes a file below the home directory.
pub(crate) fn write(home: &Path, file: &str, content: &str) {
    let path = home.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
