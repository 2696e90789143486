//! Google access tokens for GKE, as gke-gcloud-auth-plugin prints them from the application default credentials, without
//! the plugin and without gcloud.
//!
//! The identity is that of the application default credentials: a service account, a user, an external account (Workload
//! Identity Federation), an impersonated service account, or the service account of the machine or the pod. A connection is
//! opened when a token is fetched, and never while a chain resolves.
//!
//! | option | meaning |
//! |---|---|
//! | `credentials` | the credentials file; otherwise `GOOGLE_APPLICATION_CREDENTIALS`, the file of `gcloud auth application-default login`, or the metadata server |
//! | `scopes` | the OAuth scopes; by default those of the plugin, `cloud-platform` and `userinfo.email` |
//! | the cluster's | `server`, `certificate-authority`, `namespace`, `as`, ... ([`kubex_core::options::ClusterFields`]) |
//!
//! A program that a credentials file names is not run: the error says so.
//!
//! It also serves `gke-gcloud-auth-plugin --use_application_default_credentials` of a kubeconfig in place of the plugin, if
//! the rules for plugins list it as native ([`kubex_core::host::PluginRules::native`]).
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
    /// The provider `gke`.
    pub static REGISTRATION =
        Registration::source::<GkeSource>("gke", "Google access tokens for GKE, without gke-gcloud-auth-plugin")
            .replaces("gke-gcloud-auth-plugin", replacement::replace);
}
