//! What the provider `token-file` is told.

use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `token-file`, beside the cluster's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TokenFileOptions {
    /// The file the token is in.
    #[schemars(extend("format" = "path"))]
    pub token_file: PathBuf,
    /// A token for as long as the file gives none.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub token: Option<SecretString>,
    /// Whether the file is read again every 60 s.
    #[serde(default = "is_refreshed")]
    pub try_refresh_token: bool,
    /// The file of a client certificate, in PEM.
    #[schemars(extend("format" = "path"))]
    pub client_certificate: Option<PathBuf>,
    /// The client certificate itself: PEM, or base64 of it as in a kubeconfig.
    #[schemars(with = "Option<String>")]
    pub client_certificate_data: Option<SecretString>,
    /// The file of the client certificate's key, in PEM.
    #[schemars(extend("format" = "path"))]
    pub client_key: Option<PathBuf>,
    /// The key itself: PEM, or base64 of it as in a kubeconfig.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_key_data: Option<SecretString>,
}

fn is_refreshed() -> bool {
    true
}
