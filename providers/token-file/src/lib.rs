//! A bearer token in a file that another program replaces, such as a projected service account token or the output of
//! a sidecar.
//!
//! The file is read again every 60 s (client-go, `transport/token_source.go`), or earlier if it contains a JSON web token that
//! expires earlier. White space around the token is removed. While the file is missing, empty or unreadable, the last valid
//! token stays in use until it expires or the server rejects it.
//!
//! | option | meaning |
//! |---|---|
//! | `token-file` | the file |
//! | `token` | a token that is used until one has been read from the file |
//! | `try-refresh-token` | whether the file is read again; the default is `true` |
//! | `client-certificate`, `client-key`, `client-certificate-data`, `client-key-data` | a client certificate in addition to the token |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
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
    /// The registration of the provider `token-file`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::source::<TokenFileSource>("token-file", "a bearer token in a file, read again every 60 s")
            .kubeconfig_keys(&["token-file"]);
}
