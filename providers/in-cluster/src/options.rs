//! The options of the provider `in-cluster`. The defaults are those of Kubernetes.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `in-cluster`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct InClusterOptions {
    /// The directory at which the service account is mounted.
    #[schemars(extend("format" = "path"))]
    pub root: PathBuf,
    /// The file of the token, relative to `root`.
    pub token: PathBuf,
    /// The file of a pod certificate's credential bundle (KEP-4317), relative to `root`: the private key, then the
    /// certificate chain. With it, the pod identifies itself by the certificate and not by a token.
    #[schemars(extend("format" = "path"))]
    pub credential_bundle: Option<PathBuf>,
    /// The file of the certificate authority, relative to `root`.
    pub ca: PathBuf,
    /// The file of the namespace, relative to `root`.
    pub namespace: PathBuf,
    /// The variable that contains the namespace. It wins over the file.
    pub namespace_variable: String,
    /// The variable that contains the API server's host.
    pub host_variable: String,
    /// The variable that contains the API server's port.
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
