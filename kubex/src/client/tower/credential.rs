//! Passes the credential of a request to Kubex's own connections, so that they use the client certificate of the same
//! credential.

use std::sync::Arc;

use kubex_core::Credential;

/// The credential of a request, as a request extension.
#[derive(Clone, Debug)]
pub(crate) struct RequestCredential(pub(crate) Arc<Credential>);
