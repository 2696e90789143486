//! The plugin after `--`: its program, and what makes its identity.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use kubex::Host;
use kubex::credentials::StoreIdentity;
use kubex_exec::{ExecRequest, PluginIdentity, SharedCall};

/// A plugin as the command line names it.
#[derive(Debug, Default)]
pub(super) struct Plugin {
    words: Vec<String>,
    variables: Vec<String>,
    files: Vec<PathBuf>,
}

impl Plugin {
    /// The command is not empty.
    pub(super) fn new(words: &[String], variables: &[String], files: &[PathBuf]) -> Self {
        Self {
            words: words.to_vec(),
            variables: variables.to_vec(),
            files: files.to_vec(),
        }
    }

    /// Reads `kubex exec [FLAGS] -- COMMAND` from the arguments of this process. `None` for anything else, which the full
    /// grammar then reads.
    pub(super) fn from_command_line() -> Option<Self> {
        Self::from_words(std::env::args_os())
    }

    fn from_words(words: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let call = SharedCall::parse(words.into_iter().skip(1))?;
        Some(Self {
            words: call.command,
            variables: call.identity_variables,
            files: call.identity_files,
        })
    }

    /// The command as it is written.
    pub(super) fn name(&self) -> &str {
        self.words.first().map(String::as_str).unwrap_or_default()
    }

    pub(super) fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The command. A relative path is relative to the working directory, as in a shell.
    pub(super) fn command(&self, host: &Host) -> String {
        let name = self.name();
        if !name.contains(std::path::is_separator) || Path::new(name).is_absolute() {
            return name.to_owned();
        }
        let directory = host.environment().current_directory().unwrap_or_default();
        clean(&directory.join(name)).to_string_lossy().into_owned()
    }

    /// The identity of the plugin's credential. `None` if the program is not found, which the run then reports.
    pub(super) fn identity(&self, request: &ExecRequest, host: &Host) -> Option<StoreIdentity> {
        let command = self.command(host);
        let program = if command.contains(std::path::is_separator) {
            PathBuf::from(command)
        } else {
            find(&command, host.environment().variable("PATH")?.as_os_str())?
        };
        let identity = PluginIdentity {
            program: &program,
            arguments: self.arguments(),
            set_variables: &self.variables,
            environment: host.environment().variables(),
            files: &self.files,
            cluster: request.cluster_json(),
            working_directory: host.environment().current_directory(),
        };
        Some(identity.identity())
    }
}

/// Finds a program as the provider `exec` does: in the absolute directories of `PATH`.
pub(in crate::subcommand) fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let directories = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    let mut candidates = directories.map(|directory| clean(&directory.join(name)));
    candidates.find(|candidate| is_executable(candidate))
}

/// The path without `.`, and without `..` after a name, as the provider `exec` cleans it.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "a hit is looked up without a runtime")]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "a hit is looked up without a runtime")]
fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Plugin> {
        Plugin::from_words(words.iter().map(Into::into))
    }

    #[test]
    fn a_plugin_is_read_and_everything_else_is_left_to_the_full_grammar() {
        let plugin = read(&[
            "kubex",
            "exec",
            "--identity-variable=A",
            "--identity-file",
            "f",
            "--lifetime",
            "1m",
            "--",
            "aws",
            "--",
            "eks",
        ])
        .unwrap();
        assert_eq!((plugin.name(), plugin.arguments().len()), ("aws", 2));
        assert_eq!((plugin.variables.len(), plugin.files.len()), (1, 1));
        for words in [
            &["kubex"][..],
            &["kubex", "get", "--", "aws"],
            &["kubex", "exec"],
            &["kubex", "exec", "--"],
            &["kubex", "exec", "--source", "vault"],
            &["kubex", "exec", "--config", "c", "--", "aws"],
            &["kubex", "--config", "c", "exec", "--", "aws"],
        ] {
            assert!(read(words).is_none(), "{words:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_is_found_where_the_provider_finds_it() {
        for path in [
            "/usr/bin:/bin",
            "/nowhere:/bin/../bin",
            ".:/usr/bin",
            "",
            "relative",
        ] {
            let host = Host::real().with_variable("PATH", Some(path));
            for name in ["sh", "env", "passwd.conf", "no-such-program"] {
                assert_eq!(
                    find(name, OsStr::new(path)),
                    host.look_up(name).await.program,
                    "{name} in {path}"
                );
            }
        }
    }
}
