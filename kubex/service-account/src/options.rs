//! The options of the provider `service-account`.

use kubex_core::host::Deadline;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `service-account`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceAccountOptions {
    /// The name of the source that provides the identity and the cluster.
    pub through: String,
    /// The service account: NAMESPACE/NAME.
    pub service_account: String,
    /// The audiences of the token. The default is the API server.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The requested lifetime of the token, at least 10m. The server may shorten it.
    pub lifetime: Option<Deadline>,
    /// The object that the token is bound to. The token becomes invalid when the object is deleted.
    pub bound_object: Option<BoundObject>,
}

/// The object that a token is bound to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BoundObject {
    /// The kind of the object: Pod, Secret or Node.
    pub kind: String,
    /// The name of the object.
    pub name: String,
    /// The uid of the object. If it is set, the server refuses the request for an object with another uid.
    pub uid: Option<String>,
}
