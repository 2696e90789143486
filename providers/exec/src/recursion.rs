//! The guard against plugins that run themselves.
//!
//! A plugin may use Kubex, or call a tool that does, with a configuration that runs the same plugin again. So each plugin
//! receives the list of runs that it is nested in, in a variable that no configuration can change. A run that is already in
//! the list is refused, and so is one beyond the maximum depth: a plugin may run one other plugin.
//!
//! A wrapper such as `env -i` or `sudo` drops the variable. So on Linux the ancestors of this process are searched too: for
//! the variable, and for command lines that repeat themselves.

use std::borrow::Cow;

use kubex_core::host::Program;
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Host, Result};

/// The variable with the fingerprints of the runs that a plugin is nested in, the outermost first.
pub(crate) use kubex_core::host::STACK_VARIABLE as VARIABLE;

/// The maximum number of nested runs.
const MAX_DEPTH: usize = 2;

/// The variable's value for a run of this program with these arguments.
///
/// # Errors
/// `Recursion` if the run is not allowed.
pub(crate) fn stack_with(kind: &str, program: &Program, arguments: &[String], host: &Host) -> Result<String> {
    let variable = host.environment().variable(VARIABLE).unwrap_or_default();
    let stack: Cow<'_, str> = variable.to_string_lossy();
    // A simulated host has no ancestors.
    #[cfg(target_os = "linux")]
    let ancestry = host.processes().is_none().then(crate::ancestry::Ancestry::read);
    #[cfg(target_os = "linux")]
    let stack = match ancestry.as_ref().and_then(|ancestry| ancestry.stack()) {
        Some(dropped) if stack.is_empty() => Cow::Borrowed(dropped),
        _ => stack,
    };
    let runs: Vec<&str> = stack.split(',').filter(|run| !run.is_empty()).collect();
    let own = fingerprint(program, arguments);
    let shown = program.path().to_string_lossy();
    let shown = clean_line(&shown);
    let recursion = |what: &str| {
        Error::new(
            ErrorKind::Recursion,
            format_args!("{kind} {shown} was not started: {what}"),
        )
        .with_help("give the plugin its own configuration, with a user that does not need the plugin")
    };
    let is_running = runs.contains(&own.as_str());
    #[cfg(target_os = "linux")]
    let is_running = is_running
        || ancestry
            .as_ref()
            .is_some_and(|ancestry| ancestry.repeats(&program.path().to_string_lossy(), arguments));
    if is_running {
        return Err(recursion(
            "it is already running, and requested the credential that it should provide itself",
        ));
    }
    if runs.len() >= MAX_DEPTH {
        return Err(recursion(
            "this program was started by a plugin that was started by another plugin",
        ));
    }
    Ok(runs
        .into_iter()
        .chain([own.as_str()])
        .collect::<Vec<_>>()
        .join(","))
}

/// FNV-1a over the program and its arguments: equal in every build of Kubex. The list of processes shows both, so the
/// fingerprint reveals no secret. Variables are left out, because their values may be secrets.
fn fingerprint(program: &Program, arguments: &[String]) -> String {
    let parts = std::iter::once(program.path().as_os_str().as_encoded_bytes())
        .chain(arguments.iter().map(String::as_bytes));
    let hash = parts
        .flat_map(|part| part.iter().copied().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn stack(host: &Host, program: &str, argument: &str) -> Result<String> {
        let path = program.to_owned();
        let program = host
            .permit(program, async { Ok(path.into()) }, &[])
            .await
            .unwrap();
        stack_with("exec plugin", &program, &[argument.to_owned()], host)
    }

    #[tokio::test]
    async fn a_run_within_itself_and_a_third_one_are_refused() {
        let host = |stack: &str| Host::real().with_variable(VARIABLE, Some(stack));
        let first = stack(&host(""), "/bin/a", "x").await.unwrap();
        let error = stack(&host(&first), "/bin/a", "x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Recursion);
        assert!(
            error.message().contains("/bin/a") && error.message().contains("itself"),
            "{error}"
        );

        let second = stack(&host(&first), "/bin/a", "y").await.unwrap();
        assert_eq!(second.split(',').next(), Some(first.as_str()));
        for (program, argument) in [("/bin/a", "x"), ("/bin/a", "y"), ("/bin/b", "x")] {
            let error = stack(&host(&second), program, argument).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Recursion);
        }
    }

    #[tokio::test]
    async fn the_boundary_between_program_and_argument_matters() {
        let host = Host::real().with_variable(VARIABLE, None::<&str>);
        let one = stack(&host, "/bin/a", "bc").await.unwrap();
        assert_ne!(one, stack(&host, "/bin/ab", "c").await.unwrap());
        assert_eq!(one.len(), 16);
    }
}
