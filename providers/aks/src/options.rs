//! The options of the provider `aks`.

use std::path::PathBuf;

use kubex_core::{Error, ErrorKind, Result, SecretString};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::login::Login;

/// The options of the provider `aks`, besides those that describe the cluster (`server`, `certificate-authority`,
/// ...). Their names are those of kubelogin's flags. An empty string means that an option is not set.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AksOptions {
    /// How to log in: `workloadidentity`, `msi` (a managed identity), `spn` (an application with a secret) or `azurecli` (the
    /// identity that is logged in to the Azure CLI).
    #[schemars(extend("enum" = ["workloadidentity", "msi", "spn", "azurecli"]))]
    pub login: String,
    /// The application id of the cluster's server. The default is the id that all AKS clusters share.
    pub server_id: Option<String>,
    /// The tenant of Microsoft Entra: its id or one of its domains. The default is `AZURE_TENANT_ID`. If neither is set,
    /// `azurecli` uses the tenant of the Azure CLI.
    pub tenant_id: Option<String>,
    /// The client id of the application or of the user-assigned managed identity. The default is `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// The secret of the application, for `spn`. The default is `AZURE_CLIENT_SECRET`.
    #[schemars(with = "Option<String>", extend("format" = "password"))]
    pub client_secret: Option<SecretString>,
    /// The resource id of the user-assigned managed identity, instead of its client id.
    pub identity_resource_id: Option<String>,
    /// The subscription whose account is used, for `azurecli`: its id or name. The default is the one that the Azure
    /// CLI uses.
    pub subscription: Option<String>,
    /// The cloud: `AzurePublicCloud` (the default), `AzureUSGovernmentCloud` or `AzureChinaCloud`.
    pub environment: Option<String>,
    /// The https address of Microsoft Entra. The default is `AZURE_AUTHORITY_HOST`, or the address of the cloud.
    pub authority_host: Option<String>,
    /// The file with the service account's token, for `workloadidentity`. The default is `AZURE_FEDERATED_TOKEN_FILE`.
    #[schemars(extend("format" = "path"))]
    pub federated_token_file: Option<PathBuf>,
    /// The file with the CA bundle for the certificate of Microsoft Entra, in PEM. The default is the system's trust store.
    #[schemars(extend("format" = "path"))]
    pub issuer_certificate_authority: Option<PathBuf>,
    /// The CA bundle for the certificate of Microsoft Entra: PEM, or base64 of PEM.
    #[schemars(with = "Option<String>")]
    pub issuer_certificate_authority_data: Option<SecretString>,
}

impl AksOptions {
    /// The texts that may be absent and are not secrets, with their names.
    pub(crate) fn texts(&self) -> [(&'static str, &Option<String>); 7] {
        [
            ("server-id", &self.server_id),
            ("tenant-id", &self.tenant_id),
            ("client-id", &self.client_id),
            ("identity-resource-id", &self.identity_resource_id),
            ("subscription", &self.subscription),
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
            &mut self.subscription,
            &mut self.environment,
            &mut self.authority_host,
        ] {
            text.take_if(|text| text.is_empty());
        }
        self
    }

    /// Checks the options that exclude each other. The error comes with the option that it is about.
    pub(crate) fn check_together(&self, login: Login) -> Result<(), (&'static str, Error)> {
        use Login::{AzureCli, ManagedIdentity, ServicePrincipal, WorkloadIdentity};

        /// The logins that send requests themselves.
        const WITHOUT_CLI: &[Login] = &[WorkloadIdentity, ManagedIdentity, ServicePrincipal];

        for (one, other, are_set) in [
            (
                "client-id",
                "identity-resource-id",
                self.client_id.is_some() && self.identity_resource_id.is_some(),
            ),
            (
                "tenant-id",
                "subscription",
                self.tenant_id.is_some() && self.subscription.is_some(),
            ),
        ] {
            if are_set {
                let error = Error::new(
                    ErrorKind::ConflictingFields,
                    format_args!("\"{one}\" and \"{other}\" are both set, and only one can apply"),
                );
                return Err((
                    other,
                    error.with_help(format_args!("remove \"{one}\" or \"{other}\"")),
                ));
            }
        }
        let has_authority = self.issuer_certificate_authority.is_some();
        let has_authority_data = self.issuer_certificate_authority_data.is_some();
        for (key, is_set, of) in [
            (
                "client-secret",
                self.client_secret.is_some(),
                &[ServicePrincipal][..],
            ),
            (
                "federated-token-file",
                self.federated_token_file.is_some(),
                &[WorkloadIdentity],
            ),
            (
                "identity-resource-id",
                self.identity_resource_id.is_some(),
                &[ManagedIdentity],
            ),
            ("subscription", self.subscription.is_some(), &[AzureCli]),
            ("client-id", self.client_id.is_some(), WITHOUT_CLI),
            ("environment", self.environment.is_some(), WITHOUT_CLI),
            ("authority-host", self.authority_host.is_some(), WITHOUT_CLI),
            ("issuer-certificate-authority", has_authority, WITHOUT_CLI),
            (
                "issuer-certificate-authority-data",
                has_authority_data,
                WITHOUT_CLI,
            ),
        ] {
            if is_set && !of.contains(&login) {
                let error = Error::new(
                    ErrorKind::ConflictingFields,
                    format_args!(
                        "\"{key}\" is set, which the login \"{}\" does not use",
                        self.login
                    ),
                );
                let error = error.with_help(format_args!("remove \"{key}\", or change \"login\""));
                return Err((key, error));
            }
        }
        Ok(())
    }
}
