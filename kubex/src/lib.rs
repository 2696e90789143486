#![cfg_attr(docsrs, feature(doc_cfg))]
//! Finds the Kubernetes API server and the credential that a program should use, and keeps the credential current.
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
//! [`resolve`] tries an ordered chain of sources: by default the kubeconfig, then the pod's service account. The chain
//! skips a source only if the source is *not configured*, which means that its file or its variables do not exist. If
//! they exist but are broken, `resolve` returns an error, because the next source would be a different identity. The
//! [`Report`] contains the outcome of each source.
//!
//! The result is a [`ClientConfiguration`] whose credentials stay current: tokens and certificates are renewed in the
//! background, by one fetch at a time. A request never waits for a refresh while the current credential is valid.
//!
//! | to | use |
//! |---|---|
//! | resolve the configured chain | [`resolve`] |
//! | inspect the configuration of Kubex, or change it in code | [`config`] |
//! | set defaults that files and variables can override | `kubex::resolve().defaults(options)` |
//! | apply the plugin policy of kubectl's preferences | [`kuberc`] |
//! | resolve the default chain, and ignore Kubex's configuration files and variables | [`default_chain`]: `kubex::default_chain()?.resolve().await?` |
//! | use one source only | [`configure_from_kubeconfig`], [`configure_from_pod_env`] |
//! | configure everything in code | [`configure`] |
//! | use many clusters of one kubeconfig | [`FromKubeconfig::load`] |
//! | use many clusters that are added and removed while the program runs | [`fleet`] |
//! | override fields of the chosen source | the method `overrides` of an entry point, or [`ChainBuilder::overrides`] |
//! | build a chain in code | [`registry`], [`Chain`], [`Source`] |
//! | add a provider of your own | [`register!`] |
//! | send requests | [`reqwest`], [`kube`] |
//! | authenticate the requests of another client | [`hyper`], [`tower`], [`rustls`], [`blocking`] |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `static` | yes | the provider `static`, [`configure`] |
//! | `token-file` | yes | the provider `token-file` |
//! | `in-cluster` | yes | the provider `in-cluster`, [`configure_from_pod_env`]; enables `static` and `token-file` |
//! | `exec` | yes | the provider `exec`; without it, Kubex starts no process |
//! | `oidc` | yes | the provider `oidc`, also for a kubeconfig's `auth-provider: oidc`; compiles the crate reqwest |
//! | `aks` | no | the provider `aks`: tokens for Azure Kubernetes Service, without kubelogin; compiles the Azure SDK |
//! | `eks` | no | the provider `eks`: tokens for Amazon EKS, without the AWS CLI; compiles the AWS SDK, which needs Rust 1.94.1 |
//! | `gke` | no | the provider `gke`: Google access tokens, without gke-gcloud-auth-plugin; compiles Google's SDK, which needs Rust 1.91 |
//! | `github-actions` | no | the provider `github-actions`: the OpenID Connect token of a job; compiles the crate reqwest |
//! | `token-exchange` | no | the provider `token-exchange`: the token of another source, exchanged at an issuer; compiles the crate reqwest |
//! | `kubeconfig` | yes | the provider `kubeconfig`, [`configure_from_kubeconfig`]; enables `static` and `token-file` |
//! | `config` | yes | [`resolve`] and [`config`]: the chain from configuration files and variables |
//! | `store` | no | `cache: shared` of a source: all processes of the user share its credential; enables `config` |
//! | `reqwest` | yes | [`reqwest`]; enables `rustls` |
//! | `aws-lc-rs` | yes | the crypto provider aws-lc-rs for `rustls`, `oidc`, `aks`, `eks`, `gke`, `github-actions`, `token-exchange` and all clients |
//! | `ring` | no | the crypto provider ring; if `aws-lc-rs` is enabled too, select it explicitly |
//! | `tower` | no | [`tower`] |
//! | `fleet` | no | [`fleet`]: many clusters, from kubeconfigs, Secrets and ClusterProfiles; enables `kubeconfig` |
//! | `fleet-hub` | no | `fleet::Hub`: a fleet from the objects of a hub cluster, which it watches; enables `fleet` and `kube` |
//! | `rustls` | no | [`rustls`] |
//! | `hyper` | no | [`hyper`]; enables `rustls` and `tower` |
//! | `kube` | no | [`kube`]; enables `hyper` |
//! | `blocking` | no | [`blocking`] |
//! | `metrics` | no | [`metrics`] |
//! | `test-util` | no | `host::SimulatedHost`, `faults` and `provider_conformance!`, for the tests of a program |
//!
//! [`registry`], [`default_chain`] and the types of `kubex-core` are always available.
//!
//! # Other topics
//!
//! | topic | where |
//! |---|---|
//! | metrics | [`metrics`], with the feature of that name; or the `tracing` events of [`credentials`](mod@credentials#events) |
//! | traces | each fetch of a credential or a CA bundle is a span `fetch` of the target `kubex::credentials` or `kubex::trust` |
//! | timeout | of a source: [`Source::timeout`]; of a plugin: [`host::PluginRules::deadline`]; of a request: the HTTP client's own |
//! | retry | Kubex's clients retry a request once after a 401, with a new credential, and a request that the server has not processed; all other retries are left to the program |
//! | reload | certificates, CA bundles and token files are read again within 60 s; [`Credentials::changes`] reports each change |
//! | several clusters | [`fleet`], [`FromKubeconfig::load`], or one source for each and [`Chain::find`] |
//! | test, fake | the feature `test-util`, or [`configure`] with a token |
//! | expired, rejected | [`ErrorKind::Expired`], [`Credentials::invalidate`] |
//!
#![cfg_attr(feature = "config", doc = "[`config`]: mod@config")]
#![cfg_attr(not(feature = "config"), doc = "[`config`]: #features")]
#![cfg_attr(feature = "fleet", doc = "[`fleet`]: mod@fleet")]
#![cfg_attr(not(feature = "fleet"), doc = "[`fleet`]: #features")]
#![cfg_attr(feature = "config", doc = "[`kuberc`]: mod@kuberc")]
#![cfg_attr(not(feature = "config"), doc = "[`kuberc`]: #features")]
#![cfg_attr(feature = "reqwest", doc = "[`reqwest`]: mod@reqwest")]
#![cfg_attr(not(feature = "reqwest"), doc = "[`reqwest`]: #features")]
#![cfg_attr(feature = "kube", doc = "[`kube`]: mod@kube")]
#![cfg_attr(not(feature = "kube"), doc = "[`kube`]: #features")]
#![cfg_attr(feature = "hyper", doc = "[`hyper`]: mod@hyper")]
#![cfg_attr(not(feature = "hyper"), doc = "[`hyper`]: #features")]
#![cfg_attr(feature = "tower", doc = "[`tower`]: mod@tower")]
#![cfg_attr(not(feature = "tower"), doc = "[`tower`]: #features")]
#![cfg_attr(feature = "rustls", doc = "[`rustls`]: mod@rustls")]
#![cfg_attr(not(feature = "rustls"), doc = "[`rustls`]: #features")]
#![cfg_attr(feature = "metrics", doc = "[`metrics`]: mod@metrics")]
#![cfg_attr(not(feature = "metrics"), doc = "[`metrics`]: #features")]
#![cfg_attr(feature = "blocking", doc = "[`blocking`]: mod@blocking")]
#![cfg_attr(not(feature = "blocking"), doc = "[`blocking`]: #features")]

mod built_in;
mod client;
#[cfg(feature = "config")]
pub mod config;
mod default_chain;
#[cfg(feature = "kubeconfig")]
mod from_kubeconfig;
#[cfg(feature = "in-cluster")]
mod from_pod_env;
#[cfg(feature = "config")]
pub mod kuberc;
#[cfg(feature = "static")]
mod manual;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod prelude;
#[cfg(feature = "config")]
mod resolve;

pub use kubex_core::{
    BuildContext, CaBundle, Chain, ChainBuilder, ClientCertificate, ClientConfiguration,
    ClientConfigurationBuilder, Cluster, Credential, CredentialProvider, CredentialSource, Credentials,
    CurrentTrust, Error, ErrorClass, ErrorKind, ExposeSecret, FetchReason, FetchRequest, FromOptions,
    Generation, Host, Identity, Impersonation, LiveTrust, Options, Origin, Overrides, PluginCall, Provenance,
    Proxy, Registration, Registry, Replacement, Report, ResolveRequest, ResolvedSource, Result, SecretBytes,
    SecretString, ServerUrl, Source, Trust, TrustSource, Warning, chain::follow, credential, credentials,
    host, options, origin, overrides, provenance, register, report, resolved_source, text, time, trust,
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
#[cfg(feature = "fleet")]
pub use kubex_fleet as fleet;
#[cfg(feature = "kubeconfig")]
pub use kubex_kubeconfig::{Context, ContextProvider, Kubeconfig, ReplaceableKubeconfig};
#[cfg(feature = "static")]
pub use manual::{ManualConfiguration, configure};
#[cfg(feature = "config")]
pub use resolve::{Resolve, follow, resolve};
