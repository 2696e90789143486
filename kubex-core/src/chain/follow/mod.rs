//! Following a chain: keeps a configuration up to date when the kubeconfig or another configuration file changes.
//!
//! A source that is not followed already rereads the files that a kubeconfig refers to: a token file, a client
//! certificate, a CA bundle. It does not reread the kubeconfig itself, so an inline token, the arguments of a plugin or
//! the path of a file stay as they were at first. A followed configuration resolves its chain again and adopts what
//! differs:
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
//! A change needs a permission if a credential might reach another server or another identity might be used. By
//! default, such a change is not adopted: the old configuration stays in use, and one warning is logged.
//! [`FollowRules`] grant the permission. The configuration then gets a [successor](ClientConfiguration::successor),
//! which replaces it.
//!
//! Each change is an event of the target `kubex::follow`, and a line of
//! [`current_report`](ClientConfiguration::current_report).
//!
//! The chain is resolved again when a credential or a CA bundle is due for a refresh, but at most every 45 s. It is
//! resolved at once if the server rejects a credential, or if the server's certificate has an unknown issuer. Files are
//! compared by content, because time stamps miss changes that follow each other closely. Resolving takes a fraction of
//! a millisecond. There is no timer, so an idle program is not woken.

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

/// Builds the chain again each time a followed configuration checks for changes. Use it if files configure the chain
/// itself.
#[async_trait]
pub trait ChainLoader: Debug + Send + Sync {
    /// Builds the chain from the current files.
    ///
    /// # Errors
    /// Any error means that the chain cannot be built. The previous chain stays in use.
    async fn load(&self) -> Result<Chain>;
}

/// Follows a chain with [`FollowRules`] or a [`ChainLoader`]. For the defaults, [`Chain::follow`] is enough. See the
/// [module](self).
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
    /// Prepares to follow this chain. Changes that need a permission are not adopted, unless [`rules`](Self::rules)
    /// allow them.
    pub fn new(chain: Chain) -> Self {
        Self {
            chain,
            rules: FollowRules::new(),
            loader: None,
        }
    }

    /// Sets which of the changes that need a permission are adopted.
    pub fn rules(mut self, rules: FollowRules) -> Self {
        self.rules = rules;
        self
    }

    /// Builds the chain again with this loader before each check for changes, so that changes of the chain's own
    /// configuration are adopted too.
    pub fn reloading(mut self, loader: Arc<dyn ChainLoader>) -> Self {
        self.loader = Some(loader);
        self
    }

    /// Resolves the chain, and returns a configuration that follows the source that was used.
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

    /// Resolves a chain of one source like [`Chain::resolve_only`], and returns a configuration that follows the
    /// source.
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
    /// There are changes. They are used from the next request on.
    Followed,
    /// There are changes that the [`FollowRules`] allow. The configuration has a
    /// [successor](ClientConfiguration::successor).
    Replaced,
    /// There are changes that need a permission, which the [`FollowRules`] do not grant. They are not used.
    KeptOut,
    /// The chain cannot be resolved. The old configuration stays in use.
    Failed(Error),
}

impl Followed {
    /// Returns the followed configuration.
    pub fn configuration(&self) -> &ClientConfiguration {
        &self.configuration
    }

    /// Resolves the chain now and adopts what may be adopted. The events are the same as those of an automatic check.
    ///
    /// If the source only reads files, a new credential is in use when this method returns. If it has to be fetched,
    /// for example by a plugin, it is fetched when the old credential is due.
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

/// Checks a chain for changes, for a program that prints them. Checking resolves the chain. It neither fetches a
/// credential nor runs a plugin. [`Follow::watch`] returns it.
#[derive(Debug)]
pub struct Watch {
    follower: Arc<Follower>,
    resolved: ClientConfiguration,
}

impl Watch {
    /// Returns the configuration that a client would use now if it followed the chain by the same rules. Its credential
    /// has not been fetched.
    pub fn configuration(&self) -> &ClientConfiguration {
        &self.resolved
    }

    /// Checks for changes once. Returns what has happened since the last check. The list is empty if nothing has
    /// happened.
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

    /// Follows the chain like [`follow`](Self::follow). The result can also check for changes at once, for a program
    /// that is notified of them.
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

    /// Follows a chain of one source. It is resolved like [`resolve_only`](Self::resolve_only).
    ///
    /// # Errors
    /// The same as [`resolve_only`](Self::resolve_only).
    pub async fn follow_only(&self) -> Result<ClientConfiguration> {
        Follow::new(self.clone()).start_only().await
    }
}
