//! A machine without Google: no variable of this process counts, and the home directory is the test's own.

use std::path::Path;
use std::sync::LazyLock;

use kubex::{Chain, ClientConfiguration, Credential, ExposeSecret as _, Host, Options, Result};
// Its registration is submitted when it is linked, as that of any plugin crate.
use kubex_gke as _;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use crate::shared;
pub(crate) use crate::shared::write;
use crate::stand_in::StandIn;

/// The path of the token of the machine's service account.
pub(crate) const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// The file of `gcloud auth application-default login`.
pub(crate) const WELL_KNOWN: &str = ".config/gcloud/application_default_credentials.json";

pub(crate) const SCOPES: &str =
    "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email";

/// The key of the service accounts, made once: RSA keys take time.
pub(crate) static KEY: LazyLock<KeyPair> =
    LazyLock::new(|| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap());

/// The variables of this process that the provider, the SDK or the plugin reads. In a test, each is set by the test or not at
/// all.
pub(crate) fn foreign_variables() -> Vec<String> {
    shared::variables(&["AWS_", "CLOUDSDK_", "GCE_", "GOOGLE_"])
}

/// The real host with these variables of Google and no others.
pub(crate) fn machine(home: &Path, variables: &[(&str, &str)]) -> Host {
    shared::machine(home, &foreign_variables(), variables)
}

pub(crate) fn options() -> Options {
    Options::new().set("server", "https://127.0.0.1:1")
}

pub(crate) fn chain(host: Host, options: Options) -> Result<Chain> {
    shared::chain("gke", host, options)
}

pub(crate) async fn resolve(host: Host, options: Options) -> Result<ClientConfiguration> {
    chain(host, options)?.resolve().await
}

pub(crate) async fn credential(host: Host, options: Options) -> Result<std::sync::Arc<Credential>> {
    resolve(host, options).await?.credentials().current().await
}

pub(crate) fn text(credential: &Credential) -> String {
    credential.token().unwrap().expose_secret().to_owned()
}

/// The seconds until the credential expires, to the minute: the clock moves while a test runs.
pub(crate) fn minutes_left(credential: &Credential) -> Option<u64> {
    let left = credential
        .expires_at()?
        .duration_since(std::time::SystemTime::now());
    Some((left.unwrap().as_secs() + 30) / 60)
}

/// A key of a service account.
pub(crate) fn service_account(google: &StandIn) -> Value {
    json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "key-1",
        "private_key": KEY.serialize_pem(),
        "client_email": "deployer@p.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": google.url("/token"),
    })
}

/// The login of a user.
pub(crate) fn user(google: &StandIn) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "client-1",
        "client_secret": "client-secret",
        "refresh_token": "refresh-token",
        "token_uri": google.url("/token"),
    })
}

/// An external account whose subject token is in a file or at an address.
pub(crate) fn external(google: &StandIn, source: &Value) -> Value {
    json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/ci",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": google.url("/sts"),
        "credential_source": source,
    })
}

/// Runs a test in a process of its own if this one has variables that Google's SDK would read. Returns whether it did.
pub(crate) fn ran_apart(test: &str) -> bool {
    let foreign = foreign_variables();
    if foreign.is_empty() {
        return false;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for name in foreign {
        child.env_remove(name);
    }
    let output = child.args(["--exact", test, "--nocapture"]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let ran = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(ran, "there is no test {test}");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    true
}
