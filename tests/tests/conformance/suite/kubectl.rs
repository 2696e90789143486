//! kubectl is asked the same in the same world, and compared with what the case expects of Kubex.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use kubex_tests::machine::patience;
use serde_json::Value;

use super::case::Case;
use super::facts::{self, Facts, REFUSED};
use super::world::World;

/// The oldest kubectl whose behaviour is the one that is compared with.
const OLDEST: (u32, u32) = (1, 33);

/// How long one command may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(10);

/// It asked the default server, which it takes where nothing is configured.
const WENT_TO_THE_DEFAULT_SERVER: &str = "went to localhost:8080";

/// A kubectl that is new enough.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
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

    /// What is not as the case says.
    pub async fn ask(&self, case: &Case) -> io::Result<Vec<String>> {
        let world = World::of(case).await?;
        let flags = flags(case, &world)?;
        let mut observed = Facts::new();
        if case.file.ask.requests > 0 {
            let raw = self.run(&world, &flags, &["get", "--raw", "/version"]).await?;
            observed = facts::observed(&world);
            if !observed.contains_key("outcome") {
                observed.insert("outcome", outcome(raw.as_ref()));
            }
        }
        let mut expected = facts::expected(case, &world);
        expected.retain(|name, _| observed.contains_key(name));
        // It is asked once.
        if case.file.ask.requests > 1 {
            expected.remove("requests");
        }
        if let Some(configured) = case.configured().filter(|_| can_be_viewed(case)) {
            let view = ["config", "view", "--raw", "--minify", "--flatten", "-o", "json"];
            let output = self.run(&world, &flags, &view).await?;
            expected.insert("view", "shown".to_owned());
            match output.filter(|output| output.status.success()) {
                None => observed.insert("view", REFUSED.to_owned()),
                Some(output) => {
                    let view: Value = serde_json::from_slice(&output.stdout).map_err(io::Error::other)?;
                    expected.insert("server", world.text(&configured.server));
                    expected.insert("namespace", configured.namespace.clone());
                    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                    observed.insert("server", text(&view["clusters"][0]["cluster"]["server"]));
                    let namespace = text(&view["contexts"][0]["context"]["namespace"]);
                    let namespace = if namespace.is_empty() {
                        "default".to_owned()
                    } else {
                        namespace
                    };
                    observed.insert("namespace", namespace);
                    observed.insert("view", "shown".to_owned())
                }
            };
        }
        Ok(judge(case, &world, &expected, &observed))
    }

    /// Runs kubectl with the case's environment; `None` where it hangs.
    async fn run(&self, world: &World, flags: &[String], arguments: &[&str]) -> io::Result<Option<Output>> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(arguments)
            .args(flags)
            .env_clear()
            .envs(&world.environment)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match tokio::time::timeout(patience(LIMIT), command.output()).await {
            Ok(output) => output.map(Some),
            Err(_) => Ok(None),
        }
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

/// Why no request arrived.
fn outcome(output: Option<&Output>) -> String {
    let Some(output) = output else {
        return "hangs".to_owned();
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("localhost:8080") {
        WENT_TO_THE_DEFAULT_SERVER.to_owned()
    } else {
        REFUSED.to_owned()
    }
}

/// `config view` knows the files and their current context alone.
fn can_be_viewed(case: &Case) -> bool {
    let ask = &case.file.ask;
    ask.overrides.is_empty() && ask.kubeconfig.keys().all(|key| key == "path")
}

/// What the case asks, as kubectl's flags.
fn flags(case: &Case, world: &World) -> io::Result<Vec<String>> {
    let ask = &case.file.ask;
    let inexpressible = |what: &str| {
        Err(io::Error::other(format!(
            "kubectl cannot be asked with {what}: say not-comparable"
        )))
    };
    if ask.bytes.is_some() || !ask.in_cluster.is_empty() || !ask.headers.is_empty() {
        return inexpressible("bytes, options of in-cluster or headers");
    }
    let mut flags = Vec::new();
    for (key, value) in ask.kubeconfig.iter().chain(&ask.overrides) {
        let names: &[&str] = match key.as_str() {
            "path" => &["kubeconfig"],
            "as-groups" => &["as-group"],
            "context"
            | "cluster"
            | "user"
            | "namespace"
            | "server"
            | "certificate-authority"
            | "client-certificate"
            | "client-key"
            | "insecure-skip-tls-verify"
            | "tls-server-name"
            | "proxy-url"
            | "disable-compression"
            | "as"
            | "as-uid"
            | "token"
            | "username"
            | "password" => &[key.as_str()],
            other => return inexpressible(other),
        };
        let values = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in values {
            let text = match value {
                Value::Bool(value) => value.to_string(),
                other => world.text(other.as_str().unwrap_or_default()),
            };
            flags.extend(names.iter().map(|name| format!("--{name}={text}")));
        }
    }
    Ok(flags)
}

/// Every difference is declared, and every declared one shows.
pub fn judge(case: &Case, world: &World, expected: &Facts, observed: &Facts) -> Vec<String> {
    let declared = &case.file.kubectl.differs;
    let is_otherwise = expected.get("outcome") != observed.get("outcome");
    let mut problems = Vec::new();
    for (name, expected) in expected {
        // Where only one of them arrived, the rest is no difference of its own.
        if declared.contains_key(*name) || (is_otherwise && *name != "outcome") {
            continue;
        }
        let observed = observed.get(name).map_or("none", String::as_str);
        if observed != expected {
            problems.push(format!("{name}: Kubex {expected:?}, kubectl {observed:?}"));
        }
    }
    for (name, value) in declared {
        let value = world.text(value);
        let found = observed.get(name.as_str()).map_or("none", String::as_str);
        if found != value {
            problems.push(format!(
                "{name}: declared as {value:?}, but kubectl has {found:?}"
            ));
        } else if expected
            .get(name.as_str())
            .is_some_and(|expected| *expected == value)
        {
            problems.push(format!(
                "{name}: declared as a difference, but it is {value:?} with both"
            ));
        }
    }
    problems
}
