#![cfg_attr(docsrs, feature(doc_cfg))]
//! Which Kubernetes API server do I talk to, and as whom?
//!
//! ```no_run
//! # async fn example() -> kubex::Result<()> {
//! let resolution = kubex::resolve().await?;
//! println!("{}", resolution.report);
//!
//! let credential = resolution.configuration.credentials().current().await?;
//! println!("{} as {}", resolution.configuration.cluster().server, credential.provenance());
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
//! | `aws-lc-rs` | no | the crypto provider aws-lc-rs; where both are on it is taken |
//! | `tower` | no | [`mod@tower`] |
//! | `rustls` | no | [`mod@rustls`]; `reqwest` and `kube` take it along |
//! | `kube` | no | [`mod@kube`]; takes `tower` along |
//! | `blocking` | no | [`mod@blocking`] |
//! | `cli` | no | the command `kubex`; takes all providers and `reqwest` along |

#[cfg(any(feature = "reqwest", feature = "tower", feature = "blocking"))]
mod authorize;
#[cfg(feature = "blocking")]
pub mod blocking;
mod built_in;
#[cfg(feature = "config")]
pub mod config;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod connector;
mod default_chain;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod failure;
#[cfg(feature = "kubeconfig")]
mod from_kubeconfig;
#[cfg(feature = "kube")]
pub mod kube;
#[cfg(feature = "static")]
mod manual;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod pool;
pub mod prelude;
#[cfg(feature = "reqwest")]
pub mod reqwest;
mod resolve;
#[cfg(feature = "rustls")]
pub mod rustls;
#[cfg(feature = "tower")]
pub mod tower;

pub use kubex_core::{
    BuildContext, CaBundle, Chain, ChainBuilder, ClientCertificate, ClientConfiguration,
    ClientConfigurationBuilder, Cluster, Credential, CredentialProvider, CredentialSource, Credentials,
    CurrentTrust, Error, ErrorClass, ErrorKind, ExposeSecret, FetchReason, FetchRequest, FromOptions,
    Generation, Host, Impersonation, LiveTrust, Options, Origin, Overrides, Provenance, Proxy, Registration,
    Registry, Report, Resolution, ResolveRequest, Result, SecretBytes, SecretString, ServerUrl, Trust,
    TrustSource, Warning, credential, credentials, host, options, origin, overrides, provenance, register,
    registry as plugins, report, text, time, trust,
};

#[doc(hidden)]
pub use kubex_core::__private;

pub use built_in::registry;
#[cfg(feature = "in-cluster")]
pub use default_chain::configure_from_pod_env;
pub use default_chain::default_chain;
#[cfg(feature = "kubeconfig")]
pub use from_kubeconfig::{FromKubeconfig, configure_from_kubeconfig};
#[cfg(feature = "kubeconfig")]
pub use kubex_kubeconfig::{Context, ContextProvider, Kubeconfig};
#[cfg(feature = "static")]
pub use manual::{ManualConfiguration, configure};
pub use resolve::resolve;
