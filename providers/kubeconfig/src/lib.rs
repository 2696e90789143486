//! Kubeconfig files, as kubectl reads them.
//!
//! | file | use |
//! |---|---|
//! | the files in `$KUBECONFIG` | are merged; if an entry occurs in several files, that of the first file is used |
//! | `~/.kube/config` | is used if `$KUBECONFIG` is unset |
//! | the files that the selected entries refer to | contain CA certificates, client certificates, keys and tokens |
//!
//! If none of the files exists, or none contains a cluster, a user or a context, the source is *not configured*, and
//! the chain continues with the next source. Any other problem is an error with the file, the entry and the field,
//! because the next source would be a different identity.
//!
//! Another provider supplies the user's credential. The registry must contain it: `static` for a token, a password or
//! a certificate, `token-file`, `exec`, or the provider in `auth-provider.name`. [`KubeconfigOptions`] describes the
//! options.
//!
//! A kubeconfig that the program passes as bytes ([`KubeconfigProvider::from_bytes`]) may not come from the user. So
//! it can neither run a plugin nor refer to a file, unless the program [trusts](KubeconfigProvider::trusted) it. If
//! the program already has a server and a token, use the provider `static` instead of a kubeconfig.
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! world.set_variable("HOME", "/home/jane");
//! world.write("/home/jane/.kube/config", "
//! current-context: prod
//! clusters: [{name: prod, cluster: {server: 'https://10.0.0.1:6443'}}]
//! users: [{name: jane, user: {token: abc}}]
//! contexts: [{name: prod, context: {cluster: prod, user: jane, namespace: team-a}}]
//! ");
//!
//! let registry = Registry::from_registrations([&kubex_kubeconfig::REGISTRATION, &kubex_static::REGISTRATION])?;
//! let chain = Chain::builder(registry).host(world.host()).source(Source::new("kubeconfig")).build().unwrap();
//! let configuration = chain.resolve().await?;
//! assert_eq!(configuration.cluster().server.as_str(), "https://10.0.0.1:6443");
//! assert_eq!(configuration.namespace(), "team-a");
//! # Ok(())
//! # }
//! ```

mod cluster;
#[cfg(any(test, fuzzing))]
mod compare;
mod discovery;
mod entry;
mod file;
mod kubeconfig;
mod load;
mod mapping;
mod merge;
mod names;
mod near_miss;
mod options;
mod other_object;
mod pattern;
mod replaceable;
mod resolve;
mod section;
mod select;
mod user;

use kubex_core::Registration;

/// Compares the outline with the full reader. It exists only in builds of cargo-fuzz.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use compare::both_ways;
pub use kubeconfig::{Context, ContextProvider, Kubeconfig};
pub use options::KubeconfigOptions;
pub use replaceable::{ReplaceableKubeconfig, read_to_end};
pub use resolve::KubeconfigProvider;

kubex_core::register! {
    /// The registration of the provider `kubeconfig`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::provider::<KubeconfigProvider>("kubeconfig", "kubeconfig files, as kubectl reads them");
}
