//! The options of the provider `service-account`.

use kubex_core::host::Deadline;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `service-account`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceAccountOptions {
    /// The source with whose identity the token is requested, and whose cluster is used.
    pub through: String,
    /// The service account: NAMESPACE/NAME.
    pub service_account: String,
    /// Who the token is for. By default the API server.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// How long the token shall be valid; at least 10m. The server decides.
    pub lifetime: Option<Deadline>,
    /// The object that the token is bound to: it is not valid after the object is deleted.
    pub bound_object: Option<BoundObject>,
}

/// The object that a token is bound to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BoundObject {
    /// Its kind: Pod, Secret or Node.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: Option<String>,
}
