//! The options of the provider `in-cluster`. The defaults are those of Kubernetes.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `in-cluster`. The defaults are the paths and variables that Kubernetes uses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct InClusterOptions {
    /// The directory where the service account is mounted.
    #[schemars(extend("format" = "path"))]
    pub root: PathBuf,
    /// The file of the token, relative to `root`.
    pub token: PathBuf,
    /// The file of a pod certificate (KEP-4317), relative to `root`. It contains the private key, then the certificate
    /// chain. If this option is set, the pod uses the certificate as its identity, and not the token.
    #[schemars(extend("format" = "path"))]
    pub credential_bundle: Option<PathBuf>,
    /// The file of the CA certificate, relative to `root`.
    pub ca: PathBuf,
    /// The file of the namespace, relative to `root`.
    pub namespace: PathBuf,
    /// The name of the variable that contains the namespace. The variable takes precedence over the file.
    pub namespace_variable: String,
    /// The name of the variable that contains the API server's host.
    pub host_variable: String,
    /// The name of the variable that contains the API server's port.
    pub port_variable: String,
}

impl Default for InClusterOptions {
    fn default() -> Self {
        Self {
            root: "/var/run/secrets/kubernetes.io/serviceaccount".into(),
            token: "token".into(),
            credential_bundle: None,
            ca: "ca.crt".into(),
            namespace: "namespace".into(),
            namespace_variable: "POD_NAMESPACE".into(),
            host_variable: "KUBERNETES_SERVICE_HOST".into(),
            port_variable: "KUBERNETES_SERVICE_PORT".into(),
        }
    }
}
