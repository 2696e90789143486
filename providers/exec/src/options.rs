//! The options of the provider `exec`.

use std::fmt;

use kubex_core::SecretString;
use kubex_core::host::Deadline;
use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer};

/// The options of the provider `exec`, besides those that describe the cluster (`server`, `certificate-authority`,
/// ...). The names in a kubeconfig's `exec` block are accepted too, and `null` means that an option is not set
/// (client-go, tools/clientcmd/api/v1/types.go).
#[derive(serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExecOptions {
    /// The program: a name, which is looked up in PATH, or a path. A relative path starts at the directory of the file
    /// that contains it.
    #[schemars(extend("format" = "command"))]
    pub command: String,
    /// The arguments, each passed unchanged.
    #[serde(default, deserialize_with = "or_default")]
    pub args: Vec<String>,
    /// Variables that the plugin gets in addition to those of this program. If a name occurs twice, the last value is
    /// used.
    #[serde(default, deserialize_with = "or_default")]
    pub env: Vec<EnvironmentVariable>,
    /// The version of the protocol: `client.authentication.k8s.io/v1` (the default) or
    /// `client.authentication.k8s.io/v1beta1`.
    #[serde(alias = "apiVersion")]
    #[schemars(extend("enum" = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1", null]))]
    pub api_version: Option<String>,
    /// Help for a user who has not installed the plugin.
    #[serde(alias = "installHint")]
    pub install_hint: Option<String>,
    /// Whether the plugin receives the cluster: its address, its CA bundle and its extension
    /// `client.authentication.k8s.io/exec`.
    #[serde(default, deserialize_with = "or_default", alias = "provideClusterInfo")]
    pub provide_cluster_info: bool,
    /// Whether the plugin may ask questions at the terminal.
    #[serde(default, deserialize_with = "or_default", alias = "interactiveMode")]
    pub interactive_mode: InteractiveMode,
    /// The time limit of a run: `30s`, `300ms`, or a number of seconds. The default is 30 s, or the limit in the
    /// plugin rules.
    pub deadline: Option<Deadline>,
    /// The time limit of a run that asks the user questions at the terminal. The default is 5 min, or the limit in the
    /// plugin rules.
    pub interactive_deadline: Option<Deadline>,
}

/// Arguments may contain secrets, so only their number is shown.
impl fmt::Debug for ExecOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecOptions")
            .field("command", &self.command)
            .field("args", &self.args.len())
            .field("env", &self.env)
            .field("api_version", &self.api_version)
            .field("interactive_mode", &self.interactive_mode)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// A variable of the plugin's environment.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentVariable {
    /// The name of the variable.
    pub name: String,
    /// The value of the variable, which may be a secret.
    #[serde(default, deserialize_with = "unlisted")]
    #[schemars(with = "String", extend("writeOnly" = true))]
    pub value: SecretString,
}

/// Whether the plugin may ask questions at the terminal (KEP-541).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum InteractiveMode {
    /// The plugin never asks questions.
    #[serde(alias = "never")]
    Never,
    /// The plugin asks questions if there is a terminal. Without a terminal, it runs without asking.
    #[default]
    #[serde(alias = "if-available")]
    IfAvailable,
    /// The plugin needs a terminal. Without one, the run is an error.
    #[serde(alias = "always")]
    Always,
}

impl InteractiveMode {
    /// Returns the value of `interactiveMode` in a kubeconfig, such as `IfAvailable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::IfAvailable => "IfAvailable",
            Self::Always => "Always",
        }
    }
}

/// Reads `null` as an option that is not set: programs that write kubeconfigs write it.
fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The value of a variable is not hidden wherever it occurs: it may be a region, or the name of a profile.
fn unlisted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::unlisted)
}

#[cfg(test)]
mod tests {
    use kubex_core::options::Value;

    use super::*;

    fn parse(json: &str) -> kubex_core::Result<ExecOptions> {
        serde_json::from_str::<Value>(json).unwrap().parse()
    }

    #[test]
    fn a_command_is_enough() {
        let options = parse(r#"{"command": "aws"}"#).unwrap();
        assert!(options.args.is_empty() && options.env.is_empty() && !options.provide_cluster_info);
        assert_eq!(options.interactive_mode, InteractiveMode::IfAvailable);
        assert_eq!((options.deadline, options.interactive_deadline), (None, None));
    }

    #[test]
    fn the_spellings_of_a_kubeconfig_are_taken() {
        let options = parse(
            r#"{"command": "aws", "args": null, "env": null, "apiVersion": "v", "installHint": "h",
                "provideClusterInfo": true, "interactiveMode": "Never"}"#,
        )
        .unwrap();
        assert_eq!(options.api_version.as_deref(), Some("v"));
        assert_eq!(options.install_hint.as_deref(), Some("h"));
        assert!(options.provide_cluster_info);
        assert_eq!(options.interactive_mode, InteractiveMode::Never);
    }

    #[test]
    fn debug_shows_no_argument_and_no_value() {
        let options = parse(
            r#"{"command": "aws", "args": ["--token=s3cret"], "env": [{"name": "A", "value": "s3cret"}]}"#,
        );
        let shown = format!("{:?}", options.unwrap());
        assert!(!shown.contains("s3cret") && shown.contains("aws"), "{shown}");
    }
}
