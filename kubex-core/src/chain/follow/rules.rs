//! The rules for the changes of a followed source that need a permission.

use std::fmt;
use std::sync::Arc;

use crate::cluster::Trust;
use crate::configuration::ClientConfiguration;
use crate::report::Attempt;
use crate::text::sanitize_line;

/// Decides whether a [followed](super) configuration may switch to another server, source, identity or kind of trust. By
/// default, it may not.
///
/// If a change is allowed, the configuration gets a [successor](ClientConfiguration::successor). The clients for
/// reqwest, kube and hyper switch to the successor by themselves.
///
/// ```
/// use kubex_core::chain::follow::FollowRules;
///
/// // The cluster may move within its domain.
/// let rules = FollowRules::new().allow_if(|change| {
///     let host = change.after().cluster().server.url().host_str();
///     !change.is_other_source() && host.is_some_and(|host| host.ends_with(".prod.example"))
/// });
/// # let _ = rules;
/// ```
#[derive(Clone, Default)]
pub struct FollowRules {
    other_server: bool,
    other_source: bool,
    other_identity: bool,
    decide: Option<Arc<Decide>>,
}

type Decide = dyn Fn(&Change) -> bool + Send + Sync;

impl FollowRules {
    /// Creates the default rules: the configuration must not switch to another server, source, identity or kind of trust.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the followed configuration may switch to another server. The new server receives only its own credential.
    #[must_use]
    pub fn allow_other_server(mut self, allowed: bool) -> Self {
        self.other_server = allowed;
        self
    }

    /// Sets whether the followed configuration may switch to another source of the chain and its server, for example to the
    /// pod's service account when the kubeconfig has been removed.
    #[must_use]
    pub fn allow_other_source(mut self, allowed: bool) -> Self {
        self.other_source = allowed;
        self
    }

    /// Sets whether the followed configuration may switch to an identity from another provider, such as a plugin instead of a
    /// token.
    #[must_use]
    pub fn allow_other_identity(mut self, allowed: bool) -> Self {
        self.other_identity = allowed;
        self
    }

    /// Sets a function that decides about each change that the other rules do not allow. Only this function can allow a change
    /// that turns off the verification of the server's certificate. The function must not block.
    #[must_use]
    pub fn allow_if(mut self, decide: impl Fn(&Change) -> bool + Send + Sync + 'static) -> Self {
        self.decide = Some(Arc::new(decide));
        self
    }

    pub(super) fn allow(&self, change: &Change) -> bool {
        let is_allowed = if change.is_other_source() {
            self.other_source && !change.becomes_insecure()
        } else {
            (self.other_server || !change.is_other_server())
                && (self.other_identity || !change.is_other_identity())
                && !change.is_other_trust()
        };
        is_allowed || self.decide.as_ref().is_some_and(|decide| decide(change))
    }
}

impl fmt::Debug for FollowRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowRules")
            .field("other_server", &self.other_server)
            .field("other_source", &self.other_source)
            .field("other_identity", &self.other_identity)
            .field("asks", &self.decide.is_some())
            .finish()
    }
}

/// A change that the [`FollowRules`] must allow, such as another server. The function of [`FollowRules::allow_if`] receives it.
#[derive(Debug)]
pub struct Change {
    pub(super) before: ClientConfiguration,
    pub(super) after: ClientConfiguration,
    pub(super) is_other_server: bool,
    pub(super) is_other_identity: bool,
    pub(super) is_other_trust: bool,
}

impl Change {
    /// Returns the configuration that is in use.
    pub fn before(&self) -> &ClientConfiguration {
        &self.before
    }

    /// Returns the configuration that replaces [`before`](Self::before) if the change is allowed.
    pub fn after(&self) -> &ClientConfiguration {
        &self.after
    }

    /// Returns whether the new configuration comes from another source of the chain.
    pub fn is_other_source(&self) -> bool {
        source_of(&self.before) != source_of(&self.after)
    }

    /// Returns whether the new configuration has another server.
    pub fn is_other_server(&self) -> bool {
        self.is_other_server
    }

    /// Returns whether the new identity comes from another provider.
    pub fn is_other_identity(&self) -> bool {
        self.is_other_identity
    }

    /// Returns whether the new configuration has another kind of trust, such as the system's trust instead of a CA
    /// bundle.
    pub fn is_other_trust(&self) -> bool {
        self.is_other_trust
    }

    /// Returns whether the server's certificate would no longer be verified.
    pub fn becomes_insecure(&self) -> bool {
        let is_insecure =
            |configuration: &ClientConfiguration| matches!(configuration.cluster().trust, Trust::Insecure);
        is_insecure(&self.after) && !is_insecure(&self.before)
    }

    /// Whether it can only be taken with a permission.
    pub(super) fn needs_permission(&self) -> bool {
        self.is_other_source() || self.is_other_server || self.is_other_identity || self.is_other_trust
    }

    /// The change in words, without a secret.
    pub(super) fn describe(&self) -> String {
        let mut words = Vec::new();
        if self.is_other_source() {
            words.push(format!(
                "source {} to {}",
                source_of(&self.before),
                source_of(&self.after)
            ));
        }
        if self.is_other_server {
            let (before, after) = (&self.before.cluster().server, &self.after.cluster().server);
            words.push(format!("server {before} to {after}"));
        }
        if self.is_other_identity {
            let identity =
                |of: &ClientConfiguration| sanitize_line(&of.credentials().describe()).into_owned();
            words.push(format!(
                "identity {} to {}",
                identity(&self.before),
                identity(&self.after)
            ));
        }
        if self.is_other_trust {
            let trust = |of: &ClientConfiguration| of.cluster().trust.id();
            words.push(format!("trust {} to {}", trust(&self.before), trust(&self.after)));
        }
        words.join(", ")
    }
}

/// The name of the source that a configuration comes from.
pub(super) fn source_of(configuration: &ClientConfiguration) -> String {
    let chosen: Option<&Attempt> = configuration.report().chosen();
    chosen.map_or_else(String::new, |attempt| sanitize_line(&attempt.source).into_owned())
}
