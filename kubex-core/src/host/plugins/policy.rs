//! The plugin policy: which exec plugins may run.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::misconfigured;
use super::options::AllowedPlugin;
use super::policy_source::{ArcPolicySource, PluginPolicySource};
use crate::error::Result;
use crate::host::programs::lexically_clean;
use crate::origin::Origin;
use crate::sharing_key::SharingKey;
use crate::text::sanitize_line;

/// Decides which exec plugins may run. If policies are [combined](Self::and), each of them must permit a plugin.
///
/// An allowlist has the rules of client-go (`tools/clientcmd/api/types.go`, `plugin/pkg/client/auth/exec/exec.go`):
///
/// | entry of the allowlist | permits |
/// |---|---|
/// | `/usr/local/bin/aws` | the command with this path, and the command `aws` if `PATH` finds this file |
/// | `aws` | the command `aws`, whichever file `PATH` finds, and the path of that file |
///
/// Paths are compared as text. Symbolic links are not followed.
///
/// Unlike in client-go, an allowlist also limits the environment variables that a kubeconfig sets for a plugin. Some
/// variables make an allowed program run another one: `LD_PRELOAD`, `BASH_ENV`, `PYTHONPATH`, `PATH`,
/// `AWS_CONFIG_FILE`. A kubeconfig may set only the [`HARMLESS_VARIABLES`], and the variables that the plugin's entry
/// lists.
///
/// The policy comes from the program, from Kubex's own configuration or from kubectl's `kuberc`, never from a kubeconfig. It is
/// checked before every run. If the policy changes and no longer permits a plugin, the credential that the plugin has already
/// returned stays in use until it expires.
///
/// ```
/// use kubex_core::host::{PluginPolicy, PluginRules};
///
/// let policy = PluginPolicy::allowlist_with([("/usr/local/bin/aws", ["AWS_CONFIG_FILE"])])?;
/// let rules = PluginRules::new().policy(policy);
/// assert!(PluginPolicy::allowlist([""]).is_err());
/// # Ok::<(), kubex_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginPolicy(pub(super) Vec<Layer>);

/// One of the policies that must all permit a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) rule: Rule,
    /// Where the rule is set.
    pub(super) origin: Option<Origin>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    AllowAll,
    DenyAll,
    Allowlist(Vec<Entry>),
    /// Read before every run.
    Read(ArcPolicySource),
}

/// An entry of the allowlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) command: String,
    /// The variables that a kubeconfig may set for it, beyond the harmless ones.
    pub(super) variables: Vec<String>,
    /// The SHA-256 digest that the program must have.
    pub(super) digest: Option<[u8; 32]>,
    pub(super) origin: Option<Origin>,
}

/// The environment variables that a kubeconfig may set for every plugin on an allowlist: regions, profiles, projects
/// and proxies. None of them contains the path of a file or of a program.
///
/// Do not permit a plugin that sends secrets over `http://`, because the proxy of the kubeconfig could read them.
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
    /// Permits every plugin. This is the default.
    pub fn allow_all() -> Self {
        Self::from_rule(Rule::AllowAll)
    }

    /// Permits no plugin.
    pub fn deny_all() -> Self {
        Self::from_rule(Rule::DenyAll)
    }

    /// Reads the policy from this source before each run of a plugin.
    pub fn from_source(source: Arc<dyn PluginPolicySource>) -> Self {
        Self::from_rule(Rule::Read(ArcPolicySource(source)))
    }

    /// Permits only these commands, which are names or absolute paths.
    ///
    /// ```
    /// use kubex_core::host::PluginPolicy;
    ///
    /// assert!(PluginPolicy::allowlist(["aws", "/usr/local/bin/kubelogin"])?.is_allowlist());
    /// assert!(PluginPolicy::allowlist(["bin/aws"]).is_err()); // a relative path
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue) in these cases:
    ///
    /// - The list or an entry is empty.
    /// - A path is relative.
    /// - A path is not in its shortest form, such as `/usr//bin/aws`.
    pub fn allowlist(commands: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        Self::allowlist_with(commands.into_iter().map(|command| (command, [""; 0])))
    }

    /// Permits only these commands, like [`allowlist`](Self::allowlist). An entry is a pair of a command and the environment
    /// variables that a kubeconfig may set for it, in addition to [`HARMLESS_VARIABLES`]. A variable name that ends in `*`
    /// matches all names with that beginning.
    ///
    /// # Errors
    /// The same as [`allowlist`](Self::allowlist). Also returns
    /// [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue) if the name of a variable is empty or is only `*`.
    pub fn allowlist_with<C, V>(entries: impl IntoIterator<Item = (C, V)>) -> Result<Self>
    where
        C: Into<String>,
        V: IntoIterator<Item: Into<String>>,
    {
        let entries = entries.into_iter().map(|(command, variables)| AllowedPlugin {
            command: command.into(),
            env: variables.into_iter().map(Into::into).collect(),
            sha256: None,
        });
        Self::allowlist_of(entries)
    }

    /// Permits only these plugins, like [`allowlist_with`](Self::allowlist_with). An entry may also contain a digest of
    /// the program.
    ///
    /// ```
    /// use kubex_core::host::{AllowedPlugin, PluginPolicy};
    ///
    /// let mut aws = AllowedPlugin::default();
    /// aws.command = "/usr/local/bin/aws".to_owned();
    /// aws.sha256 = Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned());
    /// let policy = PluginPolicy::allowlist_of([aws])?;
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// The same as [`allowlist_with`](Self::allowlist_with). Also returns
    /// [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue) if a digest is not 64 hexadecimal digits.
    pub fn allowlist_of(entries: impl IntoIterator<Item = AllowedPlugin>) -> Result<Self> {
        let entries: Vec<AllowedPlugin> = entries.into_iter().collect();
        for (at, entry) in (1..).zip(&entries) {
            refuse_relative(at, &entry.command)?;
        }
        Self::kuberc_allowlist(entries)
    }

    /// Permits only these plugins, like [`allowlist_of`](Self::allowlist_of), but accepts a relative path, as kubectl's
    /// kuberc does.
    ///
    /// # Errors
    /// The same as [`allowlist_of`](Self::allowlist_of), but a relative path is not an error.
    pub fn kuberc_allowlist(entries: impl IntoIterator<Item = AllowedPlugin>) -> Result<Self> {
        let entries = (1..).zip(entries).map(|(at, entry)| Entry::new(at, entry));
        let entries: Vec<Entry> = entries.collect::<Result<_>>()?;
        if entries.is_empty() {
            return Err(misconfigured("the allowlist is empty")
                .with_help("use the policy deny-all to forbid all plugins"));
        }
        Ok(Self::from_rule(Rule::Allowlist(entries)))
    }

    fn from_rule(rule: Rule) -> Self {
        Self(vec![Layer { rule, origin: None }])
    }

    /// Combines two policies. A plugin may run only if both permit it.
    ///
    /// ```
    /// use kubex_core::host::PluginPolicy;
    ///
    /// let machine = PluginPolicy::allowlist(["aws", "gke-gcloud-auth-plugin"])?;
    /// let user = PluginPolicy::allowlist(["aws"])?;
    /// let both = machine.and(user);
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The layers that the other policy does not have. Without any, every plugin is permitted.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let layers = self.0.iter().filter(|layer| !other.0.contains(layer));
        Self(layers.cloned().collect())
    }

    /// Sets the origin of the policy, such as a file and a line. Errors and `kubex explain` print it.
    #[must_use]
    pub fn with_origin(mut self, origin: &Origin) -> Self {
        for layer in &mut self.0 {
            layer.origin.get_or_insert_with(|| origin.clone());
        }
        self
    }

    /// Sets the origin of each entry of the allowlist, in the order of the entries.
    #[must_use]
    pub fn with_entry_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        let entries = self.0.iter_mut().flat_map(|layer| match &mut layer.rule {
            Rule::Allowlist(entries) => entries.as_mut_slice(),
            _ => &mut [],
        });
        for (entry, origin) in entries.zip(origins) {
            entry.origin = Some(origin);
        }
        self
    }

    /// Returns whether the policy contains an allowlist, so that only the commands on it may run. `false` for a policy
    /// [from a source](Self::from_source), because its allowlist may change.
    pub fn is_allowlist(&self) -> bool {
        let mut layers = self.0.iter();
        layers.any(|layer| matches!(layer.rule, Rule::Allowlist(_)))
    }

    pub(super) fn add_to(&self, key: SharingKey) -> SharingKey {
        self.0.iter().fold(key, |key, layer| {
            let key = match &layer.rule {
                Rule::AllowAll => key.with("allow-all"),
                Rule::DenyAll => key.with("deny-all"),
                Rule::Allowlist(entries) => entries.iter().fold(key.with("allowlist"), |key, entry| {
                    key.with(&entry.command)
                        .with_list(&entry.variables)
                        .with_optional(entry.digest)
                        .with_optional(entry.origin.as_ref().map(ToString::to_string))
                }),
                Rule::Read(source) => key.with("read").with(source.0.id()),
            };
            // Errors contain it.
            key.with_optional(layer.origin.as_ref().map(ToString::to_string))
        })
    }
}

impl Default for PluginPolicy {
    fn default() -> Self {
        Self::allow_all()
    }
}

impl Entry {
    /// Checks the entry at this position, from 1.
    fn new(at: usize, entry: AllowedPlugin) -> Result<Self> {
        let AllowedPlugin { command, env, sha256 } = entry;
        if env.iter().any(|name| name.trim_end_matches('*').is_empty()) {
            return Err(misconfigured(format_args!(
                "entry {at} of the allowlist has an empty name in \"env\", or only \"*\""
            ))
            .with_help("write the names of the variables that a kubeconfig may set"));
        }
        if command.is_empty() {
            return Err(
                misconfigured(format_args!("entry {at} of the allowlist is empty"))
                    .with_help("write the name of a program, or its absolute path"),
            );
        }
        let clean = lexically_clean(Path::new(&command));
        if clean.as_os_str() != OsStr::new(&command) {
            return Err(misconfigured(format_args!(
                "entry {at} of the allowlist is not in its shortest form: \"{}\"",
                sanitize_line(&command)
            ))
            .with_help(format_args!(
                "write it as \"{}\"",
                sanitize_line(&clean.to_string_lossy())
            )));
        }
        let digest = sha256.as_deref().map(|text| {
            digest_of(text).ok_or_else(|| {
                misconfigured(format_args!(
                    "the SHA-256 digest of entry {at} of the allowlist is not 64 hexadecimal digits"
                ))
                .with_help("set it to the SHA-256 digest of the plugin's file, as sha256sum prints it")
            })
        });
        Ok(Self {
            command,
            variables: env,
            digest: digest.transpose()?,
            origin: None,
        })
    }
}

impl AllowedPlugin {
    /// Checks this entry like [`PluginPolicy::allowlist_of`]. `position` is its number in the list, counted from 1.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue) with the position, if the entry is not valid.
    pub fn check(&self, position: usize) -> Result<()> {
        refuse_relative(position, &self.command)?;
        Entry::new(position, self.clone()).map(drop)
    }
}

/// Refuses a path that is neither a name nor absolute. A command of a kubeconfig is made absolute before it is compared, so
/// such an entry would permit nothing.
fn refuse_relative(at: usize, command: &str) -> Result<()> {
    if !command.contains(std::path::is_separator) || Path::new(command).has_root() {
        return Ok(());
    }
    let message = format_args!(
        "entry {at} of the allowlist is neither a name nor an absolute path: \"{}\"",
        sanitize_line(command)
    );
    let help = "write the program's name, to look it up in PATH, or its absolute path; \"~\" and variables are not expanded";
    Err(misconfigured(message).with_help(help))
}

/// The bytes of a digest in hexadecimal digits.
fn digest_of(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
    let bytes: Vec<u8> = bytes.collect();
    bytes.try_into().ok().filter(|_| digits.len() == 64)
}
