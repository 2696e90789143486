//! Credential sources: the trait that most providers implement.
//!
//! A [`CredentialSource`] returns a credential, for example from a vault, from a cloud's metadata service or from a file. It
//! does not find a cluster. In a chain, such a source therefore also accepts the options of the cluster (`server`,
//! `certificate-authority`, ...). A provider that also finds the cluster implements
//! [`CredentialProvider`](crate::CredentialProvider) instead.
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
//! This crate does the rest: it runs one fetch at a time, renews the credential early and in the background, waits
//! after a failure, enforces a deadline, and fetches again after the server has rejected the credential.

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
    /// The host, through which the source reads files and variables, runs processes and measures time.
    pub host: &'a Host,
    /// The cluster that the credential is for.
    pub cluster: &'a Cluster,
}

/// Stores the secret that a source needs for its next fetch, such as a rotating refresh token. The next fetch may run
/// in another process.
///
/// [`save`](Self::save) takes a few milliseconds and does not wait for other processes. If the process is killed
/// between a fetch and the end of `save`, the secret is lost.
pub trait SavedSecret: Send + Sync {
    /// Returns the secret that was saved last; `None` if none was saved.
    fn saved(&self) -> Option<SecretString>;

    /// Saves the secret, which replaces the previous one.
    ///
    /// # Errors
    /// Returns an error if the secret could not be written. The previous one is still stored.
    fn save(&self, secret: &SecretString) -> Result<()>;
}

/// Fetches credentials: runs a plugin, reads a file, or requests a token from an issuer.
///
/// [`Credentials`](crate::Credentials) calls [`fetch`](Self::fetch) when a credential is needed and the last one is too
/// old. It never runs two fetches of a source at once. It keeps the credential, so a source needs no cache.
#[async_trait]
pub trait CredentialSource: Debug + Send + Sync {
    /// Fetches a credential.
    ///
    /// # Errors
    /// Any error. Kubex changes the kind `NotConfigured` to `Unavailable`. The message must not contain a secret, because it is
    /// logged and printed.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential>;

    /// Fetches a credential like [`fetch`](Self::fetch), and saves the secret for the next fetch in `saved`. Implement it if a
    /// fetch [consumes a secret](Self::uses_up_a_secret). A store that processes share calls this method for one process at a
    /// time.
    ///
    /// # Errors
    /// The same as [`fetch`](Self::fetch).
    async fn fetch_saving(&self, request: FetchRequest<'_>, _saved: &dyn SavedSecret) -> Result<Credential> {
        self.fetch(request).await
    }

    /// Returns whether each fetch consumes a secret and receives a new one for the next fetch, such as a rotating
    /// refresh token. Such a source implements [`fetch_saving`](Self::fetch_saving).
    fn uses_up_a_secret(&self) -> bool {
        false
    }

    /// Returns a description for people, such as `exec plugin aws`. It must not contain a secret.
    fn describe(&self) -> String;

    /// Returns the source that this source wraps; `None`, the default, if it wraps none. For example, a store that processes
    /// share wraps the source that fetches.
    ///
    /// The default implementations of the methods below call the same method of the wrapped source. The exceptions are
    /// [`only_reads_files`](Self::only_reads_files) and [`never_changes`](Self::never_changes), because a wrapper may
    /// do more than the wrapped source.
    ///
    /// The methods above have no such default. A wrapper must implement [`fetch_saving`](Self::fetch_saving) and
    /// [`uses_up_a_secret`](Self::uses_up_a_secret) by calling the wrapped source, unless the wrapper itself saves the secret.
    /// Otherwise, the next refresh token is lost.
    fn decorated(&self) -> Option<&dyn CredentialSource> {
        None
    }

    /// Returns the time limit of one fetch. The default is 30 s, or the limit of the
    /// [decorated](Self::decorated) source.
    fn deadline(&self) -> Duration {
        match self.decorated() {
            Some(source) => source.deadline(),
            None => Duration::from_secs(30),
        }
    }

    /// Returns the time limit of one fetch on this host. Implement it instead of [`deadline`](Self::deadline) if the
    /// limit depends on the host's [`PluginRules`](crate::host::PluginRules). A fetch that exceeds the limit fails with
    /// `TimedOut`.
    fn deadline_on(&self, host: &Host) -> Duration {
        let decorated = self.decorated();
        decorated.map_or_else(|| self.deadline(), |source| source.deadline_on(host))
    }

    /// Returns how long a fetch may continue after its time limit to stop what it has started, such as a plugin that is
    /// being killed. The default is zero.
    fn time_to_end(&self, host: &Host) -> Duration {
        let decorated = self.decorated();
        decorated.map_or(Duration::ZERO, |source| source.time_to_end(host))
    }

    /// Returns whether a fetch only reads files: it runs no plugin and sends no request. While the server rejects every
    /// credential, such a source is read at most once a second. Any other source fetches at most once every 10 s.
    fn only_reads_files(&self) -> bool {
        false
    }

    /// Returns whether every fetch, and also [`check`](Self::check), returns the same credential. If so, a
    /// [followed](crate::chain::follow) configuration keeps only this credential, and drops the source.
    fn never_changes(&self) -> bool {
        false
    }

    /// Returns the key by which equal sources for this cluster share one credential. With `None`, the default, the
    /// credential is not shared.
    fn sharing_key(&self, cluster: &Cluster) -> Option<SharingKey> {
        self.decorated()?.sharing_key(cluster)
    }

    /// Returns the key under which the user's processes share this credential in a store. With `None`, the default, the
    /// credential is not shared with other processes. The method may read files that determine the identity, such as a
    /// configuration with profiles.
    ///
    /// Unlike the [sharing key](Self::sharing_key), this key contains the environment variables that the source reads,
    /// because they differ from process to process.
    async fn store_identity(&self, host: &Host, cluster: &Cluster) -> Option<StoreIdentity> {
        self.decorated()?.store_identity(host, cluster).await
    }

    /// Returns whether the plugin policy permits the plugin that a fetch runs, and why. `None`, the default, means that
    /// a fetch runs no plugin.
    async fn plugin_verdict(&self, host: &Host) -> Option<PluginVerdict> {
        self.decorated()?.plugin_verdict(host).await
    }

    /// Returns the origin of the source's configuration, such as a file and a line; `None`, the default, if it is not
    /// known. Errors of a shared credential contain it.
    fn origin(&self) -> Option<&Origin> {
        self.decorated()?.origin()
    }

    /// Returns warnings about what the next fetch will do. Kubex calls this method once, when the chain is resolved. Like
    /// [`check`](Self::check), it must not fetch, start a process or open a connection.
    async fn warnings(&self, host: &Host) -> Vec<Warning> {
        match self.decorated() {
            Some(source) => source.warnings(host).await,
            None => Vec::new(),
        }
    }

    /// Finds problems early, such as an unreadable file or an empty token. Kubex calls this method once, when the chain is
    /// resolved. It must not start a process or open a connection.
    ///
    /// If the source can load its credential without a process or a connection, it returns the credential, and Kubex also
    /// checks the certificate and the expiry. Other sources return `None`.
    ///
    /// # Errors
    /// - `NotConfigured`: there is nothing to read. If the source is an entry of the chain, the chain continues with
    ///   the next entry. If a kubeconfig or another source refers to it, the error is changed to `Unavailable` and
    ///   stops the chain.
    /// - Any other error stops the chain.
    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        match self.decorated() {
            Some(source) => source.check(host).await,
            None => Ok(None),
        }
    }
}
