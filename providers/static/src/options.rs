//! The options of the provider `static`.

use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `static`, besides those that describe the cluster (`server`, `certificate-authority`,
/// ...).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StaticOptions {
    /// A bearer token, sent unchanged.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub token: Option<SecretString>,
    /// The user name for basic authentication.
    pub username: Option<String>,
    /// The password for basic authentication.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub password: Option<SecretString>,
    /// The file with the client certificate, in PEM.
    #[schemars(extend("format" = "path"))]
    pub client_certificate: Option<PathBuf>,
    /// The client certificate: PEM, or base64 of PEM as in a kubeconfig.
    #[schemars(with = "Option<String>")]
    pub client_certificate_data: Option<SecretString>,
    /// The file with the client certificate's private key, in PEM.
    #[schemars(extend("format" = "path"))]
    pub client_key: Option<PathBuf>,
    /// The client certificate's private key: PEM, or base64 of PEM as in a kubeconfig.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_key_data: Option<SecretString>,
}
