//! The chain: an ordered list of sources. The first source that is configured is used.
//!
//! If a source is *not configured*, the chain continues with the next one. If a source is configured but broken, the chain
//! stops with an error, because the next source would give the program an identity that the user did not choose.
//!
//! ```
//! # use kubex_core::*;
//! # use kubex_core::host::SimulatedHost;
//! # #[derive(serde::Deserialize, schemars::JsonSchema)] struct NoOptions {}
//! # #[derive(Debug)] struct Guest;
//! # impl FromOptions for Guest { type Options = NoOptions; fn from_options(_: NoOptions, _: &BuildContext<'_>) -> Result<Self> { Ok(Guest) } }
//! # #[async_trait::async_trait] impl CredentialSource for Guest {
//! #   async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> { Ok(Credential::anonymous()) }
//! #   fn describe(&self) -> String { "guest".into() } }
//! # static GUEST: Registration = Registration::source::<Guest>("guest", "");
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! # let registry = Registry::from_registrations([&GUEST])?;
//! let chain = Chain::builder(registry)
//!     .source(Source::new("lab").provider("guest").option("server", "https://10.0.0.1:6443"))
//!     .overrides(Options::new().set("namespace", "team-a"))
//!     .build()?;
//! let configuration = chain.resolve().await?;
//! assert_eq!(configuration.namespace(), "team-a");
//! assert_eq!(configuration.report().chosen().unwrap().source, "lab");
//! # Ok(())
//! # }
//! ```

mod builder;
pub mod follow;
mod resolve;
mod source;

pub use builder::ChainBuilder;
pub use resolve::Chain;
pub(crate) use source::Decorator;
pub use source::Source;
