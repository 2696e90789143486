//! A bearer token in a file that is rotated from outside: a projected service account token, a sidecar's output.
//!
//! The file is read again every 60 s (client-go, `transport/token_source.go`), and sooner if the token is a JSON web token
//! that expires sooner. White space around the token is trimmed. While the file is missing, empty or unreadable, the last
//! valid token stays in use until it expires or the server rejects it.
//!
//! | option | meaning |
//! |---|---|
//! | `token-file` | the file |
//! | `token` | a token to use until the file contains one |
//! | `try-refresh-token` | whether the file is read again; on unless set to `false` |
//! | `client-certificate`, `client-key` and their `-data` | a client certificate in addition to the token |
//! | the cluster's | `server`, `certificate-authority`, `namespace`, `as`, ... ([`kubex_core::options::ClusterFields`]) |
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Chain, ExposeSecret, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! world.write("/run/secrets/token", "abc\n");
//!
//! let registry = Registry::from_registrations([&kubex_token_file::REGISTRATION])?;
//! let options = Options::new().set("server", "https://10.0.0.1").set("token-file", "/run/secrets/token");
//! let chain = Chain::builder(registry).host(world.host()).source(Source::new("vault").provider("token-file").options(options)).build().unwrap();
//!
//! let credential = chain.resolve().await?.credentials().current().await?;
//! assert_eq!(credential.token().unwrap().expose_secret(), "abc");
//! # Ok(())
//! # }
//! ```

mod options;
mod source;

use kubex_core::Registration;

pub use options::TokenFileOptions;
pub use source::TokenFileSource;

kubex_core::register! {
    /// The provider `token-file`.
    pub static REGISTRATION =
        Registration::source::<TokenFileSource>("token-file", "a bearer token in a file, read again every 60 s")
            .kubeconfig_keys(&["token-file"]);
}
