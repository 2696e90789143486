//! The plugin policy of the newest chain. It limits plugins even while other changes of that chain are not adopted, or while
//! its sources fail.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use async_trait::async_trait;

use crate::chain::Chain;
use crate::error::Result;
use crate::host::{Host, PluginPolicy, PluginPolicySource};

/// The policy of the newest chain. Every chain that it [limits](Self::limit) asks it before each run of a plugin.
pub(super) struct NewestPolicy {
    id: u64,
    policy: ArcSwap<PluginPolicy>,
}

impl NewestPolicy {
    pub(super) fn new(chain: &Chain) -> Arc<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            id: COUNT.fetch_add(1, Ordering::Relaxed),
            policy: ArcSwap::from_pointee(policy_of(chain)),
        })
    }

    /// Adopts the policy of this chain, which is the newest, and limits the chain by the newest policy from now on.
    pub(super) fn take(self: &Arc<Self>, chain: Chain) -> Chain {
        self.policy.store(Arc::new(policy_of(&chain)));
        self.limit(chain)
    }

    /// Lets the newest policy limit this chain too.
    pub(super) fn limit(self: &Arc<Self>, mut chain: Chain) -> Chain {
        let newest = Arc::new(Limit {
            newest: Arc::clone(self),
            own: policy_of(&chain),
        });
        let rules = chain.host.plugin_rules().clone();
        chain.host = chain
            .host
            .with_plugin_rules(rules.and_policy(PluginPolicy::from_source(newest)));
        chain
    }
}

/// The part of the newest policy that a chain's own policy does not have; usually empty.
#[derive(Debug)]
struct Limit {
    newest: Arc<NewestPolicy>,
    own: PluginPolicy,
}

#[async_trait]
impl PluginPolicySource for Limit {
    async fn policy(&self, host: &Host) -> Result<PluginPolicy> {
        let newest = self.newest.policy.load_full();
        newest.without(&self.own).read(host).await
    }

    fn id(&self) -> String {
        format!("the newest policy of the follower {}", self.newest.id)
    }
}

fn policy_of(chain: &Chain) -> PluginPolicy {
    chain.host.plugin_rules().plugin_policy().clone()
}

impl fmt::Debug for NewestPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewestPolicy")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
