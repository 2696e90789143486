//! Programs: how the name of a program is looked up, and whether the program may run.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::plugins::{Permission, PluginVerdict, Refusal};
use super::{FileKind, Host};
use crate::error::Result;

/// The path of a program that the [plugin policy](super::PluginPolicy) permits.
///
/// Only [`Host::permit`] returns a `Program`, and starting a process requires one. The policy is therefore checked before every
/// process, wherever its command comes from.
///
/// The file that was permitted is the file that runs, because `PATH` is not searched again. Relative entries of `PATH` are
/// never searched, because they depend on the working directory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kubex_core::Result<()> {
/// use kubex_core::Host;
/// use kubex_core::host::{PluginPolicy, PluginRules};
///
/// let rules = PluginRules::new().policy(PluginPolicy::allowlist(["/usr/local/bin/aws"])?);
/// let host = Host::real().with_plugin_rules(rules);
/// let allowed = host.permit("/usr/local/bin/aws", async { Ok("/usr/local/bin/aws".into()) }, &["AWS_REGION"]).await?;
/// assert_eq!(allowed.path().to_str(), Some("/usr/local/bin/aws"));
/// assert!(host.permit("/tmp/aws", async { Ok("/tmp/aws".into()) }, &[]).await.is_err());
/// let preload = ["LD_PRELOAD"];
/// assert!(host.permit("/usr/local/bin/aws", async { Ok("/usr/local/bin/aws".into()) }, &preload).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(PathBuf);

impl Program {
    /// Returns the path of the program.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// The result of [`Host::look_up`]: where a program was found in `PATH`.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookUp {
    /// The first executable file that has the name; `None` if there is none.
    pub program: Option<PathBuf>,
    /// The first file that has the name but is not executable; `None` if there is none.
    pub not_executable: Option<PathBuf>,
    /// Whether entries of `PATH` were skipped because they are empty or relative.
    pub has_skipped_entries: bool,
    /// Whether `PATH` is set.
    pub has_path: bool,
}

impl Host {
    /// Looks up the name of a program in the absolute directories of `PATH`. Empty and relative entries are skipped,
    /// because they would run a program from the working directory.
    ///
    /// ```
    /// use kubex_core::host::SimulatedHost;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let world = SimulatedHost::new();
    /// world.set_variable("PATH", "bin:/usr/bin");
    /// world.install_program("/usr/bin/aws");
    /// let found = world.host().look_up("aws").await;
    /// assert_eq!(found.program, Some("/usr/bin/aws".into()));
    /// assert!(found.has_skipped_entries); // `bin` is relative
    /// # }
    /// ```
    pub async fn look_up(&self, name: &str) -> LookUp {
        let path = self.environment().variable("PATH").unwrap_or_default();
        let mut found = LookUp {
            has_path: !path.is_empty(),
            ..LookUp::default()
        };
        for directory in std::env::split_paths(&path) {
            if !directory.is_absolute() {
                found.has_skipped_entries = true;
                continue;
            }
            for file in self.file_names(name) {
                let candidate = lexically_clean(&directory.join(file));
                match self.files().kind(&candidate).await {
                    Ok(FileKind::Regular { executable: true }) => {
                        found.program = Some(candidate);
                        return found;
                    }
                    Ok(FileKind::Regular { executable: false }) => {
                        found.not_executable.get_or_insert(candidate);
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// The file names of a program with this name.
    fn file_names(&self, name: &str) -> Vec<String> {
        if !cfg!(windows) || Path::new(name).extension().is_some() {
            return vec![name.to_owned()];
        }
        let extensions = self.environment().text("PATHEXT");
        extensions
            .as_deref()
            .unwrap_or(".COM;.EXE;.BAT;.CMD")
            .split(';')
            .filter(|extension| !extension.is_empty())
            .map(|extension| format!("{name}{extension}"))
            .collect()
    }

    /// Checks whether the plugin policy permits this command, and returns the program to run.
    ///
    /// The future `found` looks up the path of the command. It is not polled if the policy permits no plugin at all.
    /// `variables` are the names of the environment variables that a kubeconfig sets for the program. An allowlist limits them.
    ///
    /// # Errors
    /// - [`ErrorKind::Refused`](crate::ErrorKind::Refused): the policy does not permit the command.
    /// - Any error of `found`.
    pub async fn permit(
        &self,
        command: impl AsRef<OsStr>,
        found: impl Future<Output = Result<PathBuf>>,
        variables: &[&str],
    ) -> Result<Program> {
        let decided = self.decide(command.as_ref(), found, variables).await;
        decided.map(|(program, _)| program).map_err(Refusal::into_error)
    }

    /// Returns whether the plugin policy permits this command, and which lines of the configuration decide it. The
    /// arguments are those of [`permit`](Self::permit).
    pub async fn plugin_verdict(
        &self,
        command: impl AsRef<OsStr>,
        found: impl Future<Output = Result<PathBuf>>,
        variables: &[&str],
    ) -> PluginVerdict {
        let command = command.as_ref();
        let decided = self.decide(command, found, variables).await;
        PluginVerdict::new(command, decided.map(|(_, permission)| permission))
    }

    async fn decide(
        &self,
        command: &OsStr,
        found: impl Future<Output = Result<PathBuf>>,
        variables: &[&str],
    ) -> Result<(Program, Permission), Refusal> {
        let policy = self.plugin_rules().plugin_policy().current(command, self).await?;
        policy.before_look_up(command)?;
        let program = lexically_clean(&found.await?);
        let permission = policy.decide(command, Some(&program), variables, self).await?;
        Ok((Program(program), permission))
    }

    /// Checks whether the plugin policy permits a command that a provider replaces, as if the command ran. The program need not
    /// be installed. If it is not in `PATH`, an allowlist permits it only by an entry that has the same command and no digest.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Refused`](crate::ErrorKind::Refused) if the policy does not permit the command.
    pub async fn permit_replaced(&self, command: &str, variables: &[&str]) -> Result<()> {
        let decided = self.decide_replaced(command, variables).await;
        decided.map(drop).map_err(Refusal::into_error)
    }

    /// What [`permit_replaced`](Self::permit_replaced) decides, with the lines that decide it.
    pub(crate) async fn replaced_verdict(&self, command: &str, variables: &[&str]) -> PluginVerdict {
        PluginVerdict::new(command.as_ref(), self.decide_replaced(command, variables).await)
    }

    async fn decide_replaced(&self, command: &str, variables: &[&str]) -> Result<Permission, Refusal> {
        let policy = self
            .plugin_rules()
            .plugin_policy()
            .current(command.as_ref(), self)
            .await?;
        policy.before_look_up(command.as_ref())?;
        let program = self.look_up(command).await.program;
        let program = program.as_deref();
        policy.decide(command.as_ref(), program, variables, self).await
    }
}

/// The path without `.`, without `..` after a name and without doubled separators, as by Go's `filepath.Clean`. This path
/// is both checked and run, so that a `..` after a symbolic link cannot bypass the check.
pub(super) fn lexically_clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => clean.push(".."),
            },
            other => clean.push(other),
        }
    }
    if clean.as_os_str().is_empty() {
        clean.push(".");
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_is_cleaned_as_by_go() {
        for (path, clean) in [
            ("aws", "aws"),
            ("./aws", "aws"),
            ("bin//aws/", "bin/aws"),
            ("/usr/./bin/../lib/aws", "/usr/lib/aws"),
            ("/../aws", "/aws"),
            ("../a/../aws", "../aws"),
            ("a/..", "."),
            ("", "."),
        ] {
            assert_eq!(lexically_clean(Path::new(path)), Path::new(clean), "{path}");
        }
    }
}
