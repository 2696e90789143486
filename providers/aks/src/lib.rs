//! Tokens of Microsoft Entra for Azure Kubernetes Service, like those of `kubelogin get-token`, without kubelogin.
//!
//! An AKS cluster that uses Microsoft Entra accepts access tokens for the application of its API server. The Azure SDK for Rust
//! requests such a token in one of four ways:
//!
//! - with the token of a Kubernetes service account (workload identity)
//! - with the managed identity of the machine
//! - with the secret of an application (service principal)
//! - from the Azure CLI, with the identity that is logged in to it
//!
//! Resolving a chain opens no connection and does not run the Azure CLI; only fetching a token does.
//!
//! | option | meaning |
//! |---|---|
//! | `login` | `workloadidentity`, `msi`, `spn` or `azurecli`, as in kubelogin |
//! | `server-id` | the application id of the cluster's server; the default is that of AKS |
//! | `tenant-id`, `client-id`, `client-secret` | the tenant and the application; the defaults are `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` |
//! | `subscription` | the subscription whose account the Azure CLI uses, instead of the tenant |
//! | `identity-resource-id` | the resource id of the managed identity, instead of its client id |
//! | `federated-token-file` | the file with the service account's token; the default is `AZURE_FEDERATED_TOKEN_FILE` |
//! | `environment`, `authority-host` | the cloud, or the address of Microsoft Entra; the default is `AZURE_AUTHORITY_HOST` |
//! | `issuer-certificate-authority`, `issuer-certificate-authority-data` | the CA bundle for the certificate of Microsoft Entra; the default is the system's trust store |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
//!
//! The login `azurecli` runs `az` like an exec plugin: the [plugin policy](kubex_core::host::PluginPolicy) must permit it, and
//! the registry must contain the provider `exec`.
//!
//! Logins that need a user or another program (`devicecode`, `interactive`, `azd`, ...) are refused with an error. For
//! these, use kubelogin with the provider `exec`.
//!
//! If a kubeconfig calls `kubelogin get-token`, this provider can replace kubelogin: add `kubelogin` to
//! [`PluginRules::native`](kubex_core::host::PluginRules::native).
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let registry = Registry::from_registrations([&kubex_aks::REGISTRATION])?;
//! let options = Options::new().set("server", "https://10.0.0.1").set("login", "workloadidentity");
//! let source = Source::new("aks").provider("aks").options(options);
//! let chain = Chain::builder(registry).host(SimulatedHost::new().host()).source(source).build().unwrap();
//!
//! // This fails here, because the program does not run in a pod with a workload identity.
//! let error = chain.resolve().await.unwrap_err();
//! assert!(error.to_string().contains("\"tenant-id\" is not set"));
//! # Ok(())
//! # }
//! ```

mod authority;
mod azure_cli;
mod connector;
mod executor;
mod failure;
mod login;
mod machine;
mod options;
mod replacement;
mod settings;
mod source;
mod token;

use kubex_core::Registration;

pub use options::AksOptions;
pub use source::AksSource;

kubex_core::register! {
    /// The registration of the provider `aks`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::source::<AksSource>("aks", "tokens for Azure Kubernetes Service, without kubelogin")
            .shown_keys(&[
                "login",
                "server-id",
                "tenant-id",
                "client-id",
                "identity-resource-id",
                "environment",
                "authority-host",
            ])
            .replaces("kubelogin", replacement::replace);
}
