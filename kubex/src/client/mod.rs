//! The clients: how a request gets its credential, and the connections it is sent over.
//!
//! | module | what it is for |
//! |---|---|
//! | [`reqwest`], [`kube`] | clients that connect and send |
//! | [`tower`] | a layer that authenticates the requests of another client |
//! | [`rustls`] | trust, client certificate and server name, for every client that speaks TLS by rustls |
//! | [`blocking`] | programs without an async runtime |
//! | `authorizer` | decides where a credential may go, and puts it on a request |
//! | `pool` | decides which connections a request is sent over, and whether it is sent again |
//! | `connector` | hyper over rustls, directly or through a proxy |
//! | `failure` | reads the errors of hyper, h2 and rustls |

#[cfg(any(feature = "reqwest", feature = "tower", feature = "blocking"))]
mod authorizer;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod connector;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod failure;
#[cfg(feature = "kube")]
pub mod kube;
#[cfg(any(feature = "reqwest", feature = "kube"))]
mod pool;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "rustls")]
pub mod rustls;
#[cfg(feature = "tower")]
pub mod tower;
