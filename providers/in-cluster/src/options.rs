//! What the provider `in-cluster` is told. Everything has the value that Kubernetes gives it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `in-cluster`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct InClusterOptions {
    /// The directory the service account is mounted at.
    #[schemars(extend("format" = "path"))]
    pub root: PathBuf,
    /// The token's file, relative to the root.
    pub token: PathBuf,
    /// The certificate authority's file, relative to the root.
    pub ca: PathBuf,
    /// The namespace's file, relative to the root.
    pub namespace: PathBuf,
    /// The variable that holds the namespace, asked before the file.
    pub namespace_variable: String,
    /// The variable that holds the API server's host.
    pub host_variable: String,
    /// The variable that holds the API server's port.
    pub port_variable: String,
}

impl Default for InClusterOptions {
    fn default() -> Self {
        Self {
            root: "/var/run/secrets/kubernetes.io/serviceaccount".into(),
            token: "token".into(),
            ca: "ca.crt".into(),
            namespace: "namespace".into(),
            namespace_variable: "POD_NAMESPACE".into(),
            host_variable: "KUBERNETES_SERVICE_HOST".into(),
            port_variable: "KUBERNETES_SERVICE_PORT".into(),
        }
    }
}
