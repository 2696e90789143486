//! The options of the provider `kubeconfig`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `kubeconfig`. Without any option, it reads `$KUBECONFIG` or, if that is unset,
/// `~/.kube/config`, and uses the current context.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct KubeconfigOptions {
    /// Reads only this file, which must exist.
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
    /// Reads and merges these files. The last component of a path may contain the wildcards `*` and `?`. Missing files
    /// are skipped.
    #[schemars(extend("items" = {"type": "string", "format": "path"}))]
    pub paths: Vec<PathBuf>,
    /// The context to use instead of the current one.
    pub context: Option<String>,
    /// The cluster to use instead of the context's own.
    pub cluster: Option<String>,
    /// The user to use instead of the context's own.
    pub user: Option<String>,
    /// The namespace to use instead of the context's own.
    pub namespace: Option<String>,
    /// Whether a new token of an `auth-provider: oidc` is written into the kubeconfig that contains the user, as
    /// kubectl does.
    pub write_tokens: bool,
    /// Whether a broken file is skipped, with a warning, if there are several files. By default, a broken file is an
    /// error.
    pub lenient: bool,
}
