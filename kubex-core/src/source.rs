//! What most plugins implement: those that know an identity and nothing about a cluster.
//!
//! A vault, a cloud's metadata service, a file with a token. The core makes a provider of each by adding the
//! cluster options (`server`, `certificate-authority`, ...). A plugin that also knows *which* server to talk to is
//! a [`CredentialProvider`](crate::CredentialProvider).

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::cluster::Cluster;
use crate::credential::Credential;
use crate::error::Result;
use crate::host::Host;
use crate::sharing_key::SharingKey;

pub use crate::refresh::FetchReason;

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
    /// As [`CredentialProvider::resolve`](crate::CredentialProvider::resolve). `NotConfigured` lets the chain go on where the source is one of its
    /// own; where a kubeconfig or a pod named it, it counts as `Unavailable` and stops the chain.
    async fn check(&self, _host: &Host) -> Result<()> {
        Ok(())
    }
}
