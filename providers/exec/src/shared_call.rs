//! Parses a call of `kubex exec`, which runs a plugin and shares its credential with all programs of the user.
//!
//! `kubex wrap` writes such calls into kubeconfigs. The plugin policy and the search for the program are applied to
//! the plugin after `--`, and not only to `kubex`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kubex_core::host::PluginVerdict;
use kubex_core::text::sanitize_line;
use kubex_core::{ErrorKind, Host, Origin, Registration, Registry};

use crate::lookup::Command;

/// A call of `kubex exec`: the plugin after `--`, and the flags that determine which credentials are shared.
///
/// ```
/// use kubex_exec::SharedCall;
///
/// let arguments = ["exec", "--lifetime=10m", "--", "aws", "eks", "get-token"];
/// let call = SharedCall::parse(arguments.map(Into::into)).unwrap();
/// assert_eq!(call.command, ["aws", "eks", "get-token"]);
/// assert!(SharedCall::parse(["exec", "--source", "vault"].map(Into::into)).is_none());
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SharedCall {
    /// The plugin and its arguments. This list is not empty.
    pub command: Vec<String>,
    /// The values of `--identity-variable`: additional variables that determine which credential the plugin returns.
    pub identity_variables: Vec<String>,
    /// The values of `--identity-file`: additional files that determine which credential the plugin returns.
    pub identity_files: Vec<PathBuf>,
}

impl SharedCall {
    /// Parses the arguments `exec [FLAGS] -- COMMAND`. Returns `None` if they have another form, or if they contain
    /// any other flag than `--identity-variable`, `--identity-file`, `--lifetime` and `--unwrap`.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut words = arguments.into_iter();
        if words.next()? != "exec" {
            return None;
        }
        let mut call = Self::default();
        loop {
            let word = words.next()?.into_string().ok()?;
            if word == "--" {
                break;
            }
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag.to_owned(), value.to_owned()),
                None => (word, words.next()?.into_string().ok()?),
            };
            match flag.as_str() {
                "--identity-variable" => call.identity_variables.push(value),
                "--identity-file" => call.identity_files.push(value.into()),
                // `--lifetime` matters only when a credential is fetched, and `--unwrap` only for `kubex unwrap`.
                "--lifetime" | "--unwrap" => {}
                _ => return None,
            }
        }
        call.command = words.map(|word| word.into_string().ok()).collect::<Option<_>>()?;
        (!call.command.is_empty()).then_some(call)
    }
}

/// The plugin that a call of `kubex exec` runs.
pub(crate) struct WrappedPlugin {
    name: String,
    /// Whether a provider of this program may replace the plugin. It need not be installed then.
    is_replaceable: bool,
}

impl WrappedPlugin {
    /// The plugin of this command. `None` if the command is not `kubex exec`.
    pub(crate) fn of(command: &str, arguments: &[String], registry: &Registry) -> Option<Self> {
        if Path::new(command).file_stem()? != "kubex" {
            return None;
        }
        let call = SharedCall::parse(arguments.iter().map(Into::into))?;
        let name = call.command.into_iter().next()?;
        let mut replaced = registry.iter().filter_map(Registration::replaced_plugin);
        Some(Self {
            is_replaceable: replaced.any(|plugin| plugin == name),
            name,
        })
    }

    /// Describes the plugin, for reports and errors.
    pub(crate) fn describe(&self) -> String {
        format!("exec plugin {}, through kubex exec", sanitize_line(&self.name))
    }

    /// The decision of the policy about the plugin, as in `kubex exec` on this host: an allowlist limits no variables, because
    /// the kubeconfig does not set them, and a relative path starts at the working directory.
    pub(crate) async fn verdict(&self, host: &Host) -> PluginVerdict {
        let directory = host.environment().current_directory().unwrap_or_default();
        let text = if self.name.contains(std::path::is_separator) {
            directory.join(&self.name).to_string_lossy().into_owned()
        } else {
            self.name.clone()
        };
        let found = async {
            let command = Command::new(&text, &Origin::code())?;
            command.find(host).await
        };
        let mut verdict = host.plugin_verdict(&text, found, &[]).await;
        let is_native = |native: &String| self.is_replaceable && *native == self.name;
        let is_missing = |kind| kind == ErrorKind::PluginNotFound;
        if verdict
            .refusal
            .as_ref()
            .is_some_and(|error| is_missing(error.kind()))
            && host.plugin_rules().native_plugins().iter().any(is_native)
        {
            verdict.refusal = host.permit_replaced(&self.name, &[]).await.err();
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use kubex_core::host::{PluginPolicy, PluginRules, SimulatedHost};

    use super::*;

    fn wrapped(command: &str, arguments: &[&str]) -> Option<WrappedPlugin> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let registry = Registry::from_registrations([]).unwrap();
        WrappedPlugin::of(command, &arguments, &registry)
    }

    #[test]
    fn only_a_call_of_kubex_exec_wraps_a_plugin() {
        for (command, arguments, name) in [
            ("kubex", &["exec", "--", "aws", "eks"][..], Some("aws")),
            (
                "/opt/bin/kubex",
                &["exec", "--unwrap", "x", "--", "./aws"],
                Some("./aws"),
            ),
            ("kubex", &["exec", "--source", "vault"], None),
            ("kubex", &["exec", "--"], None),
            ("kubex", &["token"], None),
            ("aws", &["exec", "--", "aws"], None),
            ("kubex-other", &["exec", "--", "aws"], None),
        ] {
            let found = wrapped(command, arguments).map(|plugin| plugin.name);
            assert_eq!(found.as_deref(), name, "{command} {arguments:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_verdict_is_about_the_plugin() {
        let world = SimulatedHost::new();
        world.set_variable("PATH", "/usr/bin");
        world.install_program("/usr/bin/kubex");
        let plugin = wrapped("kubex", &["exec", "--", "slowtok"]).unwrap();
        assert_eq!(plugin.describe(), "exec plugin slowtok, through kubex exec");
        let missing = plugin.verdict(&world.host()).await;
        assert_eq!(missing.refusal.unwrap().kind(), ErrorKind::PluginNotFound);
        assert_eq!(missing.command, "slowtok");
        world.install_program("/usr/bin/slowtok");
        assert!(plugin.verdict(&world.host()).await.refusal.is_none());
        for (entry, is_allowed) in [("kubex", false), ("slowtok", true), ("/usr/bin/slowtok", true)] {
            let rules = PluginRules::new().policy(PluginPolicy::allowlist([entry]).unwrap());
            let host = world.host().with_plugin_rules(rules);
            let refusal = plugin.verdict(&host).await.refusal;
            assert_eq!(refusal.is_none(), is_allowed, "{entry}: {refusal:?}");
        }
    }
}
