//! The provider `in-cluster`: the service account of the pod that the program runs in.
//!
//! | source | use |
//! |---|---|
//! | `$KUBERNETES_SERVICE_HOST`, `$KUBERNETES_SERVICE_PORT` | the address of the API server, which may be an IPv6 address |
//! | `/var/run/secrets/kubernetes.io/serviceaccount/token` | the token, which the provider `token-file` reads |
//! | the option `credential-bundle` | a pod certificate instead of the token (KEP-4317), which the provider `static` reads |
//! | `.../ca.crt` | the CA certificate of the API server, read again every 60 s; if it is missing, the system's trust store is used, with a warning |
//! | `$POD_NAMESPACE`, then `.../namespace` | the namespace; the default is `default` |
//!
//! If one of the `KUBERNETES_SERVICE_*` variables or the token is missing, the source is *not configured*, and the chain
//! continues.
//!
//! The kubelet replaces all files of the mount at once, through the symbolic link `..data`. The provider reads this link once,
//! and then all three files from its target, so that the files always belong together. Each path and variable is an option: see
//! [`InClusterOptions`].
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let simulated = SimulatedHost::new();
//! simulated.set_variable("KUBERNETES_SERVICE_HOST", "fd00::1");
//! simulated.set_variable("KUBERNETES_SERVICE_PORT", "443");
//! simulated.write("/var/run/secrets/kubernetes.io/serviceaccount/token", "abc");
//! simulated.write("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "team-a\n");
//!
//! let registry = Registry::from_registrations([&kubex_in_cluster::REGISTRATION, &kubex_token_file::REGISTRATION])?;
//! let configuration =
//!     Chain::builder(registry).host(simulated.host()).source(Source::new("in-cluster")).build()?.resolve().await?;
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
    /// The registration of the provider `in-cluster`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION = Registration::provider::<InClusterProvider>(
        "in-cluster",
        "the service account of the pod that the program runs in",
    );
}
