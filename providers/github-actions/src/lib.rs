//! The OpenID Connect token of a GitHub Actions job, for a cluster whose API server trusts GitHub as an issuer.
//!
//! A job with the permission `id-token: write` has two variables: an address, and a token for requests to that
//! address. With them, this provider requests an OpenID Connect token for an audience, and sends it as the bearer
//! token. It requests a new one before the old one expires, so a job may run longer than its tokens are valid. The
//! repository stores no secret.
//!
//! | option | meaning |
//! |---|---|
//! | `audience` | the audience of the token; the API server must accept it |
//! | `issuer-certificate-authority`, `issuer-certificate-authority-data` | the CA bundle for GitHub's certificate; the default is the system's trust store |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
//!
//! Outside of GitHub Actions, the source is not configured, so the chain continues. In a job without the permission,
//! resolving is an error.
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let registry = Registry::from_registrations([&kubex_github_actions::REGISTRATION])?;
//! let options = Options::new().set("server", "https://10.0.0.1").set("audience", "production");
//! let source = Source::new("job").provider("github-actions").options(options);
//! let chain = Chain::builder(registry).host(SimulatedHost::new().host()).source(source).build().unwrap();
//!
//! // This fails here, because the program does not run in GitHub Actions.
//! let error = chain.resolve().await.unwrap_err();
//! assert!(error.to_string().contains("ACTIONS_ID_TOKEN_REQUEST_URL is not set"));
//! # Ok(())
//! # }
//! ```

mod job;
mod options;
mod request;
mod source;

use kubex_core::Registration;

pub use options::GithubActionsOptions;
pub use source::GithubActionsSource;

kubex_core::register! {
    /// The registration of the provider `github-actions`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION = Registration::source::<GithubActionsSource>(
        "github-actions",
        "the OpenID Connect token of a job of GitHub Actions",
    )
    .shown_keys(&["audience"]);
}
