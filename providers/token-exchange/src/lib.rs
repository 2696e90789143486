//! Exchanges the token of another source at an issuer, for a token that the API server accepts (OAuth 2.0 Token
//! Exchange, RFC 8693).
//!
//! The option `through` is the name of the other source. Its token may be a GitHub Actions token, a service account's
//! token or the id-token of a login. This provider also uses the other source's cluster, but not its impersonation. It
//! requests a new token before the last one expires.
//!
//! | option | meaning |
//! |---|---|
//! | `through` | the name of the source whose token is exchanged and whose cluster is used |
//! | `endpoint` | the issuer's token endpoint, `https://` only |
//! | `audience`, `resource`, `scope` | what the new token is for |
//! | `subject-token-type`, `requested-token-type` | the types of the other source's token and of the new token: `jwt`, `id-token`, `access-token`, or a URI |
//! | `client-id`, `client-secret` or `client-secret-file` | the OAuth client, if the issuer requires one |
//! | `client-authentication` | how the client's secret is sent: `basic` or `form` |
//! | `actor-token-file`, `actor-token-type` | the token of the actor, which is the party that acts on behalf of the other source's identity (RFC 8693, 1.1) |
//! | `endpoint-certificate-authority`, `endpoint-certificate-authority-data` | the CA bundle for the issuer's certificate |
//! | `parameters` | additional fields of the request, which some issuers need |
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let registry = Registry::from_registrations([&kubex_token_exchange::REGISTRATION])?;
//! let options = Options::new()
//!     .set("through", "job")
//!     .set("endpoint", "https://issuer.example/token")
//!     .set("audience", "production");
//! let source = Source::new("production").provider("token-exchange").options(options);
//! let chain = Chain::builder(registry).host(SimulatedHost::new().host()).source(source).build()?;
//!
//! // This fails here, because the chain contains no source of the name `job`.
//! let error = chain.resolve().await.unwrap_err();
//! assert!(error.to_string().contains("the source \"job\" does not exist"));
//! # Ok(())
//! # }
//! ```

mod client;
mod endpoint;
mod options;
mod provider;
mod response;
mod source;
mod subject;
mod token_type;

use kubex_core::Registration;

pub use options::{ClientAuthentication, TokenExchangeOptions};
pub use provider::TokenExchange;

kubex_core::register! {
    /// The registration of the provider `token-exchange`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION = Registration::provider::<TokenExchange>(
        "token-exchange",
        "the token of another source, exchanged at an issuer (RFC 8693)",
    );
}
