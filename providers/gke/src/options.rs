//! The options of the provider `gke`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `gke`, in addition to the cluster's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GkeOptions {
    /// The credentials file. By default the application default credentials of this machine.
    #[schemars(extend("format" = "path"))]
    pub credentials: Option<PathBuf>,
    /// The OAuth scopes of the token. By default those of gke-gcloud-auth-plugin: `cloud-platform` and `userinfo.email`.
    pub scopes: Option<Vec<String>>,
}
