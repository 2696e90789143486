//! An identity that is part of the configuration: a token, a user name and password, a client certificate, or no
//! credential at all (anonymous).
//!
//! | option | meaning |
//! |---|---|
//! | `token` | a bearer token |
//! | `username`, `password` | basic authentication; not together with a token |
//! | `client-certificate`, `client-key` | files in PEM, read again every 60 s |
//! | `client-certificate-data`, `client-key-data` | the contents of such files: PEM, or base64 of PEM |
//! | `server`, `certificate-authority`, `namespace`, `as`, ... | the cluster: see [`kubex_core::options::ClusterFields`] |
//!
//! Use it for tests, for break-glass access, and for a credential that the program already has. For a token that is
//! rotated, use a file and the provider `token-file`.
//!
//! ```
//! use kubex_core::{Chain, Options, Registry, Source};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let registry = Registry::from_registrations([&kubex_static::REGISTRATION])?;
//! let options = Options::new().set("server", "https://10.0.0.1:6443").set("token", "abc");
//! let chain = Chain::builder(registry).source(Source::new("break-glass").provider("static").options(options)).build().unwrap();
//!
//! let configuration = chain.resolve().await?;
//! assert_eq!(configuration.credentials().current().await?.description(), "bearer token");
//! # Ok(())
//! # }
//! ```

mod options;
mod source;

use kubex_core::Registration;

pub use options::StaticOptions;
pub use source::StaticSource;

kubex_core::register! {
    /// The registration of the provider `static`, for a [`Registry`](kubex_core::Registry).
    pub static REGISTRATION =
        Registration::source::<StaticSource>("static", "an identity that is part of the configuration");
}
