//! Programs: where a bare name leads, and which of them may run.
//!
//! Whoever starts a process needs a [`Program`], and only [`Host::permit`] makes one. So the host's
//! [plugin policy](super::PluginPolicy) stands before every process, whichever way the command came.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::{FileKind, Host};
use crate::error::Result;

/// A program that the host's policy permits: a path that was looked up once and is run as it is.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kubex_core::Result<()> {
/// use kubex_core::Host;
/// use kubex_core::host::{PluginPolicy, PluginRules};
///
/// let rules = PluginRules::new().policy(PluginPolicy::allowlist(["/usr/local/bin/aws"])?);
/// let host = Host::real().with_plugin_rules(rules);
/// let allowed = host.permit("/usr/local/bin/aws", async { Ok("/usr/local/bin/aws".into()) }).await?;
/// assert_eq!(allowed.path().to_str(), Some("/usr/local/bin/aws"));
/// assert!(host.permit("/tmp/aws", async { Ok("/tmp/aws".into()) }).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(PathBuf);

impl Program {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// What looking for a bare name in `PATH` found.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookUp {
    /// The first executable of that name.
    pub program: Option<PathBuf>,
    /// The first file of that name that is not executable.
    pub not_executable: Option<PathBuf>,
    /// Whether an entry was passed over because it is empty or relative.
    pub has_passed_over: bool,
    /// Whether there is a `PATH` at all.
    pub has_path: bool,
}

impl Host {
    /// Looks for a bare name in this program's own `PATH`, in its absolute directories only: an empty or
    /// relative entry would run whatever lies in the directory one happens to stand in.
    pub async fn look_up(&self, name: &str) -> LookUp {
        let path = self.environment().variable("PATH").unwrap_or_default();
        let mut found = LookUp {
            has_path: !path.is_empty(),
            ..LookUp::default()
        };
        for directory in std::env::split_paths(&path) {
            if !directory.is_absolute() {
                found.has_passed_over = true;
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

    /// The names a program may have on disk.
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

    /// Asks the policy whether this command may run. `found` looks the command up; it is not awaited where
    /// nothing may run at all, and what it gives is what runs.
    ///
    /// # Errors
    /// `Refused` by the policy, or what looking it up said.
    pub async fn permit(
        &self,
        command: impl AsRef<OsStr>,
        found: impl Future<Output = Result<PathBuf>>,
    ) -> Result<Program> {
        let command = command.as_ref();
        let policy = self.plugin_rules().plugin_policy();
        policy.before_look_up(command)?;
        let program = lexically_clean(&found.await?);
        policy.check(command, &program, self).await?;
        Ok(Program(program))
    }
}

/// The path without `.`, without `..` after a name and without doubled separators, as Go's `filepath.Clean`
/// writes it. What is checked and what runs are both this path, so that a `..` behind a symbolic link cannot
/// lead past the check.
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
    fn a_path_is_cleaned_as_go_does() {
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
