//! The rules for plugins as options of a Kubex configuration.

use schemars::JsonSchema;

use super::{PluginEnvironment, PluginPolicy, PluginRules, misconfigured};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Deadline;
use crate::text::clean_line;

/// The options of a Kubex configuration for exec plugins. [`rules`](Self::rules) checks them and converts them to
/// [`PluginRules`].
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
#[schemars(extend("dependencies" = {"allowlist": {"properties": {"policy": {"enum": ["allowlist", "Allowlist"]}}}}))]
pub struct PluginOptions {
    /// `allow-all` (the default), `deny-all` or `allowlist`.
    #[schemars(extend("enum" = ["allow-all", "deny-all", "allowlist", "AllowAll", "DenyAll", "Allowlist", null]))]
    pub policy: Option<String>,
    /// The plugins that may run; only with the policy `allowlist`.
    pub allowlist: Option<Vec<AllowedPlugin>>,
    /// Whether kubectl's kuberc must permit a plugin too, by its credentialPluginPolicy and credentialPluginAllowlist.
    /// The default is true for the command kubex, and false for other programs.
    pub kuberc: Option<bool>,
    /// The time limit of a run; 30 s by default.
    pub deadline: Option<Deadline>,
    /// The time limit of a run that may use the terminal; 5 min by default.
    pub interactive_deadline: Option<Deadline>,
    /// Which environment variables of this program a plugin inherits: `inherit` (the default) for all, or `minimal`.
    #[schemars(extend("enum" = ["inherit", "minimal", null]))]
    pub environment: Option<String>,
    /// Environment variables that a plugin does not inherit. A name that ends in `*` matches all names with that
    /// beginning.
    #[serde(default)]
    pub drop_variables: Vec<String>,
    /// The plugins that a provider of this program may replace, by name, such as `aws`. The provider then fetches the
    /// credential itself, if it supports the whole call.
    #[serde(default)]
    pub native: Vec<String>,
}

/// An entry of the allowlist of exec plugins.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AllowedPlugin {
    /// The plugin's name, or its absolute path.
    #[serde(default)]
    pub command: String,
    /// The environment variables that a kubeconfig may set for the plugin, besides regions, profiles and proxies. A
    /// name that ends in `*` matches all names with that beginning.
    #[serde(default)]
    pub env: Vec<String>,
    /// The SHA-256 digest that the program's file must have, as `sha256sum` prints it. It is checked before every run.
    #[schemars(extend("pattern" = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
}

impl PluginOptions {
    /// Checks the options by client-go's rules, and converts them.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidValue`]: one of these cases:
    ///   - The policy or the environment is unknown.
    ///   - The allowlist and the policy `allowlist` are not set together.
    ///   - [`PluginPolicy::allowlist`] rejects the allowlist.
    ///   - A name in `native` is empty or contains a path.
    /// - [`ErrorKind::Unsupported`]: `kuberc` is true. This function reads no file, so the caller has to set it to
    ///   `None` and add the policy of kubectl's kuberc.
    pub fn rules(self) -> Result<PluginRules> {
        if self.kuberc == Some(true) {
            return Err(Error::new(ErrorKind::Unsupported, "the kuberc is not read here")
                .with_help("remove \"kuberc\""));
        }
        self.check_native()?;
        let (policy, environment) = (self.plugin_policy()?, self.plugin_environment()?);
        let mut rules = PluginRules::new()
            .native(self.native)
            .policy(policy)
            .environment(environment);
        if let Some(deadline) = self.deadline {
            rules = rules.deadline(deadline.duration());
        }
        if let Some(deadline) = self.interactive_deadline {
            rules = rules.interactive_deadline(deadline.duration());
        }
        Ok(rules)
    }

    /// Returns the policy that `policy` and `allowlist` describe.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the policy or the allowlist is not valid.
    pub fn plugin_policy(&self) -> Result<PluginPolicy> {
        let named = self.policy.as_deref().unwrap_or_default();
        match (named, &self.allowlist) {
            ("allowlist" | "Allowlist", Some(list)) => PluginPolicy::allowlist_of(list.clone()),
            ("allowlist" | "Allowlist", None) => Err(misconfigured(
                "the plugin policy is allowlist, but there is no allowlist",
            )
            .with_help("set \"allowlist\", or use the policy deny-all")),
            ("" | "allow-all" | "AllowAll" | "deny-all" | "DenyAll", Some(_)) => {
                Err(misconfigured(format_args!(
                    "there is an allowlist, but the plugin policy is {}",
                    if named.is_empty() { "not set" } else { named }
                ))
                .with_help("set the policy to allowlist, or remove the list"))
            }
            ("" | "allow-all" | "AllowAll", None) => Ok(PluginPolicy::allow_all()),
            ("deny-all" | "DenyAll", None) => Ok(PluginPolicy::deny_all()),
            (other, _) => Err(misconfigured(format_args!(
                "\"{}\" is not a valid plugin policy",
                clean_line(other)
            ))
            .with_help("set it to allow-all, deny-all or allowlist")),
        }
    }

    /// Returns the environment variables that plugins inherit.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the environment is not `inherit` or `minimal`.
    pub fn plugin_environment(&self) -> Result<PluginEnvironment> {
        let environment = match self.environment.as_deref() {
            None | Some("inherit") => PluginEnvironment::inherit(),
            Some("minimal") => PluginEnvironment::minimal(),
            Some(other) => {
                return Err(misconfigured(format_args!(
                    "\"{}\" is not a valid environment for plugins",
                    clean_line(other)
                ))
                .with_help("set it to inherit or minimal"));
            }
        };
        Ok(environment.dropping(self.drop_variables.clone()))
    }

    /// Checks the names in `native`, the plugins that a provider may replace.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if one of them is empty or contains a path.
    pub fn check_native(&self) -> Result<()> {
        match self.native.iter().find(|name| !is_a_name(name)) {
            Some(path) => Err(misconfigured(format_args!(
                "\"{}\" is not the name of a plugin",
                clean_line(path)
            ))
            .with_help("write the name of its command, such as aws")),
            None => Ok(()),
        }
    }
}

/// A command with a path is never replaced.
fn is_a_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '\\'])
}
