//! Rules for plugins: which may run, what they inherit, and their time limits.
//!
//! The rules come from the program, from Kubex's own configuration or from kubectl's `kuberc`, and are part of the
//! [`Host`](super::Host). They never come from a kubeconfig, because a kubeconfig names the plugins.

mod environment;
mod options;
mod policy;
mod policy_source;
#[cfg(test)]
mod tests;
mod verdict;

use std::ffi::OsString;
use std::fmt::Display;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::sharing_key::SharingKey;

/// The variable that lists the enclosing plugin runs.
pub const STACK_VARIABLE: &str = "KUBEX_EXEC_STACK";

/// The variable that marks the descendants of a plugin's run.
pub const RUN_VARIABLE: &str = "KUBEX_EXEC_RUN";

/// The variables that Kubex sets for its plugins beside that of the protocol. They configure nothing.
pub const PLUGIN_VARIABLES: [&str; 2] = [STACK_VARIABLE, RUN_VARIABLE];

pub use environment::PluginEnvironment;
pub use options::{AllowedPlugin, PluginOptions};
pub use policy::{HARMLESS_VARIABLES, PluginPolicy};
pub use policy_source::PluginPolicySource;
pub use verdict::PluginVerdict;
pub(super) use verdict::{Permission, Refusal};

/// The rules for plugins. By default, every plugin may run, inherits all variables, and has 30 s, or 5 min at a terminal.
///
/// ```
/// use std::time::Duration;
/// use kubex_core::Host;
/// use kubex_core::host::{PluginEnvironment, PluginPolicy, PluginRules};
///
/// let host = Host::real().with_plugin_rules(
///     PluginRules::new()
///         .policy(PluginPolicy::allowlist(["/usr/local/bin/aws"])?)
///         .environment(PluginEnvironment::inherit().dropping(["AWS_SECRET_ACCESS_KEY"]))
///         .deadline(Duration::from_secs(20)),
/// );
/// # Ok::<(), kubex_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginRules {
    policy: PluginPolicy,
    environment: PluginEnvironment,
    deadline: Duration,
    interactive_deadline: Duration,
    kill_grace: Duration,
    native: Vec<String>,
}

impl PluginRules {
    /// The default rules.
    pub fn new() -> Self {
        Self {
            policy: PluginPolicy::default(),
            environment: PluginEnvironment::default(),
            deadline: Duration::from_secs(30),
            interactive_deadline: Duration::from_secs(5 * 60),
            kill_grace: Duration::from_secs(2),
            native: Vec::new(),
        }
    }

    /// Which plugins may run.
    #[must_use]
    pub fn policy(mut self, policy: PluginPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// A further policy, which must permit a plugin too.
    #[must_use]
    pub fn and_policy(mut self, policy: PluginPolicy) -> Self {
        self.policy = self.policy.and(policy);
        self
    }

    /// Which variables they inherit.
    #[must_use]
    pub fn environment(mut self, environment: PluginEnvironment) -> Self {
        self.environment = environment;
        self
    }

    /// The time limit of a run; 30 s by default. A source's own `deadline` takes precedence.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The time limit of a run at a terminal; 5 min by default. A source's own `interactive-deadline` takes precedence.
    #[must_use]
    pub fn interactive_deadline(mut self, deadline: Duration) -> Self {
        self.interactive_deadline = deadline;
        self
    }

    /// The time between SIGTERM and SIGKILL; 2 s by default.
    #[must_use]
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = grace;
        self
    }

    /// The plugins that a provider serves natively where it understands the whole call: `aws`. A command with a path is not
    /// one of them. The plugin policy decides as if the plugin ran.
    #[must_use]
    pub fn native(mut self, plugins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.native = plugins.into_iter().map(Into::into).collect();
        self
    }

    /// The plugins that a provider serves natively.
    pub fn native_plugins(&self) -> &[String] {
        &self.native
    }

    /// Which plugins may run.
    pub fn plugin_policy(&self) -> &PluginPolicy {
        &self.policy
    }

    /// The time limit of a run, at a terminal or without.
    pub fn time_for(&self, is_interactive: bool) -> Duration {
        if is_interactive {
            self.interactive_deadline
        } else {
            self.deadline
        }
    }

    /// The time between SIGTERM and SIGKILL.
    pub fn time_to_end(&self) -> Duration {
        self.kill_grace
    }

    /// Adds the rules to a sharing key.
    pub(super) fn add_to(&self, key: SharingKey) -> SharingKey {
        let key = self
            .environment
            .add_to(self.policy.add_to(key))
            .with_list(&self.native);
        [self.deadline, self.interactive_deadline, self.kill_grace]
            .into_iter()
            .fold(key, |key, span| key.with(span.as_nanos().to_le_bytes()))
    }

    /// The variables that a plugin inherits.
    pub(super) fn inherited(&self, mut variables: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        variables.retain(|(name, _)| self.environment.keeps(name));
        variables
    }
}

impl Default for PluginRules {
    fn default() -> Self {
        Self::new()
    }
}

fn misconfigured(why: impl Display) -> Error {
    Error::new(ErrorKind::InvalidValue, why)
}
