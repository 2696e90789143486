//! Fault injection for tests of providers (feature `test-util`).
//!
//! | component | faults |
//! |---|---|
//! | a credential source | [`FaultySource`]: fails, hangs, panics, is slow, returns an expired credential |
//! | an exec plugin | [`plugin`]: fails, is killed, prints too much, hangs, fails every n-th time |
//! | files | [`SimulatedHost`](crate::host::SimulatedHost): missing, not readable, devices, reads that hang, changes between two reads |
//! | clocks | `SimulatedHost`: set, suspended, slow; [`SettableClock`] for real time |
//! | a document | [`Mutations`]: characters, lines and parts inserted, removed, repeated, cut off |
//! | a caller | [`give_up_after`]: dropped before it has a result |
//! | a server | [`FaultyServer`]: garbage, truncated responses, floods, silence |
//!
//! [`provider_conformance!`](crate::provider_conformance) is the test suite that every provider must pass.
//!
//! ```
//! use std::sync::Arc;
//! use kubex_core::faults::{Act, FaultySource};
//! use kubex_core::host::SimulatedHost;
//! use kubex_core::{Cluster, Credentials, ErrorKind, ServerUrl};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! let world = SimulatedHost::new();
//! let source = FaultySource::playing([Act::fails(ErrorKind::Unavailable), Act::token()]);
//! let cluster = Arc::new(Cluster::new(ServerUrl::parse("https://10.0.0.1")?));
//! let credentials = Credentials::live(source.clone(), cluster, world.host());
//!
//! assert_eq!(credentials.current().await.unwrap_err().kind(), ErrorKind::Unavailable);
//! world.advance(std::time::Duration::from_secs(1));
//! assert!(credentials.current().await.is_ok());
//! assert_eq!(source.runs(), 2);
//! # Ok(())
//! # }
//! ```

mod caller;
mod clock;
mod conformance;
mod mutations;
pub mod plugin;
mod server;
mod shown;
mod source;

pub use caller::give_up_after;
/// The certificate of a test authority in PEM: RSA of 2048 bits, valid from 2000 to 9999.
pub const CERTIFICATE: &str = include_str!("certificate.pem");

pub use clock::SettableClock;
pub use conformance::Conformance;
pub use mutations::{Mutations, YAML_PIECES};
pub use server::{FaultyServer, Reply};
pub use source::{Act, FaultySource};
