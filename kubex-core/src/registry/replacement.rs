//! Replacing an exec plugin: a provider fetches the credential that the plugin would print, and the plugin does not
//! run.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Deserializer};

use super::Registry;
use crate::cluster::Cluster;
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, PluginVerdict, ProgramRunner};
use crate::metrics;
use crate::options::Options;
use crate::origin::Origin;
use crate::secret::{ExposeSecret, SecretString};
use crate::sharing_key::SharingKey;
use crate::source::{CredentialSource, FetchRequest};
use crate::store_identity::StoreIdentity;
use crate::text::{clean_line, sanitize_line, shown_key};
use crate::warning::Warning;

/// The call of an exec plugin: its command, its arguments and its environment variables, as in a kubeconfig.
#[derive(Clone)]
pub struct PluginCall {
    command: String,
    arguments: Vec<String>,
    /// The variables that the kubeconfig sets. Their values may be secrets.
    variables: Vec<(String, SecretString)>,
    origin: Origin,
    plugin: Option<Arc<dyn CredentialSource>>,
    program_runner: Option<&'static dyn ProgramRunner>,
}

impl PluginCall {
    /// Creates a call that sets no environment variables.
    pub fn new(command: &str, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            command: command.to_owned(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            variables: Vec::new(),
            origin: Origin::code(),
            plugin: None,
            program_runner: None,
        }
    }

    /// The call that the options of the provider `exec` contain. `None` if they are not valid, which the provider reports.
    pub(crate) fn from_options(options: &Options) -> Option<Self> {
        #[derive(Deserialize)]
        struct Written {
            command: String,
            args: Option<Vec<String>>,
            env: Option<Vec<Variable>>,
        }
        #[derive(Deserialize)]
        struct Variable {
            name: String,
            #[serde(default, deserialize_with = "unlisted")]
            value: SecretString,
        }
        let written: Written = options.parse().ok()?;
        let variables = written.env.unwrap_or_default().into_iter();
        Some(Self {
            command: written.command,
            arguments: written.args.unwrap_or_default(),
            variables: variables.map(|set| (set.name, set.value)).collect(),
            origin: options.origin_of("command"),
            plugin: None,
            program_runner: None,
        })
    }

    /// Sets the credential source that runs the plugin itself. A fetch uses it if the provider returns
    /// [`ErrorKind::Unsupported`]. By default, such a fetch fails.
    #[must_use]
    pub fn with_plugin(mut self, plugin: Arc<dyn CredentialSource>) -> Self {
        self.plugin = Some(plugin);
        self
    }

    /// Returns the arguments. They may contain secrets.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Returns the environment variables that the call sets.
    pub fn variables(&self) -> &[(String, SecretString)] {
        &self.variables
    }

    /// Returns the runner for a program that the plugin would run itself; see [`Registry::program_runner`].
    pub fn program_runner(&self) -> Option<&'static dyn ProgramRunner> {
        self.program_runner
    }

    /// Checks that the call sets only variables that mean the same to the provider and to the plugin. `is_settable`
    /// returns whether a variable is one of them. A variable with an empty value is not accepted, because programs
    /// interpret it differently.
    ///
    /// ```
    /// use kubex_core::PluginCall;
    ///
    /// // This call sets no variable, so every check passes.
    /// let call = PluginCall::new("aws", ["eks", "get-token"]);
    /// assert_eq!(call.check_variables(|name| name == "AWS_REGION"), Ok(()));
    /// ```
    ///
    /// # Errors
    /// Returns the first variable that is not accepted, as `the variable "NAME"`. Return this text from the function of
    /// [`Registration::replaces`](crate::Registration::replaces).
    pub fn check_variables(&self, is_settable: impl Fn(&str) -> bool) -> std::result::Result<(), String> {
        let mut variables = self.variables.iter();
        let found = variables.find(|(name, value)| !is_settable(name) || value.expose_secret().is_empty());
        match found {
            Some((name, _)) => Err(format!("the variable \"{}\"", shown_key(name))),
            None => Ok(()),
        }
    }

    /// Returns the origin of the command.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The host as the plugin would see it.
    fn host(&self, host: &Host) -> Host {
        let set = self.variables.iter();
        set.fold(host.clone(), |host, (name, value)| {
            host.with_variable(name, Some(value.expose_secret()))
        })
    }

    /// The names of the variables that the call sets.
    fn variable_names(&self) -> Vec<&str> {
        self.variables.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The text with `"$NAME"` in place of each quoted value of a variable of the call, which may be a secret.
    fn without_values(&self, text: &str) -> String {
        let set = self.variables.iter();
        set.fold(text.to_owned(), |text, (name, value)| {
            let value = format!("\"{}\"", clean_line(value.expose_secret()));
            text.replace(&value, &format!("\"${}\"", sanitize_line(name)))
        })
    }

    /// Whether the rule is about this call: `Some(false)` if the rule matches only the file name.
    fn is_named(&self, rule: &str) -> Option<bool> {
        if self.command == rule {
            return Some(true);
        }
        let name = Path::new(&self.command).file_stem()?;
        (self.command.contains(std::path::is_separator) && name == rule).then_some(false)
    }
}

/// Checks that a provider and the plugin that it replaces would see the same environment. `is_understood` returns whether the
/// provider supports the value of a variable. `is_read` returns whether the provider or the plugin reads a variable; the host's
/// [`PluginRules`](crate::host::PluginRules) must not drop such a variable.
///
/// # Errors
/// Returns [`ErrorKind::Unsupported`] with the name of the first variable that is not understood, or that is read and dropped.
pub fn check_plugin_environment(
    host: &Host,
    is_understood: impl Fn(&str, &OsStr) -> bool,
    is_read: impl Fn(&str) -> bool,
) -> Result<()> {
    let inherited = host.plugin_variables();
    let mut variables = host.environment().variables();
    // Sorted, so that the reason is the same each time.
    variables.sort();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let shown = || shown_key(name);
        let message = if !is_understood(name, &value) {
            format!("the variable \"{}\" is not supported", shown())
        } else if is_read(name) && !inherited.iter().any(|(kept, _)| kept == OsStr::new(name)) {
            format!("the plugin rules remove the variable \"{}\"", shown())
        } else {
            continue;
        };
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// The value of a variable is not masked in other texts, because it may be a region or the name of a profile.
fn unlisted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::unlisted)
}

/// Arguments and variables may be secrets, so only their numbers are shown.
impl fmt::Debug for PluginCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginCall")
            .field("command", &self.command)
            .field("arguments", &self.arguments.len())
            .field("variables", &self.variables.len())
            .finish_non_exhaustive()
    }
}

/// A function that returns the source that replaces a call of a plugin. Its error names what the provider does not support in
/// the call, such as `the argument "--debug"`. Users see this text, so it must not contain a value.
pub type ReplacePlugin = fn(&PluginCall) -> Result<Arc<dyn CredentialSource>, String>;

/// The result of [`Registry::replacement`]: whether a provider replaces a call of an exec plugin.
///
/// The program lists the plugins to be replaced ([`PluginRules::native`](crate::host::PluginRules::native)). A provider
/// declares which plugin it can replace ([`Registration::replaces`](super::Registration::replaces)). A call of the
/// plugin is replaced only if the provider supports all its arguments and variables. Otherwise, the plugin runs, and a
/// warning contains the reason. The plugin policy applies to a replaced call as if the plugin ran.
///
/// If a later fetch finds a setting that the provider does not support, this fetch [runs the
/// plugin](PluginCall::with_plugin).
///
/// ```
/// use kubex_core::registry::{PluginCall, Replacement};
/// use kubex_core::{Host, Registry};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kubex_core::Result<()> {
/// let call = PluginCall::new("aws", ["eks", "get-token", "--cluster-name", "production"]);
/// // The rules of this host list no plugin.
/// let replacement = Registry::from_registrations([])?.replacement(&call, &Host::real()).await;
/// assert!(matches!(replacement, Replacement::NotRequested));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Replacement {
    /// The program does not list the plugin in [`PluginRules::native`](crate::host::PluginRules::native).
    NotRequested,
    /// The call is replaced by this source. The second value is the credential that the source's
    /// [check](CredentialSource::check) returned.
    Served(Arc<dyn CredentialSource>, Option<Credential>),
    /// The plugin runs. The warning contains the reason.
    PluginRuns(Warning),
}

impl Registry {
    /// Returns whether a provider replaces this call, by the [`PluginRules`](crate::host::PluginRules) of the host. It
    /// reads only files and variables.
    pub async fn replacement(&self, call: &PluginCall, host: &Host) -> Replacement {
        let rules = host.plugin_rules().native_plugins();
        let Some(is_exact) = rules.iter().find_map(|rule| call.is_named(rule)) else {
            return Replacement::NotRequested;
        };
        if !is_exact {
            return plugin_runs(call, "its command is a path");
        }
        let replace = self
            .iter()
            .find_map(|registration| registration.replacement_of(&call.command));
        let Some(replace) = replace else {
            return plugin_runs(call, "no provider that replaces it is linked into this program");
        };
        let call = &PluginCall {
            program_runner: self.program_runner(),
            ..call.clone()
        };
        let source = match replace(call) {
            Ok(source) => source,
            Err(what) => return plugin_runs(call, &format!("{what} is not supported")),
        };
        let source = ReplacedPlugin {
            call: call.clone(),
            source,
        };
        // The plugin may not have this problem.
        match source.check(host).await {
            Ok(checked) => Replacement::Served(Arc::new(source), checked),
            Err(error) => plugin_runs(call, &call.without_values(error.message())),
        }
    }
}

fn plugin_runs(call: &PluginCall, why: &str) -> Replacement {
    let warning = Warning::new(
        "plugin-not-replaced",
        format_args!(
            "the plugin \"{}\" runs although \"exec.native\" lists it: {why}",
            sanitize_line(&call.command)
        ),
    );
    Replacement::PluginRuns(warning.with_origin(&call.origin))
}

/// A source that serves a plugin's call. The plugin policy decides before each fetch, as if the plugin ran.
#[derive(Debug)]
struct ReplacedPlugin {
    call: PluginCall,
    source: Arc<dyn CredentialSource>,
}

impl ReplacedPlugin {
    /// Fetches within the time limit of the replacing source, so that the plugin still has its own whole time limit.
    async fn fetch_natively(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let host = self.call.host(request.host);
        let limit = self.source.deadline_on(&host);
        let fetch = self.source.fetch(FetchRequest {
            host: &host,
            ..request
        });
        // A source that ends by itself returns the reason.
        let with_end = limit + self.source.time_to_end(&host);
        request.host.within(with_end, fetch).await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::TimedOut,
                format_args!(
                    "{} did not come within {} s",
                    self.source.describe(),
                    limit.as_secs()
                ),
            )
            .with_help("check that this machine can reach the server that issues it"))
        })
    }

    /// A duration of the plugin's source; zero without one.
    fn of_plugin(&self, duration: impl FnOnce(&dyn CredentialSource) -> Duration) -> Duration {
        self.call.plugin.as_deref().map_or(Duration::ZERO, duration)
    }
}

#[async_trait]
impl CredentialSource for ReplacedPlugin {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let variables = self.call.variable_names();
        let permitted = request.host.permit_replaced(&self.call.command, &variables).await;
        if permitted.is_err() {
            metrics::plugin_decided(&permitted);
        }
        permitted.map_err(|error| error.with_origin(&self.call.origin))?;
        let fetched = self.fetch_natively(request).await;
        match (&fetched, &self.call.plugin) {
            (Err(error), Some(plugin)) if error.kind() == ErrorKind::Unsupported => {
                // Its source checks the policy again, and counts the decision.
                plugin.fetch(request).await
            }
            _ => {
                metrics::plugin_decided(&Ok(()));
                fetched
            }
        }
    }

    fn describe(&self) -> String {
        format!(
            "{}, in place of the plugin {}",
            self.source.describe(),
            sanitize_line(&self.call.command)
        )
    }

    fn deadline(&self) -> Duration {
        self.source.deadline() + self.of_plugin(|plugin| plugin.deadline())
    }

    fn deadline_on(&self, host: &Host) -> Duration {
        self.source.deadline_on(&self.call.host(host)) + self.of_plugin(|plugin| plugin.deadline_on(host))
    }

    fn time_to_end(&self, host: &Host) -> Duration {
        self.source.time_to_end(&self.call.host(host)) + self.of_plugin(|plugin| plugin.time_to_end(host))
    }

    fn only_reads_files(&self) -> bool {
        self.source.only_reads_files()
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.call.origin)
    }

    fn sharing_key(&self, cluster: &Cluster) -> Option<SharingKey> {
        let variables = self.call.variables.iter();
        let variables = variables.flat_map(|(name, value)| [name.as_str(), value.expose_secret()]);
        let key = self.source.sharing_key(cluster)?;
        let key = match &self.call.plugin {
            Some(plugin) => key.with_key(&plugin.sharing_key(cluster)?),
            None => key,
        };
        Some(
            key.with("in place of")
                .with(&self.call.command)
                .with_list(variables),
        )
    }

    /// Never the key of the replacing source itself, because the plugin policy decides about this call and not about that
    /// source. A fetch may run the plugin, so the key also contains the plugin's identity.
    async fn store_identity(&self, host: &Host, cluster: &Cluster) -> Option<StoreIdentity> {
        let native = self.source.store_identity(&self.call.host(host), cluster).await?;
        let plugin = match &self.call.plugin {
            Some(plugin) => plugin.store_identity(host, cluster).await,
            None => None,
        };
        let identity = native.with("in place of", &self.call.command);
        Some(identity.with_optional("plugin", plugin.as_ref().map(StoreIdentity::expose)))
    }

    async fn plugin_verdict(&self, host: &Host) -> Option<PluginVerdict> {
        let variables = self.call.variable_names();
        Some(host.replaced_verdict(&self.call.command, &variables).await)
    }

    async fn warnings(&self, host: &Host) -> Vec<Warning> {
        self.source.warnings(&self.call.host(host)).await
    }

    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        self.source.check(&self.call.host(host)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ServerUrl;

    /// A source with an identity of its own.
    #[derive(Debug)]
    struct Native(&'static str);

    #[async_trait]
    impl CredentialSource for Native {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
            Ok(Credential::anonymous())
        }

        fn describe(&self) -> String {
            self.0.to_owned()
        }

        async fn store_identity(&self, _: &Host, _: &Cluster) -> Option<StoreIdentity> {
            (!self.0.is_empty()).then(|| StoreIdentity::new("native", self.0).with("name", self.0))
        }
    }

    /// A source is not governed by the plugin policy, so what it has stored must not serve a plugin that is refused.
    #[tokio::test]
    async fn a_call_and_the_source_that_serves_it_share_nothing_in_the_store() {
        let (host, cluster) = (Host::real(), Cluster::new(ServerUrl::parse("https://a").unwrap()));
        let identity = async |native: &'static str, command: &str, plugin: Option<&'static str>| {
            let call = PluginCall::new(command, ["get-token"]);
            let call = match plugin {
                Some(plugin) => call.with_plugin(Arc::new(Native(plugin))),
                None => call,
            };
            let source = Arc::new(Native(native));
            let replaced = ReplacedPlugin { call, source };
            let identity = replaced.store_identity(&host, &cluster).await?;
            Some(identity.expose().to_vec())
        };
        let of_the_source = Native("a").store_identity(&host, &cluster).await.unwrap();
        let identities = [
            Some(of_the_source.expose().to_vec()),
            identity("a", "plugin", None).await,
            identity("a", "other", None).await,
            identity("b", "plugin", None).await,
            identity("a", "plugin", Some("x")).await,
            identity("a", "plugin", Some("y")).await,
        ];
        for (number, one) in identities.iter().enumerate() {
            assert!(one.is_some(), "{number}");
            let equal = identities.iter().filter(|other| *other == one).count();
            assert_eq!(equal, 1, "{number}");
        }
        assert_eq!(identities[1], identity("a", "plugin", None).await);
        // A plugin that is not installed has none.
        assert_eq!(identities[1], identity("a", "plugin", Some("")).await);
        assert_eq!(identity("", "plugin", Some("x")).await, None);
    }
}
