//! The options of the provider `kubeconfig`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `kubeconfig`. Without any, it reads `$KUBECONFIG`, else `~/.kube/config`, and
/// takes the current context.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct KubeconfigOptions {
    /// This file, and no other. It must be there.
    #[schemars(extend("format" = "path"))]
    pub path: Option<PathBuf>,
    /// These files, as one; `*` and `?` in the last part of a path stand for what matches, sorted. Those that are
    /// not there are skipped.
    #[schemars(extend("items" = {"type": "string", "format": "path"}))]
    pub paths: Vec<PathBuf>,
    /// The context, in place of the current one.
    pub context: Option<String>,
    /// The cluster, in place of the context's.
    pub cluster: Option<String>,
    /// The user, in place of the context's.
    pub user: Option<String>,
    /// The namespace, in place of the context's.
    pub namespace: Option<String>,
    /// Skips a broken file of several with a warning, where it is an error otherwise.
    pub lenient: bool,
}
