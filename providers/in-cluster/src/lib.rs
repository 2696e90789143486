//! The service account of the pod the program runs in.
//!
//! | read | for |
//! |---|---|
//! | `$KUBERNETES_SERVICE_HOST`, `$KUBERNETES_SERVICE_PORT` | the API server; IPv6 too |
//! | `/var/run/secrets/kubernetes.io/serviceaccount/token` | the token, through the provider `token-file` |
//! | `.../ca.crt` | the certificate authority, read again every 60 s; without it the system's are trusted, with a warning |
//! | `$POD_NAMESPACE`, then `.../namespace` | the namespace, else `default` |
//!
//! Where a variable or the token is missing, the source is *not configured* and the chain goes on. The three
//! files are read inside one resolved `..data`, so that they never come from two generations of the mount.
//! Every path and variable is an option: [`InClusterOptions`].
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! world.set_variable("KUBERNETES_SERVICE_HOST", "fd00::1");
//! world.set_variable("KUBERNETES_SERVICE_PORT", "443");
//! world.write("/var/run/secrets/kubernetes.io/serviceaccount/token", "abc");
//! world.write("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "team-a\n");
//!
//! let registry = Registry::from_registrations([&kubex_in_cluster::REGISTRATION, &kubex_token_file::REGISTRATION])?;
//! let configuration =
//!     Chain::builder(registry).host(world.host()).source(Source::new("in-cluster")).build()?.resolve().await?;
//! assert_eq!(configuration.cluster().server.as_str(), "https://[fd00::1]:443");
//! assert_eq!(configuration.namespace(), "team-a");
//! # Ok(())
//! # }
//! ```

mod ca_bundle;
mod mount;
mod options;
mod resolve;

use kubex_core::Registration;

pub use mount::Mount;
pub use options::InClusterOptions;
pub use resolve::InClusterProvider;

kubex_core::register! {
    /// The provider `in-cluster`.
    pub static REGISTRATION = Registration::provider::<InClusterProvider>(
        "in-cluster",
        "the service account of the pod the program runs in",
    );
}
