//! The options of the provider `eks`.

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `eks`, in addition to the cluster's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EksOptions {
    /// The name of the EKS cluster; on Outposts its id.
    pub cluster: String,
    /// The AWS region. By default that of `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
    pub region: Option<String>,
    /// The AWS profile. With it, credentials in variables are ignored.
    pub profile: Option<String>,
    /// The ARN of a role to assume.
    pub role: Option<String>,
    /// The name of the role's session; `EKSGetTokenAuth` by default.
    pub session_name: Option<String>,
    /// The external id that the role requires.
    pub external_id: Option<String>,
}

impl EksOptions {
    /// The options that may be absent, with their names.
    pub(crate) fn optional(&self) -> [(&'static str, &Option<String>); 5] {
        [
            ("region", &self.region),
            ("profile", &self.profile),
            ("role", &self.role),
            ("session-name", &self.session_name),
            ("external-id", &self.external_id),
        ]
    }
}
