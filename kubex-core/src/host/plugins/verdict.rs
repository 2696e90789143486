//! The decision of the policy about one plugin.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use tracing::debug;

use super::environment::is_named;
use super::policy::{Entry, HARMLESS_VARIABLES, Layer, PluginPolicy, Rule};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::host::programs::lexically_clean;
use crate::origin::Origin;
use crate::secret::ExposeSecret as _;
use crate::text::sanitize_line;

/// The largest program whose digest is checked.
const LARGEST_PROGRAM: usize = 1 << 30;

/// The decision of the plugin policy about one plugin, and the lines of the configuration that cause it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PluginVerdict {
    /// The command of the plugin, as text for people.
    pub command: String,
    /// Why the plugin must not run; `None` if it may run. If several policies refuse it, the error contains the reason of each.
    pub refusal: Option<Error>,
    /// The origins of the lines that cause the decision. The list is empty if no policy is configured, or if the
    /// program is not found.
    pub origins: Vec<Origin>,
}

impl PluginVerdict {
    pub(in crate::host) fn new(command: &OsStr, decision: Result<Permission, Refusal>) -> Self {
        let (refusal, origins) = match decision {
            Ok(permission) => (None, permission.origins),
            Err(Refusal { error, origins }) => (Some(error), origins),
        };
        Self {
            command: sanitize_line(&command.to_string_lossy()).into_owned(),
            refusal,
            origins,
        }
    }
}

/// The lines that permit a plugin.
#[derive(Debug, Default)]
pub(in crate::host) struct Permission {
    origins: Vec<Origin>,
}

/// Why a plugin may not run, and the lines that decide it.
#[derive(Debug)]
pub(in crate::host) struct Refusal {
    error: Error,
    origins: Vec<Origin>,
}

impl Refusal {
    fn new(message: impl fmt::Display, origin: Option<&Origin>) -> Self {
        let error = match origin {
            Some(origin) => Error::new(ErrorKind::Refused, format_args!("{message} (set by {origin})")),
            None => Error::new(ErrorKind::Refused, message),
        };
        Self {
            error,
            origins: origin.into_iter().cloned().collect(),
        }
    }

    fn with_help(self, help: impl fmt::Display) -> Self {
        Self {
            error: self.error.with_help(help),
            ..self
        }
    }

    /// The refusals of several policies as one. `None` if there is none.
    fn of_all(refusals: impl IntoIterator<Item = Self>) -> Option<Self> {
        refusals.into_iter().reduce(|first, mut other| {
            let mut origins = first.origins;
            origins.append(&mut other.origins);
            Self {
                error: first.error.with_related(other.error),
                origins,
            }
        })
    }

    /// Logs that this plugin is refused.
    fn logged(self, command: &OsStr) -> Self {
        debug!(target: "kubex::exec", command = &*shown(command), outcome = "denied", "plugin policy");
        self
    }

    /// The error alone.
    pub(in crate::host) fn into_error(self) -> Error {
        self.error
    }
}

/// For an error that is not about the policy, such as a program that is not found.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            origins: Vec::new(),
        }
    }
}

/// The layers of a policy, as they are at this moment.
pub(in crate::host) struct CurrentPolicy {
    layers: Vec<Layer>,
    /// Whether the rules themselves contain an allowlist. An allowlist of kubectl has no variables.
    has_own_list: bool,
}

impl PluginPolicy {
    /// Reads the layers that are read before every run.
    pub(in crate::host) async fn current(
        &self,
        command: &OsStr,
        host: &Host,
    ) -> Result<CurrentPolicy, Refusal> {
        let read = self.read(host).await;
        let read = read.map_err(|error| undetermined(command, &error).logged(command))?;
        Ok(CurrentPolicy {
            layers: read.0,
            has_own_list: self.is_allowlist(),
        })
    }

    /// The policy at this moment, without sources.
    pub(crate) async fn read(&self, host: &Host) -> Result<Self> {
        let mut layers = Vec::with_capacity(self.0.len());
        for layer in &self.0 {
            let Rule::Read(source) = &layer.rule else {
                layers.push(layer.clone());
                continue;
            };
            let read = source.0.policy(host).await?;
            if read.0.iter().any(|layer| matches!(layer.rule, Rule::Read(_))) {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "a source of the plugin policy names a further source",
                ));
            }
            layers.extend(read.0);
        }
        Ok(Self(layers))
    }
}

/// The refusal of every plugin, because the policy cannot be read.
fn undetermined(command: &OsStr, error: &Error) -> Refusal {
    let reason = error.message();
    let origin = error
        .origin()
        .map_or_else(String::new, |origin| format!(" ({origin})"));
    let message = format_args!(
        "the plugin \"{}\" is not allowed, because the plugin policy is unknown: {reason}{origin}",
        shown(command)
    );
    let refusal = Refusal::new(message, None);
    Refusal {
        error: match error.help() {
            Some(help) => refusal.error.with_help(help),
            None => refusal.error,
        },
        origins: error.origin().into_iter().cloned().collect(),
    }
}

impl CurrentPolicy {
    /// The part of the decision that needs no lookup.
    pub(in crate::host) fn before_look_up(&self, command: &OsStr) -> Result<(), Refusal> {
        if !self.layers.iter().any(|layer| layer.rule == Rule::DenyAll) {
            return Ok(());
        }
        let name = Path::new(command).file_stem();
        let refusals = self.layers.iter().filter_map(|layer| match &layer.rule {
            Rule::DenyAll => Some(denied(command, layer)),
            // No entry has the command's file name, so no file that a lookup finds is permitted.
            Rule::Allowlist(entries)
                if entries
                    .iter()
                    .all(|entry| Path::new(&entry.command).file_stem() != name) =>
            {
                Some(not_listed(command, layer))
            }
            _ => None,
        });
        Refusal::of_all(refusals).map_or(Ok(()), |refusal| Err(refusal.logged(command)))
    }

    /// Whether the program that was found for the command may run with these variables of a kubeconfig. Without a program, for
    /// a command that a provider replaces, only entries that are the command itself count.
    pub(in crate::host) async fn decide(
        &self,
        command: &OsStr,
        program: Option<&Path>,
        variables: &[&str],
        host: &Host,
    ) -> Result<Permission, Refusal> {
        self.before_look_up(command)?;
        let mut permission = Permission::default();
        let mut permitting = Vec::new();
        let mut limiting = None;
        let mut refusals = Vec::new();
        for layer in &self.layers {
            match &layer.rule {
                Rule::AllowAll => permission.origins.extend(layer.origin.clone()),
                Rule::Allowlist(entries) => {
                    let listed = listed(entries, command, program, host).await;
                    match with_digest(listed, command, program, host, layer).await {
                        Ok(matching) => {
                            let first = matching.first().and_then(|entry| entry.origin.clone());
                            permission.origins.extend(first.or_else(|| layer.origin.clone()));
                            permitting.extend(matching);
                            limiting = limiting.or(Some(layer));
                        }
                        Err(refusal) => refusals.push(refusal),
                    }
                }
                // `before_look_up` has refused the first, and `current` has read the second.
                Rule::DenyAll | Rule::Read(_) => {}
            }
        }
        if let Some(refusal) = Refusal::of_all(refusals) {
            return Err(refusal.logged(command));
        }
        let limited = variables.iter().filter(|name| !may_be_set(name, &permitting));
        let limited: Vec<&str> = limited.copied().collect();
        match limiting {
            Some(layer) if !limited.is_empty() => {
                let refusal = self.limited(command, program, &limited, layer);
                return Err(refusal.logged(command));
            }
            _ => {}
        }
        debug!(target: "kubex::exec", command = &*shown(command), outcome = "allowed", "plugin policy");
        Ok(permission)
    }

    /// The refusal of variables that a kubeconfig sets.
    fn limited(&self, command: &OsStr, program: Option<&Path>, variables: &[&str], layer: &Layer) -> Refusal {
        let names: Vec<_> = variables.iter().map(|name| sanitize_line(name)).collect();
        let message = format_args!(
            "the kubeconfig sets the variable{} \"{}\" for the plugin \"{}\", and the plugin allowlist does not permit \
             that",
            if names.len() == 1 { "" } else { "s" },
            names.join("\", \""),
            shown(program.map_or(command, Path::as_os_str))
        );
        let refusal = Refusal::new(message, layer.origin.as_ref());
        let names = names.join(", ");
        if self.has_own_list {
            return refusal.with_help(format_args!(
                "if you trust the kubeconfig, add env: [{names}] to the plugin's entry in the allowlist of Kubex's \
                 own configuration"
            ));
        }
        refusal.with_help(format_args!(
            "if you trust the kubeconfig, write in Kubex's own configuration: exec: {{policy: allowlist, allowlist: \
             [{{command: {}, env: [{names}]}}]}}",
            shown(command)
        ))
    }
}

fn denied(command: &OsStr, layer: &Layer) -> Refusal {
    let message = format_args!(
        "the plugin \"{}\" is not allowed: the plugin policy is deny-all",
        shown(command)
    );
    let help = if layer.origin.is_some() {
        "if you trust the plugin, change the policy"
    } else {
        "if you trust the plugin, allow it in Kubex's own configuration; a kubeconfig cannot allow it"
    };
    Refusal::new(message, layer.origin.as_ref()).with_help(help)
}

fn not_listed(plugin: &OsStr, layer: &Layer) -> Refusal {
    let message = format_args!("the plugin \"{}\" is not on the plugin allowlist", shown(plugin));
    let help = if layer.origin.is_some() {
        "if you trust the plugin, add its path to that allowlist"
    } else {
        "if you trust the plugin, add its path to the allowlist in Kubex's own configuration"
    };
    Refusal::new(message, layer.origin.as_ref()).with_help(help)
}

/// The entries whose digest is that of the program, or that have none.
async fn with_digest<'e>(
    listed: Vec<&'e Entry>,
    command: &OsStr,
    program: Option<&Path>,
    host: &Host,
    layer: &Layer,
) -> Result<Vec<&'e Entry>, Refusal> {
    let origin = layer.origin.as_ref();
    if listed.is_empty() {
        return Err(not_listed(program.map_or(command, Path::as_os_str), layer));
    }
    if listed.iter().all(|entry| entry.digest.is_none()) {
        return Ok(listed);
    }
    let actual = match program {
        Some(program) => Some(digest(program, host).await?),
        None => None,
    };
    let is_met = |entry: &&Entry| entry.digest.is_none_or(|digest| Some(digest) == actual);
    let matching: Vec<&Entry> = listed.iter().copied().filter(is_met).collect();
    if matching.is_empty() {
        let origin = listed.first().and_then(|entry| entry.origin.as_ref()).or(origin);
        let Some(program) = program else {
            let message = format_args!(
                "the plugin \"{}\" is on the plugin allowlist with a digest, but was not found in PATH",
                shown(command)
            );
            return Err(Refusal::new(message, origin).with_help("install the plugin, or remove the digest"));
        };
        let message = format_args!(
            "the plugin \"{}\" does not have the digest that the plugin allowlist requires",
            shown(program.as_os_str())
        );
        let help = "if you trust the program, set the digest to what sha256sum prints for it";
        return Err(Refusal::new(message, origin).with_help(help));
    }
    Ok(matching)
}

/// The SHA-256 digest of the program.
async fn digest(program: &Path, host: &Host) -> Result<[u8; 32]> {
    let paths = [program.to_owned()];
    let read = host.read_and_parse(&paths, LARGEST_PROGRAM, |_, contents| {
        let content = contents.into_iter().next();
        content.map(|content| content.map(|content| hmac_sha256::Hash::hash(content.bytes.expose_secret())))
    });
    match read.await? {
        Some(Ok(digest)) => Ok(digest),
        Some(Err(error)) => Err(Error::unreadable("the plugin", program, error)),
        None => Err(Error::new(ErrorKind::Aborted, "the plugin was not read")),
    }
}

/// The entries that permit the program. A command with a separator is never a bare name, even if it can be shortened to one.
async fn listed<'e>(
    entries: &'e [Entry],
    command: &OsStr,
    program: Option<&Path>,
    host: &Host,
) -> Vec<&'e Entry> {
    let is_bare = !has_separator(&command.to_string_lossy());
    let command = lexically_clean(Path::new(command));
    let name = program.and_then(Path::file_name);
    let mut listed = Vec::new();
    for entry in entries {
        let path = Path::new(&entry.command);
        let is_verbatim = if has_separator(&entry.command) {
            path == command || Some(path) == program
        } else {
            is_bare && path == command
        };
        // An entry with a separator was compared already, so only bare names are looked up.
        if is_verbatim
            || name == Some(path.as_os_str())
                && host.look_up(&entry.command).await.program.as_deref() == program
        {
            listed.push(entry);
        }
    }
    listed
}

fn has_separator(command: &str) -> bool {
    command.contains(std::path::is_separator)
}

/// Whether a kubeconfig may set this variable for a plugin with these entries.
fn may_be_set(name: &str, permitting: &[&Entry]) -> bool {
    let named = permitting.iter().flat_map(|entry| &entry.variables);
    let mut allowed = HARMLESS_VARIABLES
        .iter()
        .copied()
        .chain(named.map(String::as_str));
    allowed.any(|pattern| is_named(OsStr::new(name), pattern))
}

fn shown(text: &OsStr) -> String {
    sanitize_line(&text.to_string_lossy()).into_owned()
}
