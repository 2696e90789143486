//! The model and the mechanism of Kubex.
//!
//! Kubex answers one question: which Kubernetes API server do I talk to, and as whom? This crate has the
//! words for the answer and the machinery that keeps it true; it knows no provider, no configuration file
//! format and no HTTP client. Programs use the facade, the `kubex` crate; authors of providers use this one.
//!
//! | to | look at |
//! |---|---|
//! | write a provider | [`CredentialSource`] or [`CredentialProvider`], [`FromOptions`], [`register!`] |
//! | build a chain | [`Registry`], [`Chain`] |
//! | read the answer | [`ClientConfiguration`], [`Cluster`], [`Credentials`], [`Credential`], [`LiveTrust`] |
//! | tell what happened | [`Report`], [`Error`], [`Warning`] |
//! | test without the world | [`Host`], and `SimulatedHost` with the feature `test-util` |
//!
//! The way of the data: options → the registry builds providers → a provider answers with a [`ResolvedSource`] → the
//! chain merges [`Overrides`] → the registry builds the identity → [`ClientConfiguration`]; then, for each request,
//! [`Credentials::current`] → [`Credential`].

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
pub mod options;
pub mod origin;
pub mod overrides;
pub mod provenance;
pub mod provider;
pub mod proxy;
mod refresh;
pub mod registry;
pub mod report;
mod request_path;
pub mod resolved_source;
pub mod secret;
mod sharing_key;
pub mod source;
pub mod text;
pub mod trust;
mod value;
pub mod warning;

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
pub use registry::{BuildContext, FromOptions, Registration, Registry};
pub use report::Report;
pub use resolved_source::{Identity, ResolvedSource};
pub use secret::{ExposeSecret, SecretBytes, SecretString};
pub use source::{CredentialSource, FetchReason, FetchRequest};
pub use trust::{CurrentTrust, LiveTrust, TrustSource};
pub use warning::Warning;

/// What the macros of this crate expand to.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::registry::Submission;
}
