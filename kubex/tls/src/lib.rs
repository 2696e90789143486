//! Decides which server certificates are accepted: a rustls verifier with the rules of Go's `crypto/tls`.
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))] {
//! use kubex_core::Trust;
//! let provider = kubex_tls::default_provider()?;
//! let verifier = kubex_tls::verifier(&Trust::Insecure, &provider)?;
//! assert!(!verifier.supported_verify_schemes().is_empty());
//! # }
//! # Ok::<(), kubex_core::Error>(())
//! ```
//!
//! [`verifier`] is not tied to one server: rustls passes the name of the server that the client connects to, and the
//! certificate is verified for that name.

mod accept_any;
mod authorities;
mod client_config;
mod handshake;
#[cfg(feature = "reqwest")]
mod http_client;
#[cfg(feature = "reqwest")]
pub mod issuer;
mod issuers;
#[cfg(feature = "reqwest")]
mod limits;
mod provider;
mod refusal;
mod verifier;

pub use client_config::http_client_config;
#[cfg(feature = "reqwest")]
pub use http_client::{http_client, http_client_builder, read_body};
#[cfg(feature = "reqwest")]
pub use limits::{LARGEST_RESPONSE, LARGEST_RESPONSE_TEXT, check_destination, is_near, is_this_machine};
pub use provider::default_provider;
pub use refusal::{Refusal, is_unknown_issuer, sentence};
pub use verifier::verifier;
