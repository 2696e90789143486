//! The options of the provider `github-actions`.

use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `github-actions`, in addition to the cluster's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GithubActionsOptions {
    /// Who the token is for. The API server accepts only the audiences of its configuration.
    pub audience: String,
    /// The file of the CA bundle for GitHub's certificate, in PEM, as for a GitHub Enterprise Server.
    #[schemars(extend("format" = "path"))]
    pub issuer_certificate_authority: Option<PathBuf>,
    /// The CA bundle inline: PEM, or base64 of PEM.
    #[schemars(with = "Option<String>")]
    pub issuer_certificate_authority_data: Option<SecretString>,
}
