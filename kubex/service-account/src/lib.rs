//! The token of a service account, requested from the API server (TokenRequest) with the identity of another source.
//!
//! An administrator's or a controller's identity requests short-lived tokens of a service account that has fewer rights. The
//! cluster is the other source's; its impersonation is not. A new token is requested before the last one expires, by the same
//! rules as for every credential.
//!
//! | option | meaning |
//! |---|---|
//! | `through` | the source with whose identity the token is requested |
//! | `service-account` | `NAMESPACE/NAME` |
//! | `audiences` | who the token is for; by default the API server |
//! | `lifetime` | how long it shall be valid, at least `10m`; the server may shorten it |
//! | `bound-object` | `{kind: Pod, name: NAME, uid: UID}`; the token is not valid after the object is deleted |
//!
//! To link it into a program, write `use kubex_service_account as _;`.
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
    /// The provider `service-account`.
    pub static REGISTRATION = Registration::provider::<ServiceAccount>(
        "service-account",
        "a service account's token, requested with the identity of another source",
    );
}
