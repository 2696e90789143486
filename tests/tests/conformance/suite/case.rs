//! The words of a case file.
//!
//! Every field but `tells` and `expect` may be left out, and an unknown one is an error. Texts have placeholders in
//! them (see `words.rs`), which are filled in when the case's world is made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A case: its folder, and what its `case.yaml` says.
#[derive(Debug)]
pub struct Case {
    /// `merging/first-file-wins`
    pub name: String,
    pub folder: PathBuf,
    pub file: CaseFile,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CaseFile {
    /// What the case tells, in one sentence.
    pub tells: String,
    /// What Kubex still lacks: the case must fail, and one that passes is a failure.
    #[serde(default)]
    pub pending: Option<String>,
    /// The content of `~/.kube/config`.
    #[serde(default)]
    pub kubeconfig: Option<String>,
    /// More files, by their path in the case's directory.
    #[serde(default)]
    pub files: BTreeMap<String, File>,
    /// Variables; `null` takes one of the usual (`HOME`, `PATH`) away.
    #[serde(default)]
    pub environment: BTreeMap<String, Option<String>>,
    /// Whether a pod with a working service account is around; so it is wherever an error is expected.
    #[serde(default)]
    pub pod: Option<bool>,
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub ask: Ask,
    pub expect: Expect,
    #[serde(default)]
    pub kubectl: Kubectl,
}

/// A file: its text, or more about it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum File {
    Text(String),
    Special(SpecialFile),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SpecialFile {
    /// A program; `#!/bin/sh` is put in front.
    Script(String),
    /// A symbolic link to this path, as it is written.
    Link(String),
    /// Something that is not a file.
    Make(NoFile),
    /// A text in another form than UTF-8 with plain line ends.
    Encoded { text: String, form: Form },
    /// A file of so many zero bytes, which takes no place.
    Hole(u64),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoFile {
    /// An empty directory.
    Directory,
    /// A pipe without a writer.
    Pipe,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    Utf8WithMark,
    Utf16LittleEndian,
    Utf16BigEndian,
    CarriageReturns,
    Latin1,
}

/// The API server of the case.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Server {
    /// The host in its URL; `127.0.0.1` unless said.
    pub host: Option<String>,
    /// More names in its certificate.
    pub named: Vec<String>,
    /// The one name in its certificate.
    pub only_named: Option<String>,
    /// Serves `http://`.
    pub plain: bool,
    /// Serves requests without credentials.
    pub anonymous: bool,
    /// Tokens that it refuses, by their names.
    pub refuses: Vec<String>,
}

/// What Kubex is asked. The default chain, unless said.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ask {
    /// Options of the source `kubeconfig`.
    pub kubeconfig: BTreeMap<String, Value>,
    /// Options of the source `in-cluster`.
    pub in_cluster: BTreeMap<String, Value>,
    /// The sources of the chain, in order.
    pub chain: Vec<String>,
    /// Overrides of the chain.
    pub overrides: BTreeMap<String, Value>,
    /// The file whose bytes are the kubeconfig, which is then not a file of the user.
    pub bytes: Option<String>,
    /// Whether those bytes are trusted.
    pub trusted: bool,
    /// How many requests are sent.
    pub requests: usize,
    /// The requests' own headers.
    pub headers: BTreeMap<String, String>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            kubeconfig: BTreeMap::new(),
            in_cluster: BTreeMap::new(),
            chain: vec!["kubeconfig".to_owned(), "in-cluster".to_owned()],
            overrides: BTreeMap::new(),
            bytes: None,
            trusted: false,
            requests: 1,
            headers: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expect {
    /// A source answers. What is not said is the most usual, and is compared as well.
    Ok(Box<Configured>),
    /// The chain stops with an error.
    Error(Refusal),
    /// No source is configured; these words are in the reasons.
    NotConfigured(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Configured {
    /// The source that answered.
    pub source: String,
    pub server: String,
    pub namespace: String,
    /// The kind of credential: `none`, `token`, `basic`, `certificate`, `token and certificate`.
    pub credential: Option<String>,
    /// Part of the proxy's URL in the configuration.
    pub proxy: Option<String>,
    /// The ids of all warnings.
    pub warnings: Vec<String>,
    /// Where fields were written down: parts of the place, by field.
    pub provenance: BTreeMap<String, String>,
    /// The entries that others hide: parts of the place of the hidden one.
    pub shadowed: Vec<String>,
    /// Words in the report.
    pub says: Vec<String>,
    /// What arrived at the server with the last request.
    pub arrives: Arrival,
    /// The error of the request, where it fails.
    pub fails: Option<Refusal>,
    /// How often the case's plugins ran.
    pub plugin_runs: usize,
    /// What the last plugin was told in `KUBERNETES_EXEC_INFO`, a line end included.
    pub exec_info: Option<String>,
}

impl Default for Configured {
    fn default() -> Self {
        Self {
            source: "kubeconfig".to_owned(),
            server: "{server}".to_owned(),
            namespace: "default".to_owned(),
            credential: None,
            proxy: None,
            warnings: Vec::new(),
            provenance: BTreeMap::new(),
            shadowed: Vec::new(),
            says: Vec::new(),
            arrives: Arrival::default(),
            fails: None,
            plugin_runs: 0,
            exec_info: None,
        }
    }
}

/// What a request looks like on the server's side.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Arrival {
    pub path: String,
    /// The name asked for in the handshake.
    pub sni: String,
    /// `bearer jane`, `basic jane`, by the names of the placeholders; `none`.
    pub authorization: String,
    /// The common name of the client certificate.
    pub certificate: String,
    /// The headers, `name: value` each.
    pub impersonation: Vec<String>,
    /// The proxy on the way: its kind and what it was asked for, `http api.cluster.test:6443`.
    pub proxy: String,
    /// What `Accept-Encoding` asks for.
    pub compression: String,
    /// How many requests arrived; as many as were sent, unless said.
    pub requests: Option<usize>,
}

impl Default for Arrival {
    fn default() -> Self {
        let none = || "none".to_owned();
        Self {
            path: "/version".to_owned(),
            sni: none(),
            authorization: none(),
            certificate: none(),
            impersonation: Vec::new(),
            proxy: none(),
            compression: "gzip".to_owned(),
            requests: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Refusal {
    /// The name of the `ErrorKind`.
    pub kind: String,
    /// The place, as the error writes it: a file, or `file:line:column`.
    #[serde(default)]
    pub at: Option<String>,
    /// Words in the error.
    #[serde(default)]
    pub says: Vec<String>,
    /// Words that are not in it.
    #[serde(default)]
    pub never: Vec<String>,
}

/// How kubectl compares.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Kubectl {
    /// What is otherwise with kubectl: its value, by the name of the fact.
    pub differs: BTreeMap<String, String>,
    /// Why Kubex does not do as kubectl.
    pub decision: Option<String>,
    /// Why there is nothing to compare.
    pub not_comparable: Option<String>,
    /// The oldest kubectl that was seen to behave so: `1.36`.
    pub since: Option<String>,
}

impl Kubectl {
    /// The version in [`since`](field@Self::since).
    pub fn since(&self) -> Option<(u32, u32)> {
        let (major, minor) = self.since.as_deref()?.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
}

/// Every case below the folder, by name.
///
/// # Errors
/// What is wrong with a folder: no case file in it, or one that cannot be read.
pub fn all(root: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for group in folders(root)? {
        for folder in folders(&group)? {
            cases.push(read(root, &folder)?);
        }
    }
    Ok(cases)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", parent.display());
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(parent).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn read(root: &Path, folder: &Path) -> Result<Case, String> {
    let path = folder.join("case.yaml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = folder.strip_prefix(root).unwrap_or(folder);
    Case::parse(&name.to_string_lossy(), folder, &text)
        .map_err(|problem| format!("{}: {problem}", path.display()))
}

impl Case {
    /// Reads a case file.
    pub fn parse(name: &str, folder: &Path, text: &str) -> Result<Self, String> {
        // By way of JSON, in which a choice is a mapping and no YAML tag.
        let value: Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        let case = Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            file: serde_json::from_value(value).map_err(|error| error.to_string())?,
        };
        case.check()?;
        Ok(case)
    }

    /// What makes no sense together.
    fn check(&self) -> Result<(), &'static str> {
        let CaseFile { tells, kubectl, .. } = &self.file;
        if tells.trim().is_empty() {
            return Err("it tells nothing");
        }
        if kubectl.differs.is_empty() != kubectl.decision.is_none() {
            return Err("`differs` and `decision` go together");
        }
        if kubectl.not_comparable.is_some() && !kubectl.differs.is_empty() {
            return Err("what cannot be compared has no difference");
        }
        if kubectl.since.is_some() && kubectl.since().is_none() {
            return Err("`since` is not a version such as 1.36");
        }
        Ok(())
    }

    /// What is expected of a source that answers.
    pub fn configured(&self) -> Option<&Configured> {
        match &self.file.expect {
            Expect::Ok(configured) => Some(configured),
            _ => None,
        }
    }

    /// Whether a pod is around.
    pub fn is_in_a_pod(&self) -> bool {
        let expects_an_error = matches!(self.file.expect, Expect::Error(_));
        self.file.pod.unwrap_or(expects_an_error)
    }
}
