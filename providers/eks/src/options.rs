//! The options of the provider `eks`.

use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `eks`, besides those that describe the cluster (`server`, `certificate-authority`,
/// ...).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EksOptions {
    /// The name of the EKS cluster; on Outposts, its id.
    pub cluster: String,
    /// The AWS region. The default is `AWS_REGION`, `AWS_DEFAULT_REGION` or the region of the profile.
    pub region: Option<String>,
    /// The AWS profile. If it is set, credentials in variables are ignored.
    pub profile: Option<String>,
    /// The ARN of a role that is assumed before the token is signed.
    pub role: Option<String>,
    /// The session name of the assumed role. The default is `EKSGetTokenAuth`.
    pub session_name: Option<String>,
    /// The external id that the assumed role requires.
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
