//! The options of the provider `github-actions`.

use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `github-actions`, besides those that describe the cluster (`server`,
/// `certificate-authority`, ...).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GithubActionsOptions {
    /// The audience of the token. The API server accepts only the audiences in its configuration.
    pub audience: String,
    /// The file with the CA bundle for GitHub's certificate, in PEM, for example for a GitHub Enterprise Server. The default is
    /// the system's trust store.
    #[schemars(extend("format" = "path"))]
    pub issuer_certificate_authority: Option<PathBuf>,
    /// The CA bundle for GitHub's certificate: PEM, or base64 of PEM.
    #[schemars(with = "Option<String>")]
    pub issuer_certificate_authority_data: Option<SecretString>,
}
