//! Credential sources: what most plugins implement.
//!
//! A [`CredentialSource`] returns an identity and knows nothing about a cluster: a vault, a cloud's metadata service, a
//! file with a token. The core turns it into a provider by adding the cluster options (`server`,
//! `certificate-authority`, ...). A plugin that also knows *which* server to connect to implements
//! [`CredentialProvider`](crate::CredentialProvider).
//!
//! ```
//! use kubex_core::{Credential, CredentialSource, Error, ErrorKind, FetchRequest, Result};
//!
//! /// The token that a vault issues for a role.
//! #[derive(Debug)]
//! struct Vault { role: String }
//!
//! #[async_trait::async_trait]
//! impl CredentialSource for Vault {
//!     async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
//!         // Here, ask the vault. Its response is untrusted, so an error must not contain it.
//!         let (token, lifetime) = ("abc".to_owned(), std::time::Duration::from_secs(900));
//!         if token.is_empty() {
//!             return Err(Error::new(ErrorKind::EmptyOutput, "the vault returned no token")
//!                 .with_help("check the role in the vault"));
//!         }
//!         let expires_at = request.host.now().wall + lifetime;
//!         Ok(Credential::bearer(token.into())?.with_expiry(Some(expires_at)))
//!     }
//!
//!     fn describe(&self) -> String { format!("vault role {}", self.role) }
//! }
//! ```
//!
//! The core does the rest: one fetch at a time, early renewal in the background, back-off after a failure, a deadline, and a new fetch after
//! the server has rejected the credential.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::cluster::Cluster;
use crate::credential::Credential;
use crate::error::Result;
use crate::host::{Host, PluginVerdict};
use crate::origin::Origin;
use crate::secret::SecretString;
use crate::sharing_key::SharingKey;
use crate::store_identity::StoreIdentity;
use crate::warning::Warning;

pub use crate::refresh::FetchReason;

/// The arguments of a fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest<'a> {
    /// Why the credential is fetched.
    pub reason: FetchReason,
    /// The host, for everything that is read, run or timed.
    pub host: &'a Host,
    /// The cluster that the credential is for.
    pub cluster: &'a Cluster,
}

/// Keeps the secret that a source needs for its next fetch, whichever process does it.
///
/// Saving does not wait for anything else, so that the time in which a killed process loses the secret is as short as it can
/// be. It takes a few milliseconds, once for each fetch.
pub trait SavedSecret: Send + Sync {
    /// The secret that was saved last.
    fn saved(&self) -> Option<SecretString>;

    /// Saves the secret.
    ///
    /// # Errors
    /// It could not be written. The last one is still there.
    fn save(&self, secret: &SecretString) -> Result<()>;
}

/// Fetches credentials: runs the plugin, reads the file, asks the issuer.
///
/// The live handle ([`Credentials`](crate::Credentials)) calls it when a credential is needed and the last one is old.
/// A handle never runs two fetches at once, and a source does not need to cache.
#[async_trait]
pub trait CredentialSource: Debug + Send + Sync {
    /// Fetches a credential.
    ///
    /// # Errors
    /// Any kind; `NotConfigured` is treated as `Unavailable` here. The message must not contain a secret: it is shown to
    /// people and logged.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential>;

    /// As [`fetch`](Self::fetch), for a source whose fetches [use up a secret](Self::uses_up_a_secret). A store calls it while
    /// no other process can fetch.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    async fn fetch_saving(&self, request: FetchRequest<'_>, _saved: &dyn SavedSecret) -> Result<Credential> {
        self.fetch(request).await
    }

    /// Whether a fetch uses up a secret and gets the next one, such as a refresh token that rotates. Such a source implements
    /// [`fetch_saving`](Self::fetch_saving).
    fn uses_up_a_secret(&self) -> bool {
        false
    }

    /// A description for people: `exec plugin aws`. It must not contain a secret.
    fn describe(&self) -> String;

    /// The source that this decorator wraps, if it is one, such as a store. Then each method below that the decorator does not
    /// define is that of the other source, except [`only_reads_files`](Self::only_reads_files) and
    /// [`never_changes`](Self::never_changes): a decorator may do more.
    ///
    /// The methods above are the decorator's own. One that does not save the secret of the other source itself defines
    /// [`fetch_saving`](Self::fetch_saving) and [`uses_up_a_secret`](Self::uses_up_a_secret) by that source's methods, as it does
    /// with [`fetch`](Self::fetch). Otherwise a store loses the next refresh token of a login.
    fn decorated(&self) -> Option<&dyn CredentialSource> {
        None
    }

    /// The time limit of one fetch. The default is 30 s, or the limit of the [decorated](Self::decorated) source.
    fn deadline(&self) -> Duration {
        match self.decorated() {
            Some(source) => source.deadline(),
            None => Duration::from_secs(30),
        }
    }

    /// The time limit of one fetch on this host, if it depends on the host's rules. A fetch that has not ended by then
    /// is given up, and another one starts.
    fn deadline_on(&self, host: &Host) -> Duration {
        let decorated = self.decorated();
        decorated.map_or_else(|| self.deadline(), |source| source.deadline_on(host))
    }

    /// How much longer than its deadline a fetch may take to end what it started, such as a plugin that is killed.
    fn time_to_end(&self, host: &Host) -> Duration {
        let decorated = self.decorated();
        decorated.map_or(Duration::ZERO, |source| source.time_to_end(host))
    }

    /// Whether a fetch does nothing but read files. After rejections, such a source is asked once a second, and others once
    /// in 10 s.
    fn only_reads_files(&self) -> bool {
        false
    }

    /// Whether each fetch returns the same credential, which [`check`](Self::check) returns too. A configuration that is
    /// followed keeps that credential instead of the source.
    fn never_changes(&self) -> bool {
        false
    }

    /// The key under which equal sources for this cluster share one credential. `None`, the default, shares nothing.
    fn sharing_key(&self, cluster: &Cluster) -> Option<SharingKey> {
        self.decorated()?.sharing_key(cluster)
    }

    /// What makes the identity of the credential, for a store that all processes of the user share. It may read files that
    /// choose the identity, such as a configuration with profiles. `None`, the default: no other process shares it.
    ///
    /// Unlike the [sharing key](Self::sharing_key), it contains what the source inherits from its environment, because that
    /// differs from process to process.
    async fn store_identity(&self, host: &Host, cluster: &Cluster) -> Option<StoreIdentity> {
        self.decorated()?.store_identity(host, cluster).await
    }

    /// What the host's policy decides about the plugin that a fetch runs. `None`, the default: a fetch runs no plugin.
    async fn plugin_verdict(&self, host: &Host) -> Option<PluginVerdict> {
        self.decorated()?.plugin_verdict(host).await
    }

    /// The place of the configuration that the source is made from, for errors of a shared credential.
    fn origin(&self) -> Option<&Origin> {
        self.decorated()?.origin()
    }

    /// Warnings about what the next fetch will do, without a fetch. It is called once, while the chain resolves, and like
    /// [`check`](Self::check) it starts no process and opens no connection.
    async fn warnings(&self, host: &Host) -> Vec<Warning> {
        match self.decorated() {
            Some(source) => source.warnings(host).await,
            None => Vec::new(),
        }
    }

    /// Finds problems early, such as an unreadable file or an empty token. It is called once, while the chain resolves,
    /// and like resolving it starts no process and opens no connection. A source that can load its credential within these
    /// limits returns it, so that its certificate can be checked too.
    ///
    /// # Errors
    /// As [`CredentialProvider::resolve`](crate::CredentialProvider::resolve). `NotConfigured` lets the chain continue
    /// if the source is an entry of the chain. If a kubeconfig or a pod named the source, `NotConfigured` is treated as
    /// `Unavailable` and stops the chain.
    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        match self.decorated() {
            Some(source) => source.check(host).await,
            None => Ok(None),
        }
    }
}
