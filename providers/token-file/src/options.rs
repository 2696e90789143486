//! The options of the provider `token-file`.

use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `token-file`, besides those that describe the cluster (`server`,
/// `certificate-authority`, ...).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TokenFileOptions {
    /// The file that contains the token.
    #[schemars(extend("format" = "path"))]
    pub token_file: PathBuf,
    /// A token that is used until one has been read from the file.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub token: Option<SecretString>,
    /// Whether the file is read again every 60 s. The default is `true`.
    #[serde(default = "is_refreshed")]
    pub try_refresh_token: bool,
    /// The file with a client certificate, in PEM.
    #[schemars(extend("format" = "path"))]
    pub client_certificate: Option<PathBuf>,
    /// A client certificate: PEM, or base64 of PEM as in a kubeconfig.
    #[schemars(with = "Option<String>")]
    pub client_certificate_data: Option<SecretString>,
    /// The file with the client certificate's private key, in PEM.
    #[schemars(extend("format" = "path"))]
    pub client_key: Option<PathBuf>,
    /// The client certificate's private key: PEM, or base64 of PEM as in a kubeconfig.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_key_data: Option<SecretString>,
}

fn is_refreshed() -> bool {
    true
}
