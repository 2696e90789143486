//! The clients: authentication of requests, and the connections that they use.
//!
//! | module | what it is for |
//! |---|---|
//! | [`reqwest`], [`kube`], [`hyper`] | complete HTTP clients |
//! | [`tower`] | a layer that authenticates the requests of another client |
//! | [`rustls`] | trust, client certificate and server name, for every client that uses rustls |
//! | [`blocking`] | programs without an async runtime |
//! | `authorizer` | decides which requests get a credential, and adds it |
//! | `newest` | follows a configuration to its successor |
//! | `pool` | decides which connections a request uses, and whether it is retried |
//! | `by_runtime` | one set of connections for each tokio runtime |
//! | `connector` | hyper over rustls, directly or through a proxy |
//! | `tunnel` | the way through an HTTP proxy |
//! | `failure` | interprets the errors of hyper, h2 and rustls |

#[cfg(any(feature = "reqwest", feature = "tower", feature = "blocking"))]
mod authorizer;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod by_runtime;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod connector;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod failure;
#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "kube")]
pub mod kube;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod newest;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod pool;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "rustls")]
pub mod rustls;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(any(feature = "reqwest", feature = "hyper"))]
mod tunnel;
