//! Following a chain: a configuration stays current when the kubeconfig or another configuration file changes.
//!
//! Even without following, Kubex rereads the files that a kubeconfig refers to: a token file, a client certificate, a CA
//! bundle. It does not reread the kubeconfig itself, so an inline token or the arguments of a plugin never change. A followed
//! configuration resolves its chain again and adopts what differs:
//!
//! | what differs | what happens |
//! |---|---|
//! | the credential, or its options | the next request uses the new one; connections stay open, unless the client certificate differs |
//! | the CA bundle, the proxy, the TLS server name | new connections use it; requests under way finish on the old connections |
//! | the server, the source, the provider of the identity, trust that is not a CA bundle | needs a permission, see below |
//! | the namespace, the impersonation | not adopted; they stay as they were first resolved |
//! | a file is half-written, invalid or missing | the old configuration stays in use, with one warning, until the file is valid again |
//! | another `current-context` | ignored, because the context that was selected first stays in use; if none was selected, the rows above apply |
//! | the policy for plugins, if [`Follow::reloading`] is used | applies from the next run of a plugin on; a credential that has already been fetched stays in use |
//!
//! A change needs a permission if a credential might reach another server or another identity might be used. By default, such a
//! change is not adopted: the old configuration stays in use, and one warning is logged. If the [`FollowRules`] grant the
//! permission, a [successor](ClientConfiguration::successor) replaces the configuration.
//!
//! Each change is logged as an event of the target `kubex::follow`, and listed in
//! [`current_report`](ClientConfiguration::current_report).
//!
//! The chain is resolved again when a credential or a CA bundle is due for a refresh, but at most once every 45 s. It is
//! resolved at once if the server rejects a credential, or if the server's certificate has an unknown issuer. Files are
//! compared by content, because two quick changes can leave the same time stamp. Resolving takes a fraction of a millisecond.
//! There is no timer, so an idle program is not woken.

mod follower;
mod handles;
mod line;
mod policy;
mod rules;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Chain;
use super::resolve::{log_choice, own_error};
use crate::configuration::ClientConfiguration;
use crate::error::{Error, Result};
use crate::report::FollowedChange;

use follower::{Follower, Loader, Seen};
use policy::NewestPolicy;

pub(crate) use line::Line;
pub use rules::{Change, FollowRules};

/// The age of the last look at which the chain is resolved again.
const LOOK_AFTER: Duration = Duration::from_secs(45);

/// The age at which a followed credential is asked for again.
const REVALIDATE_AFTER: Duration = Duration::from_secs(60);

/// The time limit of one look. A source that takes longer is looked at again later.
const LOOK_DEADLINE: Duration = Duration::from_secs(5);

/// Builds a chain anew. A followed configuration calls [`load`](Self::load) before each check for changes. Implement this trait
/// if the chain itself is configured by files.
///
/// ```
/// use kubex_core::chain::follow::ChainLoader;
/// use kubex_core::{Chain, Registry, Result, Source};
///
/// /// Tries the sources that a file lists, one name per line.
/// #[derive(Debug)]
/// struct FromFile;
///
/// #[async_trait::async_trait]
/// impl ChainLoader for FromFile {
///     async fn load(&self) -> Result<Chain> {
///         let names = std::fs::read_to_string("/etc/app/sources").unwrap_or_default();
///         let chain = Chain::builder(Registry::linked()?);
///         names.lines().fold(chain, |chain, name| chain.source(Source::new(name))).build()
///     }
/// }
/// ```
#[async_trait]
pub trait ChainLoader: Debug + Send + Sync {
    /// Builds the chain from the current files.
    ///
    /// # Errors
    /// Return an error if the chain cannot be built. The previous chain then stays in use.
    async fn load(&self) -> Result<Chain>;
}

/// Configures how a chain is [followed](self): by which [`FollowRules`], and with which [`ChainLoader`]. If you need neither,
/// call [`Chain::follow`].
///
/// ```no_run
/// use kubex_core::chain::follow::{Follow, FollowRules};
///
/// # async fn example(chain: kubex_core::Chain) -> kubex_core::Result<()> {
/// let rules = FollowRules::new().allow_other_server(true);
/// let configuration = Follow::new(chain).rules(rules).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is followed before `start`"]
pub struct Follow {
    chain: Chain,
    rules: FollowRules,
    loader: Option<Arc<dyn ChainLoader>>,
}

impl Follow {
    /// Prepares to follow this chain. The configuration will not switch to another server, source, identity or kind of trust,
    /// unless [`rules`](Self::rules) allow it.
    pub fn new(chain: Chain) -> Self {
        Self {
            chain,
            rules: FollowRules::new(),
            loader: None,
        }
    }

    /// Sets whether the configuration may switch to another server, source, identity or kind of trust.
    pub fn rules(mut self, rules: FollowRules) -> Self {
        self.rules = rules;
        self
    }

    /// Sets a loader that builds the chain anew before each check for changes. Changes of the chain's own configuration are
    /// then adopted too.
    pub fn reloading(mut self, loader: Arc<dyn ChainLoader>) -> Self {
        self.loader = Some(loader);
        self
    }

    /// Resolves the chain, and returns a configuration that adopts later changes of its source.
    ///
    /// # Errors
    /// The same as [`Chain::resolve`].
    pub async fn start(self) -> Result<ClientConfiguration> {
        let (_, _, configuration) = self.begin().await?;
        log_choice(&configuration);
        Ok(configuration)
    }

    /// Resolves the chain, for a program that checks for changes itself and prints them.
    ///
    /// ```no_run
    /// use kubex_core::chain::follow::Follow;
    ///
    /// # async fn example(chain: kubex_core::Chain) -> kubex_core::Result<()> {
    /// let mut watch = Follow::new(chain).watch().await?;
    /// loop {
    ///     for change in watch.look().await {
    ///         println!("{}: {}", change.outcome, change.details);
    ///     }
    ///     tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// The same as [`Chain::resolve`].
    pub async fn watch(self) -> Result<Watch> {
        let (follower, resolved, _) = self.begin().await?;
        Ok(Watch { follower, resolved })
    }

    /// The follower, what was resolved, and the configuration that follows.
    async fn begin(self) -> Result<(Arc<Follower>, ClientConfiguration, ClientConfiguration)> {
        let loader = self.loader.map(|chains| Loader {
            chains,
            policy: NewestPolicy::new(&self.chain),
        });
        let chain = match &loader {
            Some(loader) => loader.policy.limit(self.chain),
            None => self.chain,
        };
        let (resolved, seen) = Seen::resolve(&chain, None).await?;
        let (follower, configuration) = Follower::start(chain, loader, self.rules, seen, resolved.clone());
        Ok((follower, resolved, configuration))
    }

    /// Resolves a chain of one source like [`Chain::resolve_only`], and returns a configuration that adopts later changes of
    /// the source.
    ///
    /// # Errors
    /// The same as [`Chain::resolve_only`].
    pub async fn start_only(self) -> Result<ClientConfiguration> {
        self.start().await.map_err(own_error)
    }
}

/// A followed configuration, and a way to check for changes at once. It is cheap to clone. [`Chain::follow_closely`]
/// returns it.
#[derive(Clone, Debug)]
pub struct Followed {
    configuration: ClientConfiguration,
    follower: Arc<Follower>,
}

/// The result of checking a followed chain for changes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Look {
    /// The chain resolved to the same configuration as before.
    Unchanged,
    /// The source has changed. The changes are used from the next request on.
    Followed,
    /// The [`FollowRules`] allowed a change, such as another server. The configuration was replaced by its
    /// [successor](ClientConfiguration::successor).
    Replaced,
    /// The [`FollowRules`] did not allow a change, such as another server. The old configuration stays in use.
    KeptOut,
    /// The chain cannot be resolved. The old configuration stays in use.
    Failed(Error),
}

impl Followed {
    /// Returns the followed configuration.
    pub fn configuration(&self) -> &ClientConfiguration {
        &self.configuration
    }

    /// Resolves the chain now, and adopts its changes unless the [`FollowRules`] forbid them. It logs the same events as an
    /// automatic check.
    ///
    /// A new credential that is read from a file is in use when this method returns. A new credential that must be fetched, for
    /// example by a plugin, is fetched when the old one is due for renewal.
    pub async fn look(&self) -> Look {
        let look = {
            let mut state = self.follower.state.lock().await;
            self.follower.look(&mut state, true).await.0
        };
        let credentials = self.configuration.credentials();
        if let Look::Followed = look
            && credentials.only_reads_files()
        {
            credentials.make_due();
        }
        look
    }
}

/// Checks a chain for changes, for a program that prints them. A check resolves the chain. It fetches no credential and runs no
/// plugin. [`Follow::watch`] returns it.
#[derive(Debug)]
pub struct Watch {
    follower: Arc<Follower>,
    resolved: ClientConfiguration,
}

impl Watch {
    /// Returns the configuration that a client following the chain would use now. Its credential has not been fetched.
    pub fn configuration(&self) -> &ClientConfiguration {
        &self.resolved
    }

    /// Checks for changes once, and returns those since the last check.
    pub async fn look(&mut self) -> Vec<FollowedChange> {
        let mut state = self.follower.state.lock().await;
        let (_, happened) = self.follower.look(&mut state, true).await;
        self.resolved = state.configuration.clone();
        happened
    }
}

impl Chain {
    /// Resolves the chain like [`resolve`](Self::resolve), and returns a configuration that adopts later changes of the
    /// source. See the [module](self). [`Follow`] has more options.
    ///
    /// ```no_run
    /// # async fn example(chain: kubex_core::Chain) -> kubex_core::Result<()> {
    /// let configuration = chain.follow().await?;
    /// // An inline token that is replaced in the kubeconfig is used from the next request on.
    /// let credential = configuration.credentials().current().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The same as [`resolve`](Self::resolve).
    pub async fn follow(&self) -> Result<ClientConfiguration> {
        Follow::new(self.clone()).start().await
    }

    /// Follows the chain like [`follow`](Self::follow). The result can also check for changes at once. Use it in a program that
    /// is notified when a file changes.
    ///
    /// ```no_run
    /// use kubex_core::chain::follow::Look;
    ///
    /// # async fn example(chain: kubex_core::Chain) -> kubex_core::Result<()> {
    /// let followed = chain.follow_closely().await?;
    /// // When a file watcher reports a change:
    /// match followed.look().await {
    ///     Look::Unchanged => {}
    ///     Look::Failed(error) => eprintln!("the old configuration stays in use: {error}"),
    ///     _ => println!("now {}", followed.configuration()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The same as [`resolve`](Self::resolve).
    pub async fn follow_closely(&self) -> Result<Followed> {
        let (follower, _, configuration) = Follow::new(self.clone()).begin().await?;
        log_choice(&configuration);
        Ok(Followed {
            configuration,
            follower,
        })
    }

    /// Resolves a chain of one source like [`resolve_only`](Self::resolve_only), and returns a configuration that adopts later
    /// changes of the source.
    ///
    /// # Errors
    /// The same as [`resolve_only`](Self::resolve_only).
    pub async fn follow_only(&self) -> Result<ClientConfiguration> {
        Follow::new(self.clone()).start_only().await
    }
}
