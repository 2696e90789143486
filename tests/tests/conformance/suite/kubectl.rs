//! kubectl is asked the same in the same world, and compared with what the case expects of Kubex.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use kubex_tests::kubectl::Kubectl;
use kubex_tests::machine::patience;
use serde_json::Value;

use super::case::Case;
use super::facts::{self, Facts, REFUSED};
use super::world::World;

/// How long one command may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(10);

/// It asked the default server, which it takes where nothing is configured.
const WENT_TO_THE_DEFAULT_SERVER: &str = "went to localhost:8080";

/// Asks one kubectl.
pub struct Asker<'k>(pub &'k Kubectl);

impl Asker<'_> {
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
        let mut command = tokio::process::Command::new(&self.0.program);
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
        // Where only one of them arrived, the rest is not a difference of its own.
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
