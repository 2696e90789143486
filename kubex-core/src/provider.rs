//! The trait for providers that return both the cluster and the identity, such as `kubeconfig`.
//!
//! Most providers only return a credential. They implement [`CredentialSource`](crate::CredentialSource) instead.
//!
//! ```
//! use async_trait::async_trait;
//! use kubex_core::{CredentialProvider, Error, Host, Identity, Options, ResolveRequest, ResolvedSource, Result};
//!
//! /// Finds the cluster in the variables of a hosted runner.
//! #[derive(Debug)]
//! struct Runner;
//!
//! #[async_trait]
//! impl CredentialProvider for Runner {
//!     async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource> {
//!         let server = request.host().environment().unicode("RUNNER_CLUSTER")?;
//!         let server = server.ok_or_else(|| Error::not_configured("the variable RUNNER_CLUSTER is not set"))?;
//!         let token = Options::new().set("token-file", "/run/runner/token");
//!         Ok(ResolvedSource::for_server(&server).identity(Identity::named("token-file", token)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let host = Host::real().with_variable("RUNNER_CLUSTER", None::<&str>);
//! let error = Runner.resolve(ResolveRequest::new(&host)).await.unwrap_err();
//! assert!(error.is_not_configured());
//! # }
//! ```
//!
//! In this example, the token file is not read yet, so the result does not contain the token. The registry builds the provider
//! `token-file` only if the chain uses this source.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::chain::Chain;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::resolved_source::ResolvedSource;
use crate::text::clean_line;

/// The input of [`CredentialProvider::resolve`].
#[derive(Clone, Copy, Debug)]
pub struct ResolveRequest<'a> {
    host: &'a Host,
    /// The chain that asks, and the name of the source that is asked.
    asking: Option<(&'a Chain, &'a str)>,
    chosen: Option<&'a str>,
}

impl<'a> ResolveRequest<'a> {
    /// Creates a request for a provider that reads the system through this host.
    pub fn new(host: &'a Host) -> Self {
        Self {
            host,
            asking: None,
            chosen: None,
        }
    }

    /// Sets the kubeconfig context that the source selected when it was first resolved. See [`chosen`](Self::chosen).
    #[must_use]
    pub fn with_chosen(mut self, chosen: Option<&'a str>) -> Self {
        self.chosen = chosen;
        self
    }

    /// Returns the kubeconfig context that the source selected when it was first resolved. A [followed](crate::chain::follow)
    /// source must keep this context even if `current-context` changes. `None` when the source is first resolved, or if it set
    /// no [choice](ResolvedSource::choice).
    pub fn chosen(&self) -> Option<&'a str> {
        self.chosen
    }

    /// The same request of this chain, to the source with this name.
    pub(crate) fn of(self, chain: &'a Chain, source: &'a str) -> Self {
        Self {
            asking: Some((chain, source)),
            ..self
        }
    }

    /// Returns a chain that contains only the source with this name. Use it if an option of the provider is the name of another
    /// source. That source is part of the same chain, or was added with
    /// [`ChainBuilder::reference`](crate::ChainBuilder::reference). In a configuration file, the option must be named `through`:
    /// Kubex then adds the source, even if it is not in the chain.
    ///
    /// For the server of a kubeconfig with a credential of your own, take the result of the other source, and
    /// [replace](ResolvedSource::replace_identity) its identity:
    ///
    /// ```
    /// use kubex_core::{CredentialProvider, Identity, Options, ResolveRequest, ResolvedSource, Result};
    /// # use kubex_core::{Chain, Registry, Source};
    ///
    /// /// The cluster of another source, with the credential of the provider `vault`.
    /// #[derive(Debug)]
    /// struct VaultThrough { through: String, vault: Options }
    ///
    /// #[async_trait::async_trait]
    /// impl CredentialProvider for VaultThrough {
    ///     async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource> {
    ///         let found = request.through(&self.through)?.find().await?;
    ///         Ok(found.replace_identity(Identity::named("vault", self.vault.clone())))
    ///     }
    /// }
    /// # #[derive(Debug)]
    /// # struct Kubeconfig;
    /// # #[async_trait::async_trait]
    /// # impl CredentialProvider for Kubeconfig {
    /// #     async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
    /// #         let user = Options::new().set("command", "aws");
    /// #         Ok(ResolvedSource::for_server("https://10.0.0.1:6443").identity(Identity::named("exec", user)))
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let vault = Options::new().set("role", "deployer");
    /// # let deployer = VaultThrough { through: "kubeconfig".to_owned(), vault };
    /// # let chain = Chain::builder(Registry::from_registrations([])?)
    /// #     .source(Source::from_provider("deployer", std::sync::Arc::new(deployer)))
    /// #     .reference(Source::from_provider("kubeconfig", std::sync::Arc::new(Kubeconfig)))
    /// #     .build()?;
    /// # let found = chain.find().await?;
    /// # assert_eq!(found.cluster_options().get("server").unwrap().as_str(), Some("https://10.0.0.1:6443"));
    /// # assert_eq!(found.identity_provider().unwrap().0, "vault");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnknownSource`] if no source has this name, or if that source refers back to this one.
    pub fn through(&self, name: &str) -> Result<Chain> {
        let found = self
            .asking
            .and_then(|(chain, source)| chain.through(source, name));
        let chain = found.ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownSource,
                format_args!(
                    "the source \"{}\" does not exist, or it refers back to this source",
                    clean_line(name)
                ),
            )
            .with_help("use a source that is defined and does not itself use this source")
        })?;
        Ok(chain.with_host(self.host.clone()))
    }

    /// Returns the host, through which the provider reads files, variables and clocks. Each file and variable that the provider
    /// reads is recorded as an [input](crate::host::Input) of the result.
    pub fn host(&self) -> &'a Host {
        self.host
    }
}

/// Finds the API server and the identity to use. For a provider that only returns a credential, implement
/// [`CredentialSource`](crate::CredentialSource) instead.
#[async_trait]
pub trait CredentialProvider: Debug + Send + Sync {
    /// Returns the cluster and the identity of the source.
    ///
    /// An implementation may read files and variables. It must not start a process or open a connection, because resolving must
    /// be cheap and must not start a login.
    ///
    /// # Errors
    /// - [`Error::not_configured`](crate::Error::not_configured): there is nothing to read. The chain continues with
    ///   the next source.
    /// - Any other error stops the chain, because a broken source must not lead to a different identity.
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource>;
}
