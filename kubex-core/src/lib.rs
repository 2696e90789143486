//! The core of Kubex: the data model, the source chain, and the credential refresh engine.
//!
//! Kubex answers one question: which Kubernetes API server does a program connect to, and as which user? This crate
//! defines the types of the answer and keeps its credentials current. It contains no provider, no configuration file
//! format and no HTTP client. Programs depend on the facade crate `kubex`. Provider crates depend on this one.
//!
//! | task | items |
//! |---|---|
//! | write a provider | [`CredentialSource`] or [`CredentialProvider`], [`FromOptions`], [`register!`] |
//! | build a chain | [`Registry`], [`Chain`] |
//! | read the resolved configuration | [`ClientConfiguration`], [`Cluster`], [`Credentials`], [`Credential`], [`LiveTrust`] |
//! | find out what happened | [`Report`], [`Error`], [`Warning`] |
//! | test without real files, variables and clocks | [`Host`], and `SimulatedHost` with the feature `test-util` |
//!
//! Resolving takes these steps:
//!
//! 1. The registry builds a provider from each source's [`Options`].
//! 2. A provider finds the server and the identity, and returns them as a [`ResolvedSource`].
//! 3. The chain merges [`Overrides`] into it.
//! 4. The registry builds the credential source, and the chain returns a [`ClientConfiguration`].
//!
//! After that, each request gets its [`Credential`] from [`Credentials::current`].

mod address;
mod assemble;
pub mod chain;
pub mod cluster;
pub mod configuration;
pub mod credential;
pub mod credentials;
pub mod error;
#[cfg(feature = "test-util")]
pub mod faults;
pub mod host;
pub mod impersonation;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "metrics/off.rs"]
mod metrics;
pub mod options;
pub mod origin;
pub mod overrides;
mod pem;
pub mod placeholder;
pub mod provenance;
pub mod provider;
pub mod proxy;
mod refresh;
pub mod registry;
pub mod report;
mod request_path;
pub mod resolved_source;
pub mod secret;
mod shards;
mod sharing_key;
pub mod source;
mod store_identity;
pub mod text;
pub mod time;
pub mod trust;
mod value;
pub mod warning;
pub mod x509;

pub use chain::{Chain, ChainBuilder, Source};
pub use cluster::{CaBundle, Cluster, ServerUrl, Trust};
pub use configuration::{ClientConfiguration, ClientConfigurationBuilder};
pub use credential::{ClientCertificate, Credential, Generation};
pub use credentials::Credentials;
pub use error::{Error, ErrorClass, ErrorKind, Result};
pub use host::Host;
pub use impersonation::Impersonation;
pub use options::Options;
pub use origin::Origin;
pub use overrides::Overrides;
pub use provenance::Provenance;
pub use provider::{CredentialProvider, ResolveRequest};
pub use proxy::Proxy;
pub use registry::{BuildContext, FromOptions, PluginCall, Registration, Registry, Replacement};
pub use report::Report;
pub use resolved_source::{Identity, ResolvedSource};
pub use secret::{ExposeSecret, SecretBytes, SecretString};
pub use source::{CredentialSource, FetchReason, FetchRequest};
pub use trust::{CurrentTrust, LiveTrust, TrustSource};
pub use warning::Warning;

/// Items that the macros of this crate expand to, and what the clients of Kubex share with it.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::registry::Submission;
    pub use crate::shards::{Padded, Shards};
}
