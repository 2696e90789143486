//! Which plugins may run.
//!
//! The policy is client-go's (`tools/clientcmd/api/types.go`, `plugin/pkg/client/auth/exec/exec.go`):
//!
//! | entry of the allowlist | permits |
//! |---|---|
//! | `/usr/local/bin/aws` | the command with that path, and the command `aws` if `PATH` finds that file |
//! | `aws` | the command `aws`, whichever file `PATH` finds, and that file's path |
//!
//! Paths are compared as text; symbolic links are not followed.
//!
//! Beyond client-go, an allowlist also limits the variables that a kubeconfig sets for a plugin, because some of them make
//! an allowed program run another one: `LD_PRELOAD`, `BASH_ENV`, `PYTHONPATH`, `PATH`, `AWS_CONFIG_FILE`. Only the variables
//! in [`HARMLESS_VARIABLES`] pass, and those that the plugin's entry names.
//!
//! The policy comes from the program or from Kubex's own configuration, never from a kubeconfig, and is checked before every run: a
//! credential in hand is used up when a policy begins to refuse its plugin.
//!
//! ```
//! use kubex_core::host::{PluginPolicy, PluginRules};
//!
//! let policy = PluginPolicy::allowlist_with([("/usr/local/bin/aws", ["AWS_CONFIG_FILE"])])?;
//! let rules = PluginRules::new().policy(policy);
//! assert!(PluginPolicy::allowlist([""]).is_err());
//! # Ok::<(), kubex_core::Error>(())
//! ```

use std::ffi::OsStr;
use std::path::Path;

use tracing::debug;

use super::environment::is_named;
use super::misconfigured;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::host::programs::lexically_clean;
use crate::sharing_key::SharingKey;
use crate::text::sanitize_line;

/// Which plugins may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginPolicy(Policy);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Policy {
    #[default]
    AllowAll,
    DenyAll,
    Allowlist(Vec<Entry>),
}

/// An entry of the allowlist.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    command: String,
    /// The variables that a kubeconfig may set for it, beyond the harmless ones.
    variables: Vec<String>,
}

/// The variables that a kubeconfig may set for every plugin of an allowlist: regions, profiles and projects by name, and
/// proxies. None of them names a file, a program or a server that receives a secret.
pub const HARMLESS_VARIABLES: &[&str] = &[
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABA_CLOUD_REGION_ID",
    "ALL_PROXY",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "CLOUDSDK_COMPUTE_REGION",
    "CLOUDSDK_COMPUTE_ZONE",
    "CLOUDSDK_CORE_ACCOUNT",
    "CLOUDSDK_CORE_PROJECT",
    "GOOGLE_CLOUD_PROJECT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "OCI_CLI_PROFILE",
    "OCI_CLI_REGION",
    "USE_GKE_GCLOUD_AUTH_PLUGIN",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

impl PluginPolicy {
    /// Every plugin may run. This is the default.
    pub fn allow_all() -> Self {
        Self(Policy::AllowAll)
    }

    /// No plugin may run.
    pub fn deny_all() -> Self {
        Self(Policy::DenyAll)
    }

    /// Only these commands may run: names, or absolute paths.
    ///
    /// # Errors
    /// `InvalidValue` for an empty list, an empty entry, or a path that is not in its shortest form.
    pub fn allowlist(commands: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        Self::allowlist_with(commands.into_iter().map(|command| (command, [""; 0])))
    }

    /// As [`allowlist`](Self::allowlist), with the variables that a kubeconfig may set for each command, beyond
    /// [`HARMLESS_VARIABLES`]. A name that ends in `*` matches all names with that beginning.
    ///
    /// # Errors
    /// As [`allowlist`](Self::allowlist), and `InvalidValue` for an empty name or a `*` alone.
    pub fn allowlist_with<C, V>(entries: impl IntoIterator<Item = (C, V)>) -> Result<Self>
    where
        C: Into<String>,
        V: IntoIterator<Item: Into<String>>,
    {
        let entries: Vec<Entry> = entries
            .into_iter()
            .map(|(command, variables)| Entry {
                command: command.into(),
                variables: variables.into_iter().map(Into::into).collect(),
            })
            .collect();
        if entries.is_empty() {
            return Err(misconfigured("the allowlist is empty")
                .with_help("use the policy deny-all to forbid all plugins"));
        }
        for (at, Entry { command, variables }) in (1..).zip(&entries) {
            if variables.iter().any(|name| name.trim_end_matches('*').is_empty()) {
                return Err(misconfigured(format_args!(
                    "entry {at} of the allowlist allows every variable, or one without a name"
                ))
                .with_help("write the names of the variables that a kubeconfig may set"));
            }
            if command.is_empty() {
                return Err(misconfigured(format_args!(
                    "entry {at} of the allowlist is empty"
                )));
            }
            let clean = lexically_clean(Path::new(command));
            if clean.as_os_str() != OsStr::new(command) {
                return Err(misconfigured(format_args!(
                    "entry {at} of the allowlist is not in its shortest form: \"{}\"",
                    sanitize_line(command)
                ))
                .with_help(format_args!(
                    "write it as \"{}\"",
                    sanitize_line(&clean.to_string_lossy())
                )));
            }
        }
        Ok(Self(Policy::Allowlist(entries)))
    }

    /// Whether only the commands of a list may run.
    pub fn is_allowlist(&self) -> bool {
        matches!(self.0, Policy::Allowlist(_))
    }

    pub(super) fn add_to(&self, key: SharingKey) -> SharingKey {
        match &self.0 {
            Policy::AllowAll => key.with("allow-all"),
            Policy::DenyAll => key.with("deny-all"),
            Policy::Allowlist(entries) => entries.iter().fold(key.with("allowlist"), |key, entry| {
                key.with(&entry.command).with_list(&entry.variables)
            }),
        }
    }

    /// The part of the check that needs no lookup.
    pub(in crate::host) fn before_look_up(&self, command: &OsStr) -> Result<()> {
        if self.0 != Policy::DenyAll {
            return Ok(());
        }
        denied(command);
        Err(Error::new(
            ErrorKind::Refused,
            format_args!(
                "the plugin \"{}\" is not allowed: the plugin policy is deny-all",
                sanitize_line(&command.to_string_lossy())
            ),
        )
        .with_help("allow it in Kubex's own configuration, not in the kubeconfig"))
    }

    /// Whether the program that was found for the command may run with these variables of a kubeconfig.
    pub(in crate::host) async fn check(
        &self,
        command: &OsStr,
        program: &Path,
        variables: &[&str],
        host: &Host,
    ) -> Result<()> {
        match &self.0 {
            Policy::AllowAll => {}
            Policy::DenyAll => return self.before_look_up(command),
            Policy::Allowlist(entries) => {
                let listed = listed(entries, command, program, host).await;
                let shown = program.to_string_lossy();
                if listed.is_empty() {
                    denied(command);
                    return Err(Error::new(
                        ErrorKind::Refused,
                        format_args!(
                            "the plugin \"{}\" is not on the plugin allowlist",
                            sanitize_line(&shown)
                        ),
                    )
                    .with_help(
                        "add its path to the allowlist of Kubex's own configuration, if you trust it",
                    ));
                }
                if let Some(name) = variables.iter().find(|name| !may_be_set(name, &listed)) {
                    denied(command);
                    return Err(Error::new(
                        ErrorKind::Refused,
                        format_args!(
                            "the kubeconfig sets the variable \"{}\" for the plugin \"{}\", and the plugin allowlist \
                             does not permit that",
                            sanitize_line(name),
                            sanitize_line(&shown)
                        ),
                    )
                    .with_help(
                        "add its name to \"env\" of the plugin's entry of the allowlist, if you trust the kubeconfig",
                    ));
                }
            }
        }
        debug!(target: "kubex::exec", command = &*sanitize_line(&command.to_string_lossy()), outcome = "allowed", "plugin policy");
        Ok(())
    }
}

fn denied(command: &OsStr) {
    debug!(target: "kubex::exec", command = &*sanitize_line(&command.to_string_lossy()), outcome = "denied", "plugin policy");
}

/// The entries that permit the program.
async fn listed<'e>(entries: &'e [Entry], command: &OsStr, program: &Path, host: &Host) -> Vec<&'e Entry> {
    let command = lexically_clean(Path::new(command));
    let name = program.file_name();
    let mut listed = Vec::new();
    for entry in entries {
        let path = Path::new(&entry.command);
        let is_verbatim = path == command || path == program;
        // An entry with a separator was compared already, so only bare names are looked up.
        if is_verbatim
            || Some(path.as_os_str()) == name
                && host.look_up(&entry.command).await.program.as_deref() == Some(program)
        {
            listed.push(entry);
        }
    }
    listed
}

/// Whether a kubeconfig may set this variable for a plugin with these entries.
fn may_be_set(name: &str, listed: &[&Entry]) -> bool {
    let named = listed.iter().flat_map(|entry| &entry.variables);
    let mut allowed = HARMLESS_VARIABLES
        .iter()
        .copied()
        .chain(named.map(String::as_str));
    allowed.any(|pattern| is_named(OsStr::new(name), pattern))
}
