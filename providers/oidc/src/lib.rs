//! An OpenID Connect id-token, renewed with its refresh token, as in a kubeconfig's `auth-provider: oidc`.
//!
//! The id-token is sent as the bearer token until 10 s before its `exp`. A new one is fetched in the background before
//! that time, or at once after the API server has rejected the token. A refresh reads the address of the token
//! endpoint from the issuer's discovery document and sends the refresh token there (OpenID Connect Discovery 1.0,
//! section 4; RFC 6749, section 6). If the issuer returns a new refresh token, the provider keeps it in memory. To
//! keep it for later processes, use `cache: shared` in Kubex's configuration, or the option `write-tokens` of the
//! provider `kubeconfig`.
//!
//! This provider cannot log in. A login tool (such as `kubelogin`) must write the tokens into the configuration. Alternatively,
//! the provider `exec` can run a login tool.
//!
//! | option | meaning |
//! |---|---|
//! | `idp-issuer-url` | the issuer, `https://` only |
//! | `client-id` | the client's id at the issuer |
//! | `client-secret` | the client's secret at the issuer, if it has one |
//! | `id-token` | the first id-token |
//! | `refresh-token` | the refresh token |
//! | `idp-certificate-authority`, `idp-certificate-authority-data` | the CA bundle for the issuer's certificate; the default is the system's trust store |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
//!
//! ```
//! use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, ExposeSecret, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! // A token that expires in 2100. The clock of the simulated host shows 2030.
//! let id_token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"jane","exp":4102444800}"#));
//!
//! let registry = Registry::from_registrations([&kubex_oidc::REGISTRATION])?;
//! let options = Options::new()
//!     .set("server", "https://10.0.0.1")
//!     .set("idp-issuer-url", "https://accounts.example")
//!     .set("client-id", "kubernetes")
//!     .set("id-token", id_token.as_str());
//! let chain = Chain::builder(registry)
//!     .host(SimulatedHost::new().host())
//!     .source(Source::new("company").provider("oidc").options(options))
//!     .build().unwrap();
//!
//! let credential = chain.resolve().await?.credentials().current().await?;
//! assert_eq!(credential.token().unwrap().expose_secret(), id_token);
//! # Ok(())
//! # }
//! ```
//!
//! A refresh takes at most 30 s, reads at most 1 MiB of each response, and follows no redirects. If a CA bundle is
//! set, only that bundle is trusted. If a refresh fails, the error contains `error` and `error_description` of the
//! issuer's response, with secrets masked, and nothing else of the response.

mod grant;
mod id_token;
mod issuer;
mod options;
mod source;
mod tokens;
mod write_back;

use kubex_core::Registration;

pub use options::OidcOptions;
pub use source::OidcSource;

kubex_core::register! {
    /// The registration of the provider `oidc`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::source::<OidcSource>("oidc", "an OpenID Connect id-token, renewed by its refresh token")
            .kubeconfig_keys(&[
                "idp-issuer-url",
                "client-id",
                "client-secret",
                "id-token",
                "refresh-token",
                "idp-certificate-authority",
                "idp-certificate-authority-data",
                "extra-scopes",
            ])
            .shown_keys(&["idp-issuer-url", "client-id"]);
}
