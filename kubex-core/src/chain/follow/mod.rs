//! Following a chain: a configuration whose credential and certificate authorities follow the chosen source.
//!
//! Sources keep their files current by themselves: a token file, a client certificate, a CA bundle. What is written *in* a
//! kubeconfig is read once: an inline token, the arguments of a plugin, the path of a file. A followed configuration
//! resolves its chain again, and takes what is new:
//!
//! | what differs | what happens |
//! |---|---|
//! | the credential, or its options | the next request uses the new one; connections stay, unless the client certificate differs |
//! | the CA bundle, the proxy, the TLS server name | new connections; requests under way end on the old ones |
//! | the server, the source, the provider of the identity, trust that is not a CA bundle | kept as it was, with one warning, unless the [rules](FollowRules) allow it: then the configuration has a [successor](ClientConfiguration::successor) |
//! | the namespace, the impersonation | kept as it was; they belong to the configuration |
//! | a file is half-written, invalid or gone | kept as it was, with one warning, until it is whole again |
//! | another `current-context` | nothing, if the source selected a context; otherwise as above |
//! | the policy for plugins, if [what made the chain](Follow::reloading) is followed too | holds from the next run on; the credential in hand is used up |
//!
//! Each is an event of the target `kubex::follow`, and a line of
//! [`current_report`](ClientConfiguration::current_report).
//!
//! The chain is resolved again when a credential or a CA bundle is due, but not within 45 s of the last time. It is resolved at
//! once if the server rejects a credential, or if its certificate has an unknown issuer. Files are compared by content and not by
//! time stamps: resolving costs a fraction of a millisecond, and stamps miss changes that follow each other closely. No timer
//! exists, so an idle program is not woken.

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

/// Makes a chain anew, for a chain that is configured by files which can change too.
#[async_trait]
pub trait ChainLoader: Debug + Send + Sync {
    /// Makes the chain.
    ///
    /// # Errors
    /// Why it cannot be made. The old one stays in use.
    async fn load(&self) -> Result<Chain>;
}

/// Follows a chain by rules of the program. See the [module](self).
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
    /// Follows this chain. Nothing is allowed that needs a permission.
    pub fn new(chain: Chain) -> Self {
        Self {
            chain,
            rules: FollowRules::new(),
            loader: None,
        }
    }

    /// Sets which changes are taken that need a permission.
    pub fn rules(mut self, rules: FollowRules) -> Self {
        self.rules = rules;
        self
    }

    /// Makes the chain anew before each look, so that its own configuration is followed too.
    pub fn reloading(mut self, loader: Arc<dyn ChainLoader>) -> Self {
        self.loader = Some(loader);
        self
    }

    /// Resolves the chain, and keeps following the source that answered.
    ///
    /// # Errors
    /// The same as [`Chain::resolve`].
    pub async fn start(self) -> Result<ClientConfiguration> {
        let (_, _, configuration) = self.begin().await?;
        log_choice(&configuration);
        Ok(configuration)
    }

    /// Resolves the chain, for a program that looks for changes itself and shows them.
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

    /// Follows a chain of one source, as [`Chain::resolve_only`] resolves it.
    ///
    /// # Errors
    /// The same as [`Chain::resolve_only`].
    pub async fn start_only(self) -> Result<ClientConfiguration> {
        self.start().await.map_err(own_error)
    }
}

/// A followed configuration, with the means to resolve its chain at once. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Followed {
    configuration: ClientConfiguration,
    follower: Arc<Follower>,
}

/// The result of resolving a followed chain again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Look {
    /// Nothing differs.
    Unchanged,
    /// What differs is used from the next request on.
    Followed,
    /// What differs was allowed beforehand, and the configuration has a [successor](ClientConfiguration::successor).
    Replaced,
    /// What differs needs a permission, and is not used.
    KeptOut,
    /// The chain cannot be resolved, and everything is kept as it was.
    Failed(Error),
}

impl Followed {
    /// Returns the configuration that is kept current.
    pub fn configuration(&self) -> &ClientConfiguration {
        &self.configuration
    }

    /// Resolves the chain now, and takes what may be taken. Events are the same as when it is due.
    ///
    /// A new credential that is only read is in use when this returns. One that has to be fetched, as by a plugin, is
    /// fetched when the old one is due.
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

/// Looks for changes of a chain. Looking resolves the chain: it fetches nothing and runs no plugin.
#[derive(Debug)]
pub struct Watch {
    follower: Arc<Follower>,
    resolved: ClientConfiguration,
}

impl Watch {
    /// Returns what is used now: what a client would use that follows the chain by the same rules. No credential has been
    /// fetched.
    pub fn configuration(&self) -> &ClientConfiguration {
        &self.resolved
    }

    /// Looks once. Returns what has happened since the last look.
    pub async fn look(&mut self) -> Vec<FollowedChange> {
        let mut state = self.follower.state.lock().await;
        let (_, happened) = self.follower.look(&mut state, true).await;
        self.resolved = state.configuration.clone();
        happened
    }
}

impl Chain {
    /// Resolves the chain like [`resolve`](Self::resolve), and keeps following the source that answered. See the
    /// [module](self); [`Follow`] has more choices.
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

    /// Follows the chain like [`follow`](Self::follow), and returns the means to resolve it again at once, for a program that
    /// learns of a change by itself.
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

    /// Follows a chain of one source, as [`resolve_only`](Self::resolve_only) resolves it.
    ///
    /// # Errors
    /// The same as [`resolve_only`](Self::resolve_only).
    pub async fn follow_only(&self) -> Result<ClientConfiguration> {
        Follow::new(self.clone()).start_only().await
    }
}
