//! The guard against plugins that run themselves.
//!
//! A plugin may use Kubex in turn, or call a tool that does, and be configured so that it needs itself. Each run
//! tells its plugin, in a variable that nothing in a configuration can change, which runs it is in. A run that
//! is in there already is refused, and so is one beyond the deepest nesting: a plugin may need one other.

use std::borrow::Cow;

use kubex_core::host::Program;
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Host, Result};

/// The variable in which a plugin finds the runs that it is in, the outermost first, each by its fingerprint.
pub(crate) const VARIABLE: &str = "KUBEX_EXEC_STACK";

/// How many runs may be within one another.
const DEEPEST: usize = 2;

/// What the variable is to be for a run of this program with these arguments.
///
/// # Errors
/// `Recursion` where that run may not be.
pub(crate) fn stack_with(program: &Program, arguments: &[String], host: &Host) -> Result<String> {
    let variable = host.environment().variable(VARIABLE).unwrap_or_default();
    let stack: Cow<'_, str> = variable.to_string_lossy();
    let runs: Vec<&str> = stack.split(',').filter(|run| !run.is_empty()).collect();
    let own = fingerprint(program, arguments);
    let shown = program.path().to_string_lossy();
    let shown = clean_line(&shown);
    let recursion = |what: &str| {
        Error::new(
            ErrorKind::Recursion,
            format_args!("exec plugin {shown} was not started: {what}"),
        )
        .with_help("give the plugin a configuration of its own, with another user than the one that needs it")
    };
    if runs.contains(&own.as_str()) {
        return Err(recursion(
            "it is being run already, and asks for a credential that it is to give itself",
        ));
    }
    if runs.len() >= DEEPEST {
        return Err(recursion(
            "this program is run by a plugin, which is run by another plugin",
        ));
    }
    Ok(runs
        .into_iter()
        .chain([own.as_str()])
        .collect::<Vec<_>>()
        .join(","))
}

/// FNV-1a over the program and its arguments: the same in every build of Kubex, and no secret that the list of
/// processes does not show. Without the variables, whose values may be secrets.
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
        let program = host.permit(program, async { Ok(path.into()) }).await.unwrap();
        stack_with(&program, &[argument.to_owned()], host)
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
    async fn where_one_part_ends_and_the_next_begins_makes_a_difference() {
        let host = Host::real().with_variable(VARIABLE, None::<&str>);
        let one = stack(&host, "/bin/a", "bc").await.unwrap();
        assert_ne!(one, stack(&host, "/bin/ab", "c").await.unwrap());
        assert_eq!(one.len(), 16);
    }
}
