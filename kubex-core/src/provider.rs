//! What a plugin implements that knows which server to talk to, as a kubeconfig does.
//!
//! Most plugins know an identity and nothing about a cluster: they are a [`CredentialSource`](crate::CredentialSource).

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;
use crate::host::Host;
use crate::resolved_source::ResolvedSource;

/// What a provider is given when it is asked.
#[derive(Clone, Copy, Debug)]
pub struct ResolveRequest<'a> {
    host: &'a Host,
}

impl<'a> ResolveRequest<'a> {
    /// A request on this host.
    pub fn new(host: &'a Host) -> Self {
        Self { host }
    }

    /// The files, variables and clocks to read. What is read here becomes an [input](crate::host::Input)
    /// of the answer.
    pub fn host(&self) -> &'a Host {
        self.host
    }
}

/// Answers which API server to talk to, and as whom.
#[async_trait]
pub trait CredentialProvider: Debug + Send + Sync {
    /// Finds the answer. It reads files and variables only: it starts no process and opens no connection, so
    /// that asking is cheap and logs nobody in.
    ///
    /// # Errors
    /// [`Error::not_configured`](crate::Error::not_configured) where there is nothing to read here, and the
    /// chain goes on; any other error stops the chain, because a broken answer must not become a quieter
    /// identity.
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource>;
}
