//! The kubectl that the cells are compared with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kubex_tests::machine::patience;

use super::cell::Verdict;

/// The oldest one that is compared with.
const OLDEST: u32 = 33;
const LIMIT: Duration = Duration::from_secs(20);

/// The one that `$KUBECTL` names, or the first in `PATH`, or beside a dispatcher there, that is new enough.
pub fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("KUBECTL") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join("kubectl"))
        .filter(|program| program.is_file())
        .flat_map(|program| {
            let real = program.canonicalize().unwrap_or_else(|_| program.clone());
            let beside = (OLDEST..OLDEST + 20)
                .rev()
                .map(move |minor| real.with_file_name(format!("kubectl.1.{minor}")));
            std::iter::once(program).chain(beside)
        })
        .find(|program| is_new_enough(program))
}

fn is_new_enough(program: &Path) -> bool {
    let output = Command::new(program)
        .args(["version", "--client", "-o", "json"])
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        return false;
    };
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let version = &answer["clientVersion"];
    let minor = version["minor"]
        .as_str()
        .unwrap_or_default()
        .trim_end_matches('+')
        .parse()
        .unwrap_or(0);
    let is_dispatcher = version["gitVersion"]
        .as_str()
        .unwrap_or_default()
        .contains("dispatcher");
    minor >= OLDEST && !is_dispatcher
}

/// What kubectl makes of a kubeconfig, and what it says.
pub async fn ask(program: &Path, kubeconfig: &Path) -> (Verdict, String) {
    let home = kubeconfig.parent().unwrap_or(kubeconfig);
    let output = tokio::process::Command::new(program)
        .args(["get", "--raw", "/version", "--kubeconfig"])
        .arg(kubeconfig)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(patience(LIMIT), output).await {
        Ok(Ok(output)) if output.status.success() => (Verdict::Connects, String::new()),
        Ok(Ok(output)) => (
            Verdict::Refused,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ),
        Ok(Err(error)) => panic!("{}: {error}", program.display()),
        Err(_) => (Verdict::Refused, "it hangs".to_owned()),
    }
}
