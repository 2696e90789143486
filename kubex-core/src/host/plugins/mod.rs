//! Rules for exec plugins: which may run, which variables they inherit, and their time limits.

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

/// The environment variable that tells a plugin which plugins are already running. If a plugin uses Kubex itself and would
/// start one of them again, Kubex returns [`ErrorKind::Recursion`].
pub const STACK_VARIABLE: &str = "KUBEX_EXEC_STACK";

/// The environment variable that identifies one run of a plugin. All processes that the plugin starts inherit it, so that Kubex
/// can find and end them.
pub const RUN_VARIABLE: &str = "KUBEX_EXEC_RUN";

/// The environment variables that Kubex adds for its plugins, besides `KUBERNETES_EXEC_INFO`. They do not configure
/// Kubex.
pub const PLUGIN_VARIABLES: [&str; 2] = [STACK_VARIABLE, RUN_VARIABLE];

pub use environment::PluginEnvironment;
pub use options::{AllowedPlugin, PluginOptions};
pub use policy::{HARMLESS_VARIABLES, PluginPolicy};
pub use policy_source::PluginPolicySource;
pub use verdict::PluginVerdict;
pub(super) use verdict::{Permission, Refusal};

/// Rules for exec plugins. By default, every plugin may run and inherits all variables. The time limit of a run is 30 s, or 5
/// min if the plugin may use the terminal.
///
/// The rules are part of the [`Host`](super::Host). The program sets them, from Kubex's own configuration or from
/// kubectl's `kuberc`. They never come from a kubeconfig, because a kubeconfig must not decide about the plugins that
/// it contains.
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
    /// Creates the default rules.
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

    /// Sets which plugins may run.
    #[must_use]
    pub fn policy(mut self, policy: PluginPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds a policy. A plugin may run only if this policy and the previous one permit it.
    #[must_use]
    pub fn and_policy(mut self, policy: PluginPolicy) -> Self {
        self.policy = self.policy.and(policy);
        self
    }

    /// Sets which environment variables plugins inherit.
    #[must_use]
    pub fn environment(mut self, environment: PluginEnvironment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the time limit of a run without a terminal. The default is 30 s. The option `deadline` of a source takes
    /// precedence.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the time limit of a run that may use the terminal. The default is 5 min. The option `interactive-deadline`
    /// of a source takes precedence.
    #[must_use]
    pub fn interactive_deadline(mut self, deadline: Duration) -> Self {
        self.interactive_deadline = deadline;
        self
    }

    /// Sets the time between SIGTERM and SIGKILL. The default is 2 s.
    #[must_use]
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = grace;
        self
    }

    /// Sets the names of the plugins that a provider may replace, such as `aws`. The provider then fetches the credential
    /// itself, and the plugin does not run. If the provider does not support an argument or a variable of the call, the plugin
    /// runs. A command with a path is never replaced. The plugin policy applies in both cases. See
    /// [`Replacement`](crate::Replacement).
    ///
    /// ```
    /// use kubex_core::host::PluginRules;
    ///
    /// let rules = PluginRules::new().native(["aws"]);
    /// assert_eq!(rules.native_plugins(), ["aws"]);
    /// ```
    #[must_use]
    pub fn native(mut self, plugins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.native = plugins.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the names of the plugins that a provider may [replace](Self::native).
    pub fn native_plugins(&self) -> &[String] {
        &self.native
    }

    /// Returns which plugins may run.
    pub fn plugin_policy(&self) -> &PluginPolicy {
        &self.policy
    }

    /// Returns the time limit of a run. `is_interactive` means that the plugin may use the terminal.
    ///
    /// ```
    /// use std::time::Duration;
    /// use kubex_core::host::PluginRules;
    ///
    /// let rules = PluginRules::new().deadline(Duration::from_secs(10));
    /// assert_eq!(rules.time_for(false), Duration::from_secs(10));
    /// assert_eq!(rules.time_for(true), Duration::from_secs(300));
    /// ```
    pub fn time_for(&self, is_interactive: bool) -> Duration {
        if is_interactive {
            self.interactive_deadline
        } else {
            self.deadline
        }
    }

    /// Returns the time between SIGTERM and SIGKILL.
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
