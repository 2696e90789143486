//! Identifies the credential of a plugin, so that processes can share it through a store.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use kubex_core::Host;
use kubex_core::credentials::StoreIdentity;
use kubex_core::text::{mask_address, mask_arguments};
use zeroize::Zeroizing;

use crate::ambient::Choosing;

/// The largest configuration file that is read. Of a larger one, size and time count.
const MAX_FILE: u64 = 1024 * 1024;

/// The variables that choose one of several logins by its name, which is not a secret.
const NAMES_OF_LOGINS: &[&str] = &[
    "ALIBABA_CLOUD_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "CLOUDSDK_CORE_ACCOUNT",
    "CLOUDSDK_CORE_PROJECT",
    "OCI_CLI_PROFILE",
    "OCI_CLI_REGION",
];

/// Everything that determines which credential a plugin returns: its program, arguments, variables and files. Processes whose
/// plugins have equal [identities](Self::identity) can share one credential through a store.
#[derive(Clone)]
pub struct PluginIdentity<'a> {
    /// The path of the program.
    pub program: &'a Path,
    /// The arguments of the program.
    pub arguments: &'a [String],
    /// The names of the variables that the plugin's configuration sets. These variables are always a part of the identity.
    pub set_variables: &'a [String],
    /// All variables of the plugin's environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Additional files that determine the credential, besides those that Kubex knows for this program.
    pub files: &'a [PathBuf],
    /// The cluster that the plugin receives: the field `spec.cluster` of its input. `None` if it receives none.
    pub cluster: Option<serde_json::Value>,
    /// The working directory. It is a part of the identity if the program, an argument or a file is a relative path.
    pub working_directory: Option<PathBuf>,
}

impl PluginIdentity<'_> {
    /// Computes the identity from the program's path and file stamp, the arguments, the variables and files that
    /// determine the credential, and the cluster.
    ///
    /// For a known program (`aws`, `gke-gcloud-auth-plugin`, `kubelogin`, ...), only the variables and configuration files that
    /// the program reads are included. For any other program, all variables are included, except those that differ in each
    /// terminal.
    ///
    /// This function reads files and blocks the thread.
    pub fn identity(&self) -> StoreIdentity {
        let choosing = Choosing::new(self.program, self.arguments);
        let environment: BTreeMap<&OsStr, &OsStr> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
            .collect();
        let variable = |name: &str| environment.get(OsStr::new(name)).map(|value| (*value).to_owned());
        let counts = |name: &OsStr| match name.to_str() {
            Some(name) => self.set_variables.iter().any(|set| set == name) || choosing.has_variable(name),
            None => true,
        };
        let variables: Vec<_> = environment.iter().filter(|(name, _)| counts(name)).collect();
        let mut files = choosing.files(variable, |path| read(path).map(|content| content.to_vec()));
        files.extend_from_slice(self.files);

        let mut identity = StoreIdentity::new("exec", &self.description(&variables))
            .with("program", self.program.as_os_str().as_encoded_bytes())
            .with("stamp", stamp(self.program))
            .with_list("arguments", self.arguments);
        for (name, value) in &variables {
            identity = identity
                .with("variable", name.as_encoded_bytes())
                .with("value", value.as_encoded_bytes());
        }
        for file in &files {
            let content = read(&self.absolute(file));
            identity = identity
                .with("file", file.as_os_str().as_encoded_bytes())
                .with_optional("content", content.as_deref());
        }
        let cluster = self
            .cluster
            .as_ref()
            .map(|cluster| Zeroizing::new(cluster.to_string()));
        let identity = identity.with_optional("cluster", cluster.as_deref());
        let values = variables
            .iter()
            .filter(|(name, _)| !is_search_path(name))
            .map(|(_, value)| *value);
        let is_relative = self.program.is_relative()
            || self
                .arguments
                .iter()
                .any(|argument| self.is_relative_path(OsStr::new(argument)))
            || files.iter().any(|file| file.is_relative())
            || values.into_iter().any(|value| starts_relative(value));
        let directory = self.working_directory.as_deref().filter(|_| is_relative);
        identity.with_optional(
            "directory",
            directory.map(|path| path.as_os_str().as_encoded_bytes()),
        )
    }

    /// The command with its arguments, in which secrets are masked, and the properties that distinguish it from other calls of
    /// the plugin: the variables that name a login, the names of the others that its configuration sets, and the cluster.
    fn description(&self, variables: &[(&&OsStr, &&OsStr)]) -> String {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy();
        let mut words = vec![name.into_owned()];
        words.extend(mask_arguments(self.arguments));
        let named = variables.iter().filter_map(|(name, value)| {
            let name = name.to_str().filter(|name| NAMES_OF_LOGINS.contains(name))?;
            Some(format!("{name}={}", value.to_str()?))
        });
        let set = self.set_variables.iter();
        let others = set.filter(|name| !NAMES_OF_LOGINS.contains(&name.as_str()));
        let mut details = mask_arguments(&named.chain(others.cloned()).collect::<Vec<_>>());
        let server = self
            .cluster
            .as_ref()
            .and_then(|cluster| cluster.get("server")?.as_str());
        details.extend(server.map(|server| mask_address(server).into_owned()));
        if !details.is_empty() {
            words.push(format!("({})", details.join(", ")));
        }
        words.join(" ")
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        match &self.working_directory {
            Some(directory) => directory.join(path),
            None => path.to_owned(),
        }
    }

    /// Whether an argument, or the value of a flag, may be a relative path.
    fn is_relative_path(&self, argument: &OsStr) -> bool {
        let Some(text) = argument.to_str() else {
            return true;
        };
        let value = match text.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => value,
            _ => text,
        };
        if value.is_empty() || value.starts_with(['/', '-']) || value.contains("://") {
            return false;
        }
        value.contains('/')
            || starts_relative(OsStr::new(value))
            // A bare name of a file in the working directory.
            || self.working_directory.as_deref().is_some_and(|directory| directory.join(value).exists())
    }
}

/// The data of a [`PluginIdentity`], owned, for a thread that may block.
pub(crate) struct OwnedIdentity {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) set_variables: Vec<String>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) cluster: Option<serde_json::Value>,
}

impl OwnedIdentity {
    /// The identity on this host. A simulated program has none outside of its process.
    pub(crate) async fn read(self, host: &Host) -> Option<StoreIdentity> {
        if host.processes().is_some() {
            return None;
        }
        let working_directory = host.environment().current_directory();
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let identity = runtime.spawn_blocking(move || {
            PluginIdentity {
                program: &self.program,
                arguments: &self.arguments,
                set_variables: &self.set_variables,
                environment: self.environment,
                files: &[],
                cluster: self.cluster,
                working_directory,
            }
            .identity()
        });
        identity.await.ok()
    }
}

/// Arguments and variables may contain secrets, so only their numbers are shown.
impl fmt::Debug for PluginIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginIdentity")
            .field("program", &self.program)
            .field("arguments", &self.arguments.len())
            .field("environment", &self.environment.len())
            .finish_non_exhaustive()
    }
}

/// The variable with the directories of programs. The program is already found.
fn is_search_path(name: &OsStr) -> bool {
    name == "PATH"
}

fn starts_relative(text: &OsStr) -> bool {
    let bytes = text.as_encoded_bytes();
    matches!(bytes, b"." | b"..") || bytes.starts_with(b"./") || bytes.starts_with(b"../")
}

/// When a file was changed, its size, and which file it is.
fn stamp(path: &Path) -> Vec<u8> {
    let Ok(metadata) = metadata(path) else {
        return Vec::new();
    };
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map_or(0, |since| since.as_nanos());
    [
        modified.to_le_bytes().as_slice(),
        &metadata.len().to_le_bytes(),
        &inode(&metadata).to_le_bytes(),
    ]
    .concat()
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[expect(
    clippy::disallowed_methods,
    reason = "a store shares between real processes, whose files these are"
)]
fn metadata(path: &Path) -> std::io::Result<fs::Metadata> {
    fs::metadata(path)
}

/// The content of a configuration file; its stamp if it is large, or is not a regular file.
#[expect(
    clippy::disallowed_methods,
    reason = "a store shares between real processes, whose files these are"
)]
fn read(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let found = metadata(path).ok()?;
    if !found.is_file() || found.len() > MAX_FILE {
        return Some(Zeroizing::new(stamp(path)));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0) + 1));
    fs::File::open(path)
        .ok()?
        .take(MAX_FILE)
        .read_to_end(&mut content)
        .ok()?;
    Some(content)
}
