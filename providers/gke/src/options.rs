//! The options of the provider `gke`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `gke`, besides those that describe the cluster (`server`, `certificate-authority`,
/// ...).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GkeOptions {
    /// The credentials file. The default is the application default credentials of this machine.
    #[schemars(extend("format" = "path"))]
    pub credentials: Option<PathBuf>,
    /// The OAuth scopes of the token. The default is `cloud-platform` and `userinfo.email`, as in
    /// gke-gcloud-auth-plugin.
    pub scopes: Option<Vec<String>>,
}
