//! The options of the provider `aks`.

use std::path::PathBuf;

use kubex_core::SecretString;
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of the provider `aks`, besides those that describe the cluster (`server`, `certificate-authority`,
/// ...). Their names are those of kubelogin's flags. An empty string means that an option is not set.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AksOptions {
    /// How to log in: `workloadidentity`, `msi` (a managed identity) or `spn` (an application with a secret).
    #[schemars(extend("enum" = ["workloadidentity", "msi", "spn"]))]
    pub login: String,
    /// The application id of the cluster's server. The default is the id that all AKS clusters share.
    pub server_id: Option<String>,
    /// The tenant of Microsoft Entra: its id or one of its domains. The default is `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// The client id of the application or of the user-assigned managed identity. The default is `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// The secret of the application, for `spn`. The default is `AZURE_CLIENT_SECRET`.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_secret: Option<SecretString>,
    /// The resource id of the user-assigned managed identity, instead of its client id.
    pub identity_resource_id: Option<String>,
    /// The cloud: `AzurePublicCloud` (the default), `AzureUSGovernmentCloud` or `AzureChinaCloud`.
    pub environment: Option<String>,
    /// The https address of Microsoft Entra. The default is `AZURE_AUTHORITY_HOST`, or the address of the cloud.
    pub authority_host: Option<String>,
    /// The file with the service account's token, for `workloadidentity`. The default is `AZURE_FEDERATED_TOKEN_FILE`.
    #[schemars(extend("format" = "path"))]
    pub federated_token_file: Option<PathBuf>,
    /// The file of the CA bundle for the certificate of Microsoft Entra, in PEM. The default is the system's trust.
    #[schemars(extend("format" = "path"))]
    pub issuer_certificate_authority: Option<PathBuf>,
    /// The CA bundle itself: PEM, or base64 of PEM.
    #[schemars(with = "Option<String>")]
    pub issuer_certificate_authority_data: Option<SecretString>,
}

impl AksOptions {
    /// The texts that may be absent and are not secrets, with their names.
    pub(crate) fn texts(&self) -> [(&'static str, &Option<String>); 6] {
        [
            ("server-id", &self.server_id),
            ("tenant-id", &self.tenant_id),
            ("client-id", &self.client_id),
            ("identity-resource-id", &self.identity_resource_id),
            ("environment", &self.environment),
            ("authority-host", &self.authority_host),
        ]
    }

    /// Treats an empty text as not set.
    pub(crate) fn without_empty(mut self) -> Self {
        for text in [
            &mut self.server_id,
            &mut self.tenant_id,
            &mut self.client_id,
            &mut self.identity_resource_id,
            &mut self.environment,
            &mut self.authority_host,
        ] {
            text.take_if(|text| text.is_empty());
        }
        self
    }
}
