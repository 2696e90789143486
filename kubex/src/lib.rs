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
//! [`resolve`] asks an ordered chain of places: the kubeconfig, then the pod the program runs in. Only a place
//! that is *not there* falls through to the next. One that is there and broken is an error, because the next
//! place would be another identity, and nobody asked for that one. The report tells what each place said.
//!
//! What it gives is a [`ClientConfiguration`] whose credentials stay true: tokens and certificates are renewed
//! behind it, one fetch at a time, and the request path never waits while there is a valid one.
//!
//! | to | call |
//! |---|---|
//! | take the configured chain | [`resolve`] |
//! | look at what is configured, or add to it | [`mod@config`] |
//! | take one place only | [`configure_from_kubeconfig`], [`configure_from_pod_env`] |
//! | speak to many clusters | [`FromKubeconfig::load`] |
//! | put a field in the place of any source's | [`ChainBuilder::overrides`] |
//! | say everything yourself | [`configure`] |
//! | order the places yourself, or add your own | [`registry`] and [`Chain`], [`register!`] |
//! | send requests | [`mod@reqwest`], [`mod@kube`] |
//! | have another client send them | [`mod@tower`], [`mod@rustls`], [`mod@blocking`] |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `static` | yes | the provider `static` |
//! | `token-file` | yes | the provider `token-file` |
//! | `in-cluster` | yes | the provider `in-cluster`; takes `token-file` along |
//! | `exec` | yes | the provider `exec`; without it the program cannot start a plugin |
//! | `oidc` | yes | the provider `oidc`, also a kubeconfig's `auth-provider: oidc`; brings reqwest along |
//! | `kubeconfig` | yes | the provider `kubeconfig`; takes `static` and `token-file` along |
//! | `config` | yes | [`mod@config`]: the chain from files and variables; without it [`resolve`] asks the built-in one |
//! | `reqwest` | yes | [`mod@reqwest`] |
//! | `ring` | yes | the crypto provider ring, for `rustls`, `reqwest` and `kube` |
//! | `aws-lc-rs` | no | the crypto provider aws-lc-rs; beside `ring` it is used [where it is named](mod@rustls#the-crypto-provider) |
//! | `tower` | no | [`mod@tower`] |
//! | `rustls` | no | [`mod@rustls`]; `reqwest` and `kube` take it along |
//! | `kube` | no | [`mod@kube`]; takes `tower` along |
//! | `blocking` | no | [`mod@blocking`] |

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

pub use built_in::registry;
#[cfg(feature = "blocking")]
pub use client::blocking;
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
