#![cfg_attr(docsrs, feature(doc_cfg))]
//! Which Kubernetes API server do I talk to, and as whom?
//!
//! ```no_run
//! # async fn example() -> kubex::Result<()> {
//! let configuration = kubex::resolve().await?;
//! println!("{}", configuration.report());
//!
//! let credential = configuration.credentials().current().await?;
//! println!("{} as {}", configuration.cluster().server, credential.provenance());
//! # Ok(())
//! # }
//! ```
//!
//! [`resolve`] tries an ordered chain of sources: by default the kubeconfig, then the pod's service account. The
//! chain skips only a source that does *not exist*. A source that exists but is broken is an error, because the next
//! source would be a different identity. The [`Report`] contains the outcome of each source.
//!
//! The result is a [`ClientConfiguration`] whose credentials stay current: tokens and certificates are renewed in the
//! background, by one fetch at a time. A request never waits for a refresh while the current credential is valid.
//!
//! | to | use |
//! |---|---|
//! | resolve the configured chain | [`resolve`] |
//! | inspect the configuration of Kubex, or change it in code | [`mod@config`] |
//! | resolve the default chain, without any configuration | [`default_chain`] |
//! | use one source only | [`configure_from_kubeconfig`], [`configure_from_pod_env`] |
//! | configure everything in code | [`configure`] |
//! | use many clusters of one kubeconfig | [`FromKubeconfig::load`] |
//! | override fields of the chosen source | `overrides` of an entry point, or [`ChainBuilder::overrides`] |
//! | build a chain in code | [`registry`], [`Chain`], [`Source`] |
//! | add a provider of your own | [`register!`] |
//! | send requests | [`mod@reqwest`], [`mod@kube`] |
//! | authenticate the requests of another client | [`mod@hyper`], [`mod@tower`], [`mod@rustls`], [`mod@blocking`] |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `static` | yes | the provider `static`, [`configure`] |
//! | `token-file` | yes | the provider `token-file` |
//! | `in-cluster` | yes | the provider `in-cluster`, [`configure_from_pod_env`]; enables `static` and `token-file` |
//! | `exec` | yes | the provider `exec`; without it, the program cannot start a process |
//! | `oidc` | yes | the provider `oidc`, also for a kubeconfig's `auth-provider: oidc`; compiles the crate reqwest |
//! | `kubeconfig` | yes | the provider `kubeconfig`, [`configure_from_kubeconfig`]; enables `static` and `token-file` |
//! | `config` | yes | [`resolve`] and [`mod@config`]: the chain from configuration files and variables |
//! | `reqwest` | yes | [`mod@reqwest`]; enables `rustls` |
//! | `aws-lc-rs` | yes | the crypto provider aws-lc-rs for `rustls`, `oidc` and all clients |
//! | `ring` | no | the crypto provider ring; if `aws-lc-rs` is enabled too, [select it explicitly](mod@rustls#the-crypto-provider) |
//! | `tower` | no | [`mod@tower`] |
//! | `rustls` | no | [`mod@rustls`] |
//! | `hyper` | no | [`mod@hyper`]; enables `rustls` and `tower` |
//! | `kube` | no | [`mod@kube`]; enables `hyper` |
//! | `blocking` | no | [`mod@blocking`] |
//! | `test-util` | no | [`host::SimulatedHost`], `faults` and `provider_conformance!`, for the tests of a program |
//!
//! [`registry`], [`default_chain`] and the types of `kubex-core` are always available.

mod built_in;
mod client;
#[cfg(feature = "config")]
pub mod config;
mod default_chain;
#[cfg(feature = "kubeconfig")]
mod from_kubeconfig;
#[cfg(feature = "in-cluster")]
mod from_pod_env;
#[cfg(feature = "static")]
mod manual;
pub mod prelude;
#[cfg(feature = "config")]
mod resolve;

pub use kubex_core::{
    BuildContext, CaBundle, Chain, ChainBuilder, ClientCertificate, ClientConfiguration,
    ClientConfigurationBuilder, Cluster, Credential, CredentialProvider, CredentialSource, Credentials,
    CurrentTrust, Error, ErrorClass, ErrorKind, ExposeSecret, FetchReason, FetchRequest, FromOptions,
    Generation, Host, Identity, Impersonation, LiveTrust, Options, Origin, Overrides, Provenance, Proxy,
    Registration, Registry, Report, ResolveRequest, ResolvedSource, Result, SecretBytes, SecretString,
    ServerUrl, Source, Trust, TrustSource, Warning, credential, credentials, host, options, origin,
    overrides, provenance, register, report, resolved_source, text, time, trust,
};

#[doc(hidden)]
pub use kubex_core::__private;
#[cfg(feature = "test-util")]
pub use kubex_core::{faults, provider_conformance};

pub use built_in::registry;
#[cfg(feature = "blocking")]
pub use client::blocking;
#[cfg(feature = "hyper")]
pub use client::hyper;
#[cfg(feature = "kube")]
pub use client::kube;
#[cfg(feature = "reqwest")]
pub use client::reqwest;
#[cfg(feature = "rustls")]
pub use client::rustls;
#[cfg(feature = "tower")]
pub use client::tower;
pub use default_chain::default_chain;
#[cfg(feature = "kubeconfig")]
pub use from_kubeconfig::{FromKubeconfig, configure_from_kubeconfig};
#[cfg(feature = "in-cluster")]
pub use from_pod_env::{FromPodEnv, configure_from_pod_env};
#[cfg(feature = "kubeconfig")]
pub use kubex_kubeconfig::{Context, ContextProvider, Kubeconfig};
#[cfg(feature = "static")]
pub use manual::{ManualConfiguration, configure};
#[cfg(feature = "config")]
pub use resolve::{Resolve, resolve};
