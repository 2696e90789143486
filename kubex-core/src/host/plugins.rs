//! Rules for plugins: which may run, what they inherit, and for how long.
//!
//! They come from the program or from Kubex's own configuration and travel with the [`Host`]. A kubeconfig
//! names plugins, so it has no say in them.
//!
//! The policy is client-go's (`tools/clientcmd/api/types.go`, `plugin/pkg/client/auth/exec/exec.go`):
//!
//! | entry of the allowlist | permits |
//! |---|---|
//! | `/usr/local/bin/aws` | the command of that path, and the command `aws` where `PATH` leads there |
//! | `aws` | the command `aws`, wherever `PATH` leads, and the path of the program that `PATH` has for it |
//!
//! Paths are compared as they are written, without symbolic links being followed.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use tracing::debug;

use super::programs::lexically_clean;
use super::{Deadline, Host};
use crate::error::{Error, ErrorKind, Result};
use crate::text::clean_line;

/// Which plugins may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginPolicy(Policy);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Policy {
    #[default]
    AllowAll,
    DenyAll,
    Allowlist(Vec<String>),
}

impl PluginPolicy {
    /// Every plugin may run. This is the default.
    pub fn allow_all() -> Self {
        Self(Policy::AllowAll)
    }

    /// No plugin may run.
    pub fn deny_all() -> Self {
        Self(Policy::DenyAll)
    }

    /// These commands may run and no others: names, or absolute paths.
    ///
    /// # Errors
    /// `InvalidValue` for an empty list, an empty entry, or a path that is not written in its shortest form.
    pub fn allowlist(commands: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let commands: Vec<String> = commands.into_iter().map(Into::into).collect();
        if commands.is_empty() {
            return Err(misconfigured("the allowlist is empty")
                .advise("use the policy deny-all to let no plugin run"));
        }
        for (at, command) in (1..).zip(&commands) {
            if command.is_empty() {
                return Err(misconfigured(format_args!(
                    "entry {at} of the allowlist is empty"
                )));
            }
            let clean = lexically_clean(Path::new(command));
            if clean.as_os_str() != OsStr::new(command) {
                return Err(misconfigured(format_args!(
                    "entry {at} of the allowlist is not in its shortest form: \"{}\"",
                    clean_line(command)
                ))
                .advise(format_args!(
                    "write it as \"{}\"",
                    clean_line(&clean.to_string_lossy())
                )));
            }
        }
        Ok(Self(Policy::Allowlist(commands)))
    }

    /// What needs no program to be looked up for.
    pub(super) fn before_look_up(&self, command: &str) -> Result<()> {
        if self.0 != Policy::DenyAll {
            return Ok(());
        }
        denied(command);
        Err(Error::new(
            ErrorKind::Refused,
            format_args!(
                "the plugin \"{}\" is not allowed: the plugin policy is deny-all",
                clean_line(command)
            ),
        )
        .advise("allow it in Kubex's own configuration, not in the kubeconfig"))
    }

    /// Whether the program that the command stands for may run.
    pub(super) async fn check(&self, command: &str, program: &Path, host: &Host) -> Result<()> {
        match &self.0 {
            Policy::AllowAll => {}
            Policy::DenyAll => return self.before_look_up(command),
            Policy::Allowlist(entries) if is_listed(entries, command, program, host).await => {}
            Policy::Allowlist(_) => {
                denied(command);
                return Err(Error::new(
                    ErrorKind::Refused,
                    format_args!(
                        "the plugin \"{}\" is not on the plugin allowlist",
                        clean_line(&program.to_string_lossy())
                    ),
                )
                .advise(
                    "put its path on the allowlist of Kubex's own configuration, if it is to be trusted",
                ));
            }
        }
        debug!(target: "kubex::exec", command = &*clean_line(command), outcome = "allowed", "plugin policy");
        Ok(())
    }
}

fn denied(command: &str) {
    debug!(target: "kubex::exec", command = &*clean_line(command), outcome = "denied", "plugin policy");
}

async fn is_listed(entries: &[String], command: &str, program: &Path, host: &Host) -> bool {
    let command = lexically_clean(Path::new(command));
    let is_verbatim = |entry: &String| Path::new(entry) == command || Path::new(entry) == program;
    if entries.iter().any(is_verbatim) {
        return true;
    }
    // An entry with a separator stands for itself, so only bare names are left to be looked up.
    let name = program.file_name();
    for entry in entries.iter().filter(|entry| Some(OsStr::new(entry)) == name) {
        if host.look_up(entry).await.program.as_deref() == Some(program) {
            return true;
        }
    }
    false
}

/// Which of this program's variables a plugin inherits. Those of its own configuration are added in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginEnvironment {
    is_minimal: bool,
    dropped: Vec<String>,
}

/// What nearly every program needs to find its files, its user and its language.
const MINIMAL: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LC_*", "XDG_*",
];

/// The same on Windows.
const MINIMAL_ON_WINDOWS: &[&str] = &[
    "PATHEXT",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES*",
];

impl PluginEnvironment {
    /// All of them. This is the default, as plugins find logins and proxies there.
    pub fn inherit() -> Self {
        Self::default()
    }

    /// Only what nearly every program needs: `PATH`, `HOME`, the user, the language, where temporary files go.
    pub fn minimal() -> Self {
        Self {
            is_minimal: true,
            dropped: Vec::new(),
        }
    }

    /// None of these names; one that ends in `*` stands for all that begin so.
    #[must_use]
    pub fn dropping(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.dropped.extend(names.into_iter().map(Into::into));
        self
    }

    fn keeps(&self, name: &OsStr) -> bool {
        let is_minimal = || {
            MINIMAL.iter().any(|pattern| is_named(name, pattern))
                || (cfg!(windows) && MINIMAL_ON_WINDOWS.iter().any(|pattern| is_named(name, pattern)))
        };
        let is_dropped = self.dropped.iter().any(|pattern| is_named(name, pattern));
        !is_dropped && (!self.is_minimal || is_minimal())
    }
}

/// Names of variables differ by case, except on Windows.
fn is_named(name: &OsStr, pattern: &str) -> bool {
    let name = name.as_encoded_bytes();
    let equal = |one: &[u8], other: &[u8]| {
        if cfg!(windows) {
            one.eq_ignore_ascii_case(other)
        } else {
            one == other
        }
    };
    match pattern.strip_suffix('*') {
        Some(beginning) => name
            .get(..beginning.len())
            .is_some_and(|start| equal(start, beginning.as_bytes())),
        None => equal(name, pattern.as_bytes()),
    }
}

/// All rules for plugins. The default allows every plugin, lets it inherit everything, and gives it 30 s, or
/// 5 min at a terminal.
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
        }
    }

    /// Which plugins may run.
    #[must_use]
    pub fn policy(mut self, policy: PluginPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// What they inherit.
    #[must_use]
    pub fn environment(mut self, environment: PluginEnvironment) -> Self {
        self.environment = environment;
        self
    }

    /// How long a run may take; 30 s unless set. A source's own `deadline` wins.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a run at a terminal may take; 5 min unless set. A source's own `interactive-deadline` wins.
    #[must_use]
    pub fn interactive_deadline(mut self, deadline: Duration) -> Self {
        self.interactive_deadline = deadline;
        self
    }

    /// How long after SIGTERM a plugin gets SIGKILL; 2 s unless set.
    #[must_use]
    pub fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = grace;
        self
    }

    /// Which plugins may run.
    pub fn plugin_policy(&self) -> &PluginPolicy {
        &self.policy
    }

    /// How long a run may take, at a terminal or without.
    pub fn time_for(&self, is_interactive: bool) -> Duration {
        if is_interactive {
            self.interactive_deadline
        } else {
            self.deadline
        }
    }

    /// How long after SIGTERM it gets SIGKILL.
    pub fn time_to_end(&self) -> Duration {
        self.kill_grace
    }

    /// Those of the variables that a plugin inherits.
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

/// The rules as a configuration file of Kubex has them: [`rules`](Self::rules) checks them.
///
/// ```
/// use kubex_core::host::PluginOptions;
/// use kubex_core::options::Value;
///
/// let written: Value = serde_json::from_str(
///     r#"{"policy": "allowlist", "allowlist": [{"command": "/usr/local/bin/aws"}], "deadline": "30s",
///         "environment": "minimal", "drop-variables": ["XDG_*"]}"#,
/// ).unwrap();
/// let rules = written.parse::<PluginOptions>()?.rules()?;
/// # Ok::<(), kubex_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginOptions {
    /// `allow-all`, which is the default, `deny-all` or `allowlist`.
    pub policy: Option<String>,
    /// The plugins that may run; only with the policy `allowlist`.
    pub allowlist: Option<Vec<AllowedPlugin>>,
    /// How long a run may take; 30 s unless set.
    pub deadline: Option<Deadline>,
    /// How long a run at a terminal may take; 5 min unless set.
    pub interactive_deadline: Option<Deadline>,
    /// Which of this program's variables a plugin inherits: `inherit`, which is the default, or `minimal`.
    pub environment: Option<String>,
    /// Variables that it does not inherit; one that ends in `*` stands for all that begin so.
    #[serde(default)]
    pub drop_variables: Vec<String>,
}

/// An entry of the allowlist.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AllowedPlugin {
    /// The plugin's name, or its absolute path.
    #[serde(default)]
    pub command: String,
}

impl PluginOptions {
    /// The rules, checked as client-go checks them.
    ///
    /// # Errors
    /// `InvalidValue` for a policy or an environment of another name, for a list without the policy
    /// `allowlist` or that policy without a list, and for what [`PluginPolicy::allowlist`] refuses.
    pub fn rules(self) -> Result<PluginRules> {
        let named = self.policy.as_deref().unwrap_or_default();
        let policy = match (named, self.allowlist) {
            ("allowlist" | "Allowlist", Some(list)) => {
                PluginPolicy::allowlist(list.into_iter().map(|entry| entry.command))?
            }
            ("allowlist" | "Allowlist", None) => {
                return Err(
                    misconfigured("the plugin policy is allowlist, and there is no allowlist")
                        .advise("set \"allowlist\", or use the policy deny-all"),
                );
            }
            ("" | "allow-all" | "AllowAll" | "deny-all" | "DenyAll", Some(_)) => {
                return Err(misconfigured(format_args!(
                    "there is an allowlist, and the plugin policy is {}",
                    if named.is_empty() { "not set" } else { named }
                ))
                .advise("set the policy to allowlist, or remove the list"));
            }
            ("" | "allow-all" | "AllowAll", None) => PluginPolicy::allow_all(),
            ("deny-all" | "DenyAll", None) => PluginPolicy::deny_all(),
            (other, _) => {
                return Err(
                    misconfigured(format_args!("\"{}\" is no plugin policy", clean_line(other)))
                        .advise("set it to allow-all, deny-all or allowlist"),
                );
            }
        };
        let environment = match self.environment.as_deref() {
            None | Some("inherit") => PluginEnvironment::inherit(),
            Some("minimal") => PluginEnvironment::minimal(),
            Some(other) => {
                return Err(misconfigured(format_args!(
                    "\"{}\" is no environment for plugins",
                    clean_line(other)
                ))
                .advise("set it to inherit or minimal"));
            }
        };
        let mut rules = PluginRules::new()
            .policy(policy)
            .environment(environment.dropping(self.drop_variables));
        if let Some(deadline) = self.deadline {
            rules = rules.deadline(deadline.duration());
        }
        if let Some(deadline) = self.interactive_deadline {
            rules = rules.interactive_deadline(deadline.duration());
        }
        Ok(rules)
    }
}

fn misconfigured(why: impl Display) -> Error {
    Error::new(ErrorKind::InvalidValue, why)
}

#[cfg(test)]
mod tests;
