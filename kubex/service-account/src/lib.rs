//! Requests the token of a service account from the API server (TokenRequest), with the identity of another source.
//!
//! Use it if a program has the identity of an administrator or a controller, and should work with the fewer rights of a service
//! account. The option `through` is the name of the source that provides this identity. This provider also uses that source's
//! cluster, but not its impersonation. It requests a new token before the last one expires.
//!
//! | option | meaning |
//! |---|---|
//! | `through` | the name of the source that provides the identity and the cluster |
//! | `service-account` | `NAMESPACE/NAME` |
//! | `audiences` | the audiences of the token; the default is the API server |
//! | `lifetime` | the requested lifetime of the token, at least `10m`; the server may shorten it |
//! | `bound-object` | `{kind: Pod, name: NAME, uid: UID}`; the token becomes invalid when the object is deleted |
//!
//! To link this provider into a program, write `use kubex_service_account as _;`.
//!
//! ```no_run
//! use kubex::{Chain, Source};
//! use kubex_service_account as _;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex::Result<()> {
//! let deployer = Source::new("deployer")
//!     .provider("service-account")
//!     .option("through", "admin")
//!     .option("service-account", "team-a/deployer");
//! let chain = Chain::builder(kubex::registry()?)
//!     .source(deployer)
//!     .reference(Source::new("admin").provider("kubeconfig"))
//!     .build()?;
//! let configuration = chain.resolve().await?;
//! # Ok(())
//! # }
//! ```

mod options;
mod provider;
mod token_request;

use kubex_core::Registration;

pub use options::{BoundObject, ServiceAccountOptions};
pub use provider::ServiceAccount;

kubex_core::register! {
    /// The registration of the provider `service-account`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION = Registration::provider::<ServiceAccount>(
        "service-account",
        "a service account's token, requested with the identity of another source",
    );
}
