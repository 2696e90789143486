//! Tokens of Microsoft Entra for Azure Kubernetes Service, as `kubelogin get-token` prints them, without kubelogin.
//!
//! An AKS cluster with Microsoft Entra accepts an access token for its server's application. The Azure SDK for Rust requests
//! it: with the token of a Kubernetes service account (workload identity), with the managed identity of the machine, with the
//! secret of an application (service principal), or from the Azure CLI. A connection is opened, and the Azure CLI is run, when a
//! token is fetched, and never while a chain resolves.
//!
//! | option | meaning |
//! |---|---|
//! | `login` | `workloadidentity`, `msi`, `spn` or `azurecli`, as kubelogin names them |
//! | `server-id` | the application id of the cluster's server; by default that of AKS |
//! | `tenant-id`, `client-id`, `client-secret` | the tenant and the application; otherwise `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` |
//! | `subscription` | for `azurecli`: the subscription whose account is used |
//! | `identity-resource-id` | the managed identity, in place of its client id |
//! | `federated-token-file` | the token that is exchanged; otherwise `AZURE_FEDERATED_TOKEN_FILE` |
//! | `environment`, `authority-host` | the cloud, or the address of Microsoft Entra; otherwise `AZURE_AUTHORITY_HOST` |
//! | `issuer-certificate-authority` and its `-data` | the CA bundle for Microsoft Entra; by default the system's trust |
//! | the cluster's | `server`, `certificate-authority`, `namespace`, `as`, ... ([`kubex_core::options::ClusterFields`]) |
//!
//! The login `azurecli` runs `az`, if the [policy for plugins](kubex_core::host::PluginPolicy) permits it, as plugins are run.
//! For that, the provider `exec` has to be linked.
//!
//! Logins that need a person or another program (`devicecode`, `interactive`, `azd`, ...) are an error that says so. For these, use
//! kubelogin with the provider `exec`.
//!
//! It also serves `kubelogin get-token` of a kubeconfig in place of kubelogin, if the rules for plugins list `kubelogin` as
//! native ([`kubex_core::host::PluginRules::native`]).
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
//! // Here, in no pod with a workload identity.
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
    /// The provider `aks`.
    pub static REGISTRATION =
        Registration::source::<AksSource>("aks", "tokens for Azure Kubernetes Service, without kubelogin")
            .replaces("kubelogin", replacement::replace);
}
