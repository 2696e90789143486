//! Tells Kubex's own connections which credential a request carries, so that they show the certificate of the same one.

use std::sync::Arc;

use kubex_core::Credential;

/// The credential that a request carries, as an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct RequestCredential(pub(crate) Arc<Credential>);
