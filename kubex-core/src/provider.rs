//! The two traits a plugin implements.
//!
//! Most plugins know an identity and nothing about a cluster: a vault, a cloud's metadata service, a file
//! with a token. They implement [`CredentialSource`] alone, and the core makes a provider of them by adding
//! the cluster options (`server`, `certificate-authority`, ...). A plugin that also knows *which* server to
//! talk to, as a kubeconfig does, implements [`CredentialProvider`].

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;

use crate::cluster::Cluster;
use crate::configuration::ClientConfigurationBuilder;
use crate::credential::Credential;
use crate::credentials::SharingKey;
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

/// Why a credential is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// There is none yet.
    First,
    /// The one there is expires soon, or has expired.
    Expiring,
    /// The server rejected the one there is. A source that caches must not answer from its cache.
    Rejected,
}

/// What a source is told when a credential is fetched.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest<'a> {
    /// Why.
    pub why: FetchReason,
    /// The world, for anything that is read, run or timed.
    pub host: &'a Host,
    /// The server the credential is for.
    pub cluster: &'a Cluster,
}

/// Fetches credentials: runs the plugin, reads the file, asks the issuer.
///
/// It is never called twice at once for one handle, and need not cache: the live handle
/// ([`Credentials`](crate::Credentials)) asks when a credential is wanted and the last one is old.
#[async_trait]
pub trait CredentialSource: Debug + Send + Sync {
    /// Fetches a credential.
    ///
    /// # Errors
    /// Any kind but `NotConfigured`, which counts as `Unavailable` here. The text must hold no secret: everything a person sees is built from it.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential>;

    /// What it is, for a person: `exec plugin aws`. No secret.
    fn describe(&self) -> String;

    /// How long one fetch may take before it is given up.
    fn deadline(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// What it is known by, where two equal ones for this cluster may share one credential and one fetch at a
    /// time. `None`, unless the source says otherwise.
    fn sharing_key(&self, _cluster: &Cluster) -> Option<SharingKey> {
        None
    }

    /// What should be found out early: an unreadable file, an empty token. Called once, at resolving; like
    /// it, it starts no process and opens no connection.
    ///
    /// # Errors
    /// As [`CredentialProvider::resolve`]. `NotConfigured` lets the chain go on where the source is one of its
    /// own; where a kubeconfig or a pod named it, it counts as `Unavailable` and stops the chain.
    async fn check(&self, _host: &Host) -> Result<()> {
        Ok(())
    }
}
