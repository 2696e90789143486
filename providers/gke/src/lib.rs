//! Google access tokens for GKE, like those of gke-gcloud-auth-plugin, without the plugin and without gcloud.
//!
//! The identity is that of Google's application default credentials: a service account, a user, an external account (Workload
//! Identity Federation), an impersonated service account, or the service account of the machine or the pod. Resolving a chain
//! opens no connection; only fetching a token does.
//!
//! | option | meaning |
//! |---|---|
//! | `credentials` | the credentials file; the default is `GOOGLE_APPLICATION_CREDENTIALS`, the file of `gcloud auth application-default login`, or the metadata server |
//! | `scopes` | the OAuth scopes; the default is `cloud-platform` and `userinfo.email`, as in the plugin |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
//!
//! A credentials file that runs a program is an error, because this provider runs no programs.
//!
//! If a kubeconfig calls `gke-gcloud-auth-plugin --use_application_default_credentials`, this provider can replace the plugin:
//! add `gke-gcloud-auth-plugin` to [`PluginRules::native`](kubex_core::host::PluginRules::native).
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! let registry = Registry::from_registrations([&kubex_gke::REGISTRATION])?;
//! let options = Options::new().set("server", "https://203.0.113.7");
//! let source = Source::new("gke").provider("gke").options(options);
//! let chain = Chain::builder(registry).host(world.host()).source(source).build().unwrap();
//!
//! let configuration = chain.resolve().await?;
//! assert_eq!(configuration.credentials().describe(), "Google access token");
//! # Ok(())
//! # }
//! ```

mod address;
mod crypto;
mod exchange;
mod grant;
mod http;
mod identity;
mod metadata;
mod options;
mod place;
mod process;
mod replacement;
mod source;
mod token;

use kubex_core::Registration;

pub use options::GkeOptions;
pub use source::GkeSource;

kubex_core::register! {
    /// The registration of the provider `gke`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::source::<GkeSource>("gke", "Google access tokens for GKE, without gke-gcloud-auth-plugin")
            .replaces("gke-gcloud-auth-plugin", replacement::replace);
}
