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

use std::ffi::OsStr;
use std::path::Path;

use tracing::debug;

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

    /// Only these commands may run: names, or absolute paths.
    ///
    /// # Errors
    /// `InvalidValue` for an empty list, an empty entry, or a path that is not in its shortest form.
    pub fn allowlist(commands: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let commands: Vec<String> = commands.into_iter().map(Into::into).collect();
        if commands.is_empty() {
            return Err(misconfigured("the allowlist is empty")
                .with_help("use the policy deny-all to forbid all plugins"));
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
                    sanitize_line(command)
                ))
                .with_help(format_args!(
                    "write it as \"{}\"",
                    sanitize_line(&clean.to_string_lossy())
                )));
            }
        }
        Ok(Self(Policy::Allowlist(commands)))
    }

    pub(super) fn add_to(&self, key: SharingKey) -> SharingKey {
        match &self.0 {
            Policy::AllowAll => key.with("allow-all"),
            Policy::DenyAll => key.with("deny-all"),
            Policy::Allowlist(entries) => key.with("allowlist").with_list(entries),
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

    /// Whether the program that was found for the command may run.
    pub(in crate::host) async fn check(&self, command: &OsStr, program: &Path, host: &Host) -> Result<()> {
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
                        sanitize_line(&program.to_string_lossy())
                    ),
                )
                .with_help("add its path to the allowlist of Kubex's own configuration, if you trust it"));
            }
        }
        debug!(target: "kubex::exec", command = &*sanitize_line(&command.to_string_lossy()), outcome = "allowed", "plugin policy");
        Ok(())
    }
}

fn denied(command: &OsStr) {
    debug!(target: "kubex::exec", command = &*sanitize_line(&command.to_string_lossy()), outcome = "denied", "plugin policy");
}

async fn is_listed(entries: &[String], command: &OsStr, program: &Path, host: &Host) -> bool {
    let command = lexically_clean(Path::new(command));
    let is_verbatim = |entry: &String| Path::new(entry) == command || Path::new(entry) == program;
    if entries.iter().any(is_verbatim) {
        return true;
    }
    // An entry with a separator was compared above, so only bare names are looked up.
    let name = program.file_name();
    for entry in entries.iter().filter(|entry| Some(OsStr::new(entry)) == name) {
        if host.look_up(entry).await.program.as_deref() == Some(program) {
            return true;
        }
    }
    false
}
