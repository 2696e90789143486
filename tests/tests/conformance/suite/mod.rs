//! From the folders to tests, and what a row of green lines would hide.

mod case;
mod check;
mod facts;
mod itself;
mod kubectl;
mod kubex;
mod shown;
mod words;
mod world;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use kubex_tests::kubectl::Kubectl;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use self::case::Case;
use self::kubectl::Asker;
use crate::client::{CASES, NAME};

/// Set to anything, it makes a missing kubectl a failure.
const REQUIRE_KUBECTL: &str = "CONFORMANCE_REQUIRES_KUBECTL";

/// Runs what the command line asks for. The suite's second client leaves kubectl, and the suite itself, to the first.
pub fn run(is_first: bool) -> ExitCode {
    let arguments = Arguments::from_args();
    let cases: Vec<Arc<Case>> = match case::all(Path::new(CASES)) {
        Ok(cases) if cases.is_empty() => return complain(&format!("there is no case in {CASES}")),
        Ok(cases) => cases.into_iter().map(Arc::new).collect(),
        Err(problem) => return complain(&problem),
    };
    // Before the working directory changes: `$KUBECTL` may be relative.
    let kubectl = Kubectl::find();
    let trap = match trap() {
        Ok(trap) => trap,
        Err(error) => return complain(&format!("the working directory cannot be set: {error}")),
    };

    let mut trials: Vec<Trial> = cases.iter().map(with_kubex).collect();
    match &kubectl {
        _ if !is_first => {}
        Ok(kubectl) => trials.extend(cases.iter().map(|case| with_kubectl(case, kubectl))),
        Err(reason) => trials.push(without_kubectl(reason.clone())),
    }
    if is_first {
        trials.extend(itself::trials());
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        summarize(&cases);
        if is_first {
            summarize_kubectl(&cases, &kubectl);
        }
        println!();
    }
    drop(trap);
    conclusion.exit_code()
}

fn complain(problem: &str) -> ExitCode {
    eprintln!("conformance: {problem}");
    ExitCode::FAILURE
}

/// A working directory with a kubeconfig and a plugin in it that must not be used.
fn trap() -> std::io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;

    let trap = tempfile::Builder::new().prefix("conformance-trap-").tempdir()?;
    let write = |path: &str, text: &str| {
        let path = trap.path().join(path);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
    };
    std::fs::create_dir(trap.path().join(".kube"))?;
    write(
        ".kube/config",
        "current-context: trap\n\
         clusters: [{name: trap, cluster: {server: 'https://127.0.0.1:1'}}]\n\
         contexts: [{name: trap, context: {cluster: trap, user: trap}}]\n\
         users: [{name: trap, user: {token: trap}}]\n",
    )?;
    write(
        "kubex-trap",
        "#!/bin/sh\necho '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \
         \"status\": {\"token\": \"trap\"}}'\n",
    )?;
    std::env::set_current_dir(trap.path())?;
    Ok(trap)
}

fn with_kubex(case: &Arc<Case>) -> Trial {
    let case = Arc::clone(case);
    Trial::ignorable_test(format!("{NAME}::{}", case.name), move || {
        in_runtime(kubex::ask(&case)).and_then(|verdict| verdict.judge(&case))
    })
}

/// What kubectl does is compared with what the case expects, whether or not Kubex does it yet.
fn with_kubectl(case: &Arc<Case>, kubectl: &Kubectl) -> Trial {
    let case = Arc::clone(case);
    let kubectl = kubectl.clone();
    Trial::ignorable_test(format!("kubectl::{}", case.name), move || {
        if let Some(reason) = &case.file.kubectl.not_comparable {
            return Ok(Completion::ignored_with(format!("not comparable: {reason}")));
        }
        if case
            .file
            .kubectl
            .since()
            .is_some_and(|since| kubectl.number < since)
        {
            let version = &kubectl.version;
            return Ok(Completion::ignored_with(format!(
                "not comparable: kubectl {version} behaves in another way"
            )));
        }
        let problems = in_runtime(Asker(&kubectl).ask(&case))?;
        if problems.is_empty() {
            return Ok(Completion::Completed);
        }
        Err(failed(&case, &problems))
    })
}

fn without_kubectl(reason: String) -> Trial {
    Trial::ignorable_test("kubectl", move || {
        if std::env::var_os(REQUIRE_KUBECTL).is_some() {
            return Err(format!("{REQUIRE_KUBECTL} is set, and {reason}").into());
        }
        Ok(Completion::ignored_with(format!("not tested: {reason}")))
    })
}

/// One thread, so that the events of a case are all seen by its own subscriber.
fn in_runtime<T>(future: impl Future<Output = std::io::Result<T>>) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(outcome?)
}

/// A failed case, with what it tells.
fn failed(case: &Case, problems: &[String]) -> Failed {
    let tells = case.file.tells.trim();
    format!("{tells}\n  {}", problems.join("\n").replace('\n', "\n  ")).into()
}

/// Says what a row of green lines would hide.
fn summarize(cases: &[Arc<Case>]) {
    let pending = cases.iter().filter(|case| case.file.pending.is_some());
    let pending: Vec<_> = pending.collect();
    println!(
        "conformance: {} cases by {NAME}, {} of them pending",
        cases.len(),
        pending.len()
    );
    for case in pending {
        println!(
            "  pending: {}: {}",
            case.name,
            case.file.pending.as_deref().unwrap_or_default()
        );
    }
}

fn summarize_kubectl(cases: &[Arc<Case>], kubectl: &Result<Kubectl, String>) {
    match kubectl {
        Err(reason) => eprintln!("NOT TESTED: conformance with kubectl: {reason}"),
        Ok(kubectl) => {
            let files = || cases.iter().map(|case| &case.file.kubectl);
            println!(
                "conformance: compared with kubectl {}: {} cases differ by decision, {} are not comparable",
                kubectl.version,
                files().filter(|file| !file.differs.is_empty()).count(),
                files().filter(|file| file.not_comparable.is_some()).count()
            );
            let newer = files().filter(|file| file.since().is_some_and(|since| kubectl.number < since));
            let newer = newer.count();
            if newer > 0 {
                eprintln!(
                    "NOT TESTED: conformance with kubectl: {newer} cases need a kubectl newer than {}",
                    kubectl.version
                );
            }
        }
    }
}
