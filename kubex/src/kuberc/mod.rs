//! Applies the plugin policy of kubectl's preferences, the `kuberc` file.
//!
//! kubectl 1.35 and newer decide which exec plugins may run by two fields of their preferences: `credentialPluginPolicy` and
//! `credentialPluginAllowlist` ([KEP-3104]). [`Kuberc`] applies the same policy to this program. The command `kubex` does so by
//! default. Any other program does so with `exec: {kuberc: true}` in its configuration, or in code:
//!
//! ```
//! use kubex::Host;
//! use kubex::host::{PluginPolicy, PluginRules};
//! use kubex::kuberc::Kuberc;
//!
//! let host = Host::real().with_plugin_rules(PluginRules::new().and_policy(Kuberc::new().policy()));
//! ```
//!
//! The file is read before every run of a plugin. Its policy can only forbid: a plugin that the configuration of Kubex
//! forbids does not run either.
//!
//! | file | what is read |
//! |---|---|
//! | from the flag `--kuberc` of the command, or from [`Kuberc::from_file`] | this file, which must exist |
//! | from `$KUBERC` | this file, which must exist; `KUBERC=off` turns the policy off |
//! | `~/.kube/kuberc` | this file, if it exists |
//!
//! `KUBECTL_KUBERC=false` also turns the policy off, as in kubectl.
//!
//! If the file is broken, kubectl prints a message and ignores the file or a part of it. Kubex then runs no plugin:
//!
//! | the file | kubectl 1.37 |
//! |---|---|
//! | cannot be read, or is not valid YAML | ignores the file |
//! | contains no document with a known `apiVersion` and `kind` | ignores the file |
//! | has the version `kubectl.config.k8s.io/v1alpha1` and sets a policy, which this version does not have | ignores the policy |
//! | misspells or repeats a key of the policy, or sets it to a value that is not a string | ignores the key |
//! | has an allowlist entry with a key other than `command` and `name` | ignores the key, which may limit the entry |
//!
//! [KEP-3104]: https://github.com/kubernetes/enhancements/tree/master/keps/sig-cli/3104-introduce-kuberc

mod preference;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::error::is_missing;
use kubex_core::host::{PluginPolicy, PluginPolicySource};
use kubex_core::text::check_path;
use kubex_core::{Error, ErrorKind, Host, Origin, Result};
use kubex_document::Budget;

/// The variable that names the file, or turns it off.
const VARIABLE: &str = "KUBERC";

/// The variable by which kubectl turns its preferences off.
const FEATURE_GATE: &str = "KUBECTL_KUBERC";

/// A `kuberc` file, the preferences of kubectl. Its plugin policy applies to this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kuberc {
    named: Option<(PathBuf, Origin)>,
}

impl Kuberc {
    /// Selects the file that kubectl reads: the one in `$KUBERC` if it is set, otherwise `~/.kube/kuberc`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects this file, which must exist. Errors contain `origin`: the place that the path comes from, such as a command-line
    /// flag.
    pub fn from_file(path: impl Into<PathBuf>, origin: Origin) -> Self {
        Self {
            named: Some((path.into(), origin)),
        }
    }

    /// Returns the plugin policy of the file. The file is read before every run of a plugin.
    pub fn policy(self) -> PluginPolicy {
        PluginPolicy::from_source(Arc::new(self))
    }

    /// Whether a path was given, so that the file must exist.
    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// The file to read, and whether it must exist. `None` if there is none.
    fn place(&self, host: &Host) -> Result<Option<(PathBuf, Option<Origin>)>> {
        let environment = host.environment();
        let variable = environment.variable(VARIABLE).filter(|value| !value.is_empty());
        let is_off = variable.as_ref().is_some_and(|value| value == "off");
        if let Some((path, origin)) = &self.named {
            if is_off {
                let message = "a kuberc is set, but KUBERC=off turns it off";
                return Err(Error::new(ErrorKind::ConflictingFields, message)
                    .with_origin(origin)
                    .with_help("unset KUBERC, or remove the path of the kuberc"));
            }
            return named(path, origin, host).map(Some);
        }
        let is_disabled = environment
            .variable(FEATURE_GATE)
            .is_some_and(|value| value.eq_ignore_ascii_case("false"));
        if is_off || is_disabled {
            return Ok(None);
        }
        if let Some(path) = variable {
            return named(Path::new(&path), &Origin::variable(VARIABLE), host).map(Some);
        }
        let home = environment.home_directory();
        Ok(home.map(|home| (home.join(".kube").join("kuberc"), None)))
    }
}

/// A file that must exist.
fn named(path: &Path, origin: &Origin, host: &Host) -> Result<(PathBuf, Option<Origin>)> {
    check_path("the path of the kuberc", &path.to_string_lossy(), origin)?;
    Ok((host.from_working_directory(path), Some(origin.clone())))
}

#[async_trait]
impl PluginPolicySource for Kuberc {
    async fn policy(&self, host: &Host) -> Result<PluginPolicy> {
        let Some((path, named_by)) = self.place(host)? else {
            return Ok(PluginPolicy::allow_all());
        };
        let read = host
            .files()
            .read_stamped(&path, Budget::CONFIGURATION.bytes)
            .await;
        let content = match read {
            Ok(content) => content,
            Err(error) if named_by.is_none() && is_missing(&error) => return Ok(PluginPolicy::allow_all()),
            Err(error) => {
                let origin = Origin::file(&path);
                return Err(match &named_by {
                    Some(named_by) if is_missing(&error) => {
                        Error::unreadable("the kuberc", &path, error).with_origin(named_by)
                    }
                    _ => Error::unreadable_at("the kuberc", &origin, error),
                });
            }
        };
        let origin = content.origin(path);
        preference::policy(content.bytes, &origin)
    }

    fn id(&self) -> String {
        let path = self
            .named
            .as_ref()
            .map(|(path, origin)| format!("{} {origin}", path.display()));
        format!("kuberc {}", path.unwrap_or_default())
    }
}
