//! What a plugin implements that knows which server to talk to, as a kubeconfig does.
//!
//! Most plugins know an identity and nothing about a cluster: they are a [`CredentialSource`](crate::CredentialSource).

use std::fmt::Debug;
use std::sync::LazyLock;

use async_trait::async_trait;

use crate::configuration::ClientConfigurationBuilder;
use crate::error::Result;
use crate::host::Host;
use crate::overrides::Overrides;

/// What a provider is told when it is asked.
#[derive(Clone, Copy, Debug)]
pub struct ResolveRequest<'a> {
    host: &'a Host,
    overrides: &'a Overrides,
}

impl<'a> ResolveRequest<'a> {
    /// Asks on this host, with these overrides.
    pub fn new(host: &'a Host, overrides: &'a Overrides) -> Self {
        Self { host, overrides }
    }

    /// The world, for anything that is read.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// Asks on this host, without overrides.
    pub fn on(host: &'a Host) -> Self {
        static NONE: LazyLock<Overrides> = LazyLock::new(Overrides::default);
        Self::new(host, &NONE)
    }

    /// What is put in place of the provider's own. [`ClusterOptions::configure`] and the chain take care of it; a
    /// provider looks at it only to leave out what would be replaced.
    ///
    /// [`ClusterOptions::configure`]: crate::options::ClusterOptions::configure
    pub fn overrides(&self) -> &'a Overrides {
        self.overrides
    }
}

/// Says which API server to talk to, and as whom.
#[async_trait]
pub trait CredentialProvider: Debug + Send + Sync {
    /// Finds the answer. It reads files and variables only: it starts no process and opens no connection, so
    /// that asking costs nothing and logs nobody in.
    ///
    /// # Errors
    /// [`Error::not_configured`](crate::Error::not_configured) where this place has nothing to say, and the
    /// chain goes on; any other error stops the chain, because a broken answer must not become a quieter
    /// identity.
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ClientConfigurationBuilder>;
}
