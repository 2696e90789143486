//! What the provider `exec` is told.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use kubex_core::SecretString;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, Deserializer};

/// How long a run may take where nothing else is said.
const DEADLINE: Duration = Duration::from_secs(30);

/// The longest deadline that is taken. Beyond it, it is a typing error.
const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// The options of the provider `exec`, beside the cluster's. The names of a kubeconfig's `exec` block are
/// taken as well, and so is its `null` for what is not set (client-go, tools/clientcmd/api/v1/types.go).
#[derive(serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExecOptions {
    /// The program: a name that is looked up in PATH, or a path. A relative path starts at the directory of
    /// the file it is written in.
    pub command: String,
    /// Its arguments, each passed as it is.
    #[serde(default, deserialize_with = "or_default")]
    pub args: Vec<String>,
    /// Variables to add to those of this program; a later one of a name wins.
    #[serde(default, deserialize_with = "or_default")]
    pub env: Vec<EnvironmentVariable>,
    /// The version of the protocol: `client.authentication.k8s.io/v1`, which is the default, or
    /// `client.authentication.k8s.io/v1beta1`.
    #[serde(alias = "apiVersion")]
    pub api_version: Option<String>,
    /// What to tell a user who has not installed the plugin.
    #[serde(alias = "installHint")]
    pub install_hint: Option<String>,
    /// Whether the plugin is told of the cluster: its address, its authorities, its extension.
    #[serde(default, deserialize_with = "or_default", alias = "provideClusterInfo")]
    pub provide_cluster_info: bool,
    /// Whether the plugin may ask its user at the terminal.
    #[serde(default, deserialize_with = "or_default", alias = "interactiveMode")]
    pub interactive_mode: InteractiveMode,
    /// How long a run may take: `30s`, which is the default, `5m`, or a number of seconds.
    #[serde(default = "default_deadline", deserialize_with = "deadline")]
    #[schemars(schema_with = "deadline_schema")]
    pub deadline: Duration,
}

/// Arguments may hold secrets, so they are counted and not shown.
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

/// One variable of the plugin's environment.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentVariable {
    /// Its name.
    pub name: String,
    /// Its value, which may be a secret.
    #[serde(default)]
    #[schemars(with = "String")]
    pub value: SecretString,
}

/// Whether the plugin may ask its user at the terminal (KEP-541).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum InteractiveMode {
    /// It never asks.
    #[serde(alias = "never")]
    Never,
    /// It asks where there is a terminal, and does without where there is none.
    #[default]
    #[serde(alias = "if-available")]
    IfAvailable,
    /// It cannot do without.
    #[serde(alias = "always")]
    Always,
}

/// Reads `null` as what is not set: a kubeconfig's writer puts it there.
fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn default_deadline() -> Duration {
    DEADLINE
}

fn deadline<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time such as 30s, 5m or a number of seconds, more than 0 and at most 24h")
        }

        fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Duration, E> {
            Some(Duration::from_secs(seconds))
                .filter(|deadline| !deadline.is_zero() && *deadline <= LONGEST_DEADLINE)
                .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(seconds), &self))
        }

        fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Duration, E> {
            u64::try_from(seconds)
                .map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))
                .and_then(|seconds| self.visit_u64(seconds))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            let parsed = text.parse::<SignedDuration>().ok();
            parsed
                .and_then(|deadline| Duration::try_from(deadline).ok())
                .filter(|deadline| !deadline.is_zero() && *deadline <= LONGEST_DEADLINE)
                .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_any(Visitor)
}

fn deadline_schema(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": ["string", "integer"], "default": "30s" })
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
        assert_eq!(options.deadline, Duration::from_secs(30));
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
    fn a_deadline_is_a_time_or_a_number_of_seconds() {
        for (written, seconds) in [
            (r#""30s""#, 30),
            (r#""5m""#, 300),
            (r#""1h 30m""#, 5400),
            ("7", 7),
        ] {
            let options = parse(&format!(r#"{{"command": "aws", "deadline": {written}}}"#)).unwrap();
            assert_eq!(options.deadline, Duration::from_secs(seconds), "{written}");
        }
        for written in [
            r#""soon""#,
            r#""-5s""#,
            r#""0s""#,
            "0",
            "-1",
            r#""30""#,
            "90000",
            "true",
            "1e9",
        ] {
            let error = parse(&format!(r#"{{"command": "aws", "deadline": {written}}}"#)).unwrap_err();
            assert!(
                error.message().contains("a time such as 30s"),
                "{written}: {error}"
            );
        }
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
