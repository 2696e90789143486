//! The kubectl that a suite compares with: found once, by one rule, for every suite.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The oldest kubectl whose behaviour is the one that is compared with.
const OLDEST: (u32, u32) = (1, 33);

/// A kubectl that is new enough.
#[derive(Debug, Clone)]
pub struct Kubectl {
    /// Where it is.
    pub program: PathBuf,
    /// What it says it is: `v1.37.1`.
    pub version: String,
    /// Its major and minor version.
    pub number: (u32, u32),
}

impl Kubectl {
    /// The one that `$KUBECTL` names. Without it the first in `PATH` that is new enough, or that stands beside a
    /// dispatcher in `PATH` and is new enough.
    ///
    /// # Errors
    /// Why there is none to compare with.
    pub fn find() -> Result<Self, String> {
        if let Some(named) = std::env::var_os("KUBECTL") {
            return Self::probe(&PathBuf::from(named));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut problems = Vec::new();
        for program in std::env::split_paths(&path).map(|directory| directory.join("kubectl")) {
            if !program.is_file() {
                continue;
            }
            for candidate in [vec![program.clone()], versioned_beside(&program)].concat() {
                match Self::probe(&candidate) {
                    Ok(kubectl) => return Ok(kubectl),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        if problems.is_empty() {
            return Err("there is no kubectl in PATH, and KUBECTL is not set".to_owned());
        }
        Err(problems.join("; "))
    }

    /// Asks a program for its version.
    fn probe(program: &Path) -> Result<Self, String> {
        let shown = program.display().to_string();
        let program = std::path::absolute(program).map_err(|error| format!("{shown}: {error}"))?;
        let output = Command::new(&program)
            .args(["version", "--client", "-o", "json"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{shown} does not run: {error}"))?;
        let answer: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("{shown} does not print its version"))?;
        let text = |key: &str| {
            answer["clientVersion"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        // A vendor's build prints "32+".
        let number = |key: &str| text(key).trim_end_matches('+').parse().unwrap_or(0);
        let version = text("gitVersion");
        if version.contains("dispatcher") {
            return Err(format!(
                "{shown} is a dispatcher ({version}), which runs whichever version it picks"
            ));
        }
        let number = (number("major"), number("minor"));
        if number < OLDEST {
            let (major, minor) = OLDEST;
            return Err(format!("{shown} is {version}, older than {major}.{minor}"));
        }
        Ok(Self {
            program,
            version,
            number,
        })
    }
}

/// The programs `kubectl.MAJOR.MINOR` in the directory of a dispatcher, the newest first.
fn versioned_beside(program: &Path) -> Vec<PathBuf> {
    let directory = program.canonicalize().ok();
    let directory = directory.as_deref().and_then(Path::parent);
    let entries = directory.and_then(|directory| std::fs::read_dir(directory).ok());
    let mut found: Vec<((u32, u32), PathBuf)> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let (major, minor) = name.to_str()?.strip_prefix("kubectl.")?.split_once('.')?;
            Some(((major.parse().ok()?, minor.parse().ok()?), entry.path()))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}
