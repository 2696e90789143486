//! Reads the policy of a `kuberc`.

use kubex_core::host::{AllowedPlugin, PluginPolicy};
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Error, ErrorKind, Origin, Result, SecretBytes};
use kubex_document::{Budget, Document, Format, Key, Kind, Node, Position};

const GROUP: &str = "kubectl.config.k8s.io/";
const POLICY: &str = "credentialPluginPolicy";
const ALLOWLIST: &str = "credentialPluginAllowlist";

/// The keys of an entry. `name` is the older one.
const ENTRY_KEYS: [&str; 2] = ["command", "name"];

/// The most documents that are looked through for a known version.
const MOST_DOCUMENTS: usize = 100;

/// The version of a document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1Alpha1,
    V1Beta1,
}

/// The policy of the first document with a known version. A file without any content has none.
pub(super) fn policy(content: SecretBytes, origin: &Origin) -> Result<PluginPolicy> {
    let malformed = |error: kubex_document::ReadError| error.into_error("the kuberc", origin);
    let mut document = Document::read(content, Format::Yaml, &Budget::CONFIGURATION).map_err(malformed)?;
    let mut unknown = None;
    for _ in 0..MOST_DOCUMENTS {
        let root = document.root();
        if !root.is_blank() {
            let root = document.mapping().map_err(malformed)?;
            match version(root) {
                Some(version) => {
                    return Preference {
                        document: &document,
                        root,
                        origin,
                    }
                    .policy(version);
                }
                None => {
                    unknown.get_or_insert(at(origin, root.position()));
                }
            }
        }
        let Some(rest) = document.rest() else { break };
        let start = document.position(rest);
        let text = document.text().get(rest..).unwrap_or_default();
        document = Document::read_part(text, start, &Budget::CONFIGURATION).map_err(malformed)?;
    }
    match unknown {
        None => Ok(PluginPolicy::allow_all()),
        Some(origin) => Err(invalid("the kuberc has no document of a known version")
            .with_origin(&origin)
            .with_help("write apiVersion: kubectl.config.k8s.io/v1beta1 and kind: Preference")),
    }
}

fn version(root: Node<'_>) -> Option<Version> {
    let text = |key| root.get(key).and_then(Node::as_str);
    if text("kind") != Some("Preference") {
        return None;
    }
    match text("apiVersion")?.strip_prefix(GROUP)? {
        "v1alpha1" => Some(Version::V1Alpha1),
        "v1beta1" => Some(Version::V1Beta1),
        _ => None,
    }
}

/// A document of a known version.
struct Preference<'d> {
    document: &'d Document,
    root: Node<'d>,
    origin: &'d Origin,
}

impl Preference<'_> {
    fn policy(&self, version: Version) -> Result<PluginPolicy> {
        self.check_keys(version)?;
        let origin_of = |key: &str| {
            let entry = self.root.get_entry(key);
            entry.map_or_else(|| self.origin.clone(), |(key, _)| self.at_key(key))
        };
        let policy = match self.root.get(POLICY) {
            None => "",
            Some(node) => text(node).ok_or_else(|| {
                invalid(format_args!("\"{POLICY}\" is not a string"))
                    .with_origin(&origin_of(POLICY))
                    .with_help("write AllowAll, DenyAll or Allowlist")
            })?,
        };
        let list = self
            .root
            .get(ALLOWLIST)
            .filter(|list| !matches!(list.kind(), Kind::Null));
        let policy_origin = origin_of(POLICY);
        match (policy, list) {
            ("Allowlist", Some(list)) => self.allowlist(list, &origin_of(ALLOWLIST)),
            ("Allowlist", None) => Err(
                invalid("the plugin policy is Allowlist, but there is no allowlist")
                    .with_origin(&policy_origin)
                    .with_help(format_args!("set \"{ALLOWLIST}\", or use the policy DenyAll")),
            ),
            ("" | "AllowAll" | "DenyAll", Some(_)) => Err(invalid(format_args!(
                "there is an allowlist, but the plugin policy is {}",
                if policy.is_empty() { "not set" } else { policy }
            ))
            .with_origin(&origin_of(ALLOWLIST))
            .with_help(format_args!("set \"{POLICY}\" to Allowlist, or remove the list"))),
            ("", None) => Ok(PluginPolicy::allow_all()),
            ("AllowAll", None) => Ok(PluginPolicy::allow_all().with_origin(&policy_origin)),
            ("DenyAll", None) => Ok(PluginPolicy::deny_all().with_origin(&policy_origin)),
            (other, _) => Err(invalid(format_args!(
                "\"{}\" is not a valid plugin policy",
                clean_line(other)
            ))
            .with_origin(&policy_origin)
            .with_help("write AllowAll, DenyAll or Allowlist")),
        }
    }

    /// The keys of the policy must be written once, and correctly: kubectl would ignore the others.
    fn check_keys(&self, version: Version) -> Result<()> {
        for duplicate in self.document.duplicates() {
            let name = duplicate.second.name();
            if [POLICY, ALLOWLIST]
                .into_iter()
                .chain(ENTRY_KEYS)
                .any(|key| key == name)
            {
                return Err(Error::new(
                    ErrorKind::DuplicateName,
                    format_args!("the key \"{name}\" is written twice"),
                )
                .with_origin(&self.at_key(duplicate.second))
                .with_help(format_args!(
                    "remove this key or the one on line {}",
                    duplicate.first.position().line
                )));
            }
        }
        for (key, _) in self.root.entries() {
            let name = key.name();
            let meant = nearest(&name, &[POLICY, ALLOWLIST]);
            let is_exact = meant == Some(&*name);
            match (meant, version) {
                (Some(_), Version::V1Alpha1) if is_exact => {
                    return Err(invalid("a kuberc of the version v1alpha1 has no plugin policy")
                        .with_origin(&self.at_key(key))
                        .with_help("write apiVersion: kubectl.config.k8s.io/v1beta1"));
                }
                (Some(meant), _) if !is_exact => {
                    return Err(Error::unknown_key(&name, &[meant]).with_origin(&self.at_key(key)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn allowlist(&self, list: Node<'_>, origin: &Origin) -> Result<PluginPolicy> {
        let Kind::Sequence = list.kind() else {
            return Err(invalid(format_args!("\"{ALLOWLIST}\" is not a list"))
                .with_origin(origin)
                .with_help("write it as: - command: NAME"));
        };
        let mut entries = Vec::new();
        let mut origins = Vec::new();
        for (index, item) in list.items().enumerate() {
            let origin = at(self.origin, item.position()).key(ALLOWLIST).item(index);
            let command = self.command(item).map_err(|error| error.or_origin(&origin))?;
            let entry = AllowedPlugin {
                command,
                ..AllowedPlugin::default()
            };
            // Checked alone, so that the error has its place.
            PluginPolicy::kuberc_allowlist([entry.clone()])
                .map_err(|_| invalid_entry(&entry.command, &origin))?;
            entries.push(entry);
            origins.push(origin);
        }
        let policy = PluginPolicy::kuberc_allowlist(entries).map_err(|_| {
            invalid("the plugin policy is Allowlist, but the allowlist is empty")
                .with_origin(origin)
                .with_help("add an entry, or use the policy DenyAll")
        })?;
        Ok(policy.with_origin(origin).with_entry_origins(origins))
    }

    /// The command of an entry; empty if the entry is.
    fn command(&self, item: Node<'_>) -> Result<String> {
        match item.kind() {
            Kind::Null => return Ok(String::new()),
            Kind::Mapping => {}
            other => {
                return Err(invalid(format_args!(
                    "an entry of the plugin allowlist is {}, not a mapping",
                    other.type_name()
                ))
                .with_help("write it as: - command: NAME"));
            }
        }
        for (key, _) in item.entries() {
            let name = key.name();
            if !ENTRY_KEYS.contains(&&*name) {
                // A newer kubectl may know it, as a further condition.
                return Err(Error::unknown_key(&name, &["command"]).with_origin(&self.at_key(key)));
            }
        }
        let field = |key: &str| match item.get(key) {
            None => Ok(""),
            Some(node) => text(node).ok_or_else(|| {
                invalid(format_args!("\"{key}\" is not a string")).with_help("put the value in quotes")
            }),
        };
        let [command, name] = [field("command")?, field("name")?];
        match (command, name) {
            (command, "") => Ok(command.to_owned()),
            ("", name) => Ok(name.to_owned()),
            (command, name) if command == name => Ok(command.to_owned()),
            _ => Err(Error::new(
                ErrorKind::ConflictingFields,
                "an entry of the plugin allowlist has a \"command\" and a different \"name\"",
            )
            .with_help("remove \"name\", which is deprecated")),
        }
    }

    fn at_key(&self, key: Key<'_>) -> Origin {
        at(self.origin, key.position()).key(&key.name())
    }
}

/// The error of an entry that no allowlist can have.
fn invalid_entry(command: &str, origin: &Origin) -> Error {
    let error = if command.is_empty() {
        invalid("an entry of the plugin allowlist is empty").with_help("write it as: - command: NAME")
    } else {
        invalid(format_args!(
            "an entry of the plugin allowlist is not in its shortest form: \"{}\"",
            clean_line(command)
        ))
        .with_help("write an absolute path without \".\" and \"..\", or a name")
    };
    error.with_origin(origin)
}

/// The text of a value; empty for `null`.
fn text(node: Node<'_>) -> Option<&str> {
    match node.kind() {
        Kind::Null => Some(""),
        _ => node.as_str(),
    }
}

fn at(origin: &Origin, position: Position) -> Origin {
    origin.clone().position(position.line, position.column)
}

fn invalid(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidValue, message)
}
