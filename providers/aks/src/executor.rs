//! Runs the Azure CLI for the Azure SDK, which would use a shell.
//!
//! The arguments are taken out of the SDK's line, and the program is run without a shell, with a time limit and bounded output.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Output};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use azure_identity::Executor;
use kubex_core::host::{Program, ProgramCall, ProgramRunner};
use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Result, SecretBytes};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use crate::azure_cli::NAME;
use crate::failure::not_accepted;

/// Runs the Azure CLI for the SDK, once.
#[derive(Debug)]
pub(crate) struct AzExecutor {
    runner: &'static dyn ProgramRunner,
    program: Program,
    host: Host,
    /// Gets the events of the run, while those of the SDK are dropped.
    events: Dispatch,
    /// The result of the run. It is kept here because the SDK converts an error to text.
    result: Mutex<Option<Result<()>>>,
}

impl AzExecutor {
    pub(crate) fn new(runner: &'static dyn ProgramRunner, program: Program, host: &Host) -> Self {
        Self {
            runner,
            program,
            host: host.clone(),
            events: tracing::dispatcher::get_default(Clone::clone),
            result: Mutex::default(),
        }
    }

    /// The result of the run; `None` if the SDK has not run it.
    pub(crate) fn result(&self) -> Option<Result<()>> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        result.take()
    }

    async fn output(&self, args: &[&OsStr]) -> Result<SecretBytes> {
        let line = args.last().and_then(|line| line.to_str());
        let arguments = line.and_then(arguments).ok_or_else(not_accepted)?;
        let call = ProgramCall {
            name: NAME,
            program: &self.program,
            arguments: &arguments,
        };
        let run = self
            .runner
            .run(call, &self.host)
            .with_subscriber(self.events.clone());
        let output = run.await.map_err(with_advice)?;
        check(&output)?;
        Ok(output)
    }
}

#[async_trait]
impl Executor for AzExecutor {
    async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let output = self.output(args).await;
        let (result, answer) = match output {
            Ok(output) => (
                Ok(()),
                Ok(Output {
                    status: ExitStatus::default(),
                    stdout: output.expose_secret().to_vec(),
                    stderr: Vec::new(),
                }),
            ),
            Err(error) => (Err(error), Err(io::ErrorKind::Other.into())),
        };
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        answer
    }
}

/// The arguments of `az` in the SDK's line for the shell: `cd /bin && az account get-access-token ... --subscription "a b"`.
/// `None` for a line with anything that a shell would do more than split.
fn arguments(line: &str) -> Option<Vec<String>> {
    let (_, call) = line.split_once(" && az ")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" \"-_.:/".contains(&byte);
    if !call.bytes().all(is_plain) || !call.matches('"').count().is_multiple_of(2) {
        return None;
    }
    let mut arguments = Vec::new();
    for (number, part) in call.split('"').enumerate() {
        if number % 2 == 1 {
            arguments.push(part.to_owned());
        } else {
            arguments.extend(part.split_ascii_whitespace().map(str::to_owned));
        }
    }
    Some(arguments)
}

/// The error of an answer without a token.
pub(crate) fn not_a_token() -> Error {
    Error::new(
        ErrorKind::MalformedOutput,
        format_args!("{NAME} printed something that is not a token"),
    )
    .with_help("run `az account get-access-token -o json` in a terminal, and check which az is first in PATH")
}

/// An Azure CLI before 2.54 reports the expiry without its time zone, which the SDK does not read.
fn check(output: &SecretBytes) -> Result<()> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "accessToken")]
        _token: IgnoredAny,
        expires_on: Option<u64>,
    }
    let answer: Answer = serde_json::from_slice(output.expose_secret()).map_err(|_| not_a_token())?;
    if answer.expires_on.is_some() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format_args!("{NAME} does not print when the token expires as \"expires_on\""),
    )
    .with_help("update the Azure CLI to 2.54 or newer"))
}

/// The error with one thing to do about the Azure CLI.
fn with_advice(error: Error) -> Error {
    let help = match error.kind() {
        // The Azure CLI has no error codes, but most of its messages contain this command.
        ErrorKind::PluginFailed if error.message().contains("az login") => "run `az login` in a terminal",
        ErrorKind::PluginFailed | ErrorKind::EmptyOutput | ErrorKind::OutputTooLarge => {
            "run `az account get-access-token` in a terminal to see what it needs"
        }
        ErrorKind::TimedOut => {
            "run `az account get-access-token` in a terminal to see what it waits for, or raise \"deadline\" of \"exec\" in \
             Kubex's configuration"
        }
        ErrorKind::PluginNotExecutable => "install the Azure CLI again",
        ErrorKind::Recursion => {
            "check which az is first in PATH: it asks for the token that it should provide itself"
        }
        _ => return error,
    };
    error.with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_the_shell_is_taken_apart() {
        let call = "account get-access-token -o json --scope 6dae42f8/.default";
        let words = |line: &str| arguments(line).map(|words| words.join("|"));
        let basic = "account|get-access-token|-o|json|--scope|6dae42f8/.default";
        assert_eq!(words(&format!("cd /bin && az {call}")).as_deref(), Some(basic));
        assert_eq!(
            words(&format!("cd C:\\WINDOWS && az {call} --tenant contoso.example")),
            Some(format!("{basic}|--tenant|contoso.example"))
        );
        assert_eq!(
            words(&format!("cd /bin && az {call} --subscription \"Team A 1.0\"")),
            Some(format!("{basic}|--subscription|Team A 1.0"))
        );
        for odd in [
            "az account",
            "cd /bin && azd account",
            "cd /bin && az account; id",
            "cd /bin && az account && id",
            "cd /bin && az account $(id)",
            "cd /bin && az account `id`",
            "cd /bin && az account 'a'",
            "cd /bin && az account \"a",
            "cd /bin && az account \\a",
            "cd /bin && az account | id",
            "cd /bin && az account > x",
            "cd /bin && az account *",
            "cd /bin && az account ~",
            "cd /bin && az account @file",
            "cd /bin && az account\nid",
        ] {
            assert_eq!(arguments(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_answer_has_a_token_and_an_expiry() {
        let kind = |output: &str| check(&output.as_bytes().to_vec().into()).map_err(|error| error.kind());
        assert_eq!(kind(r#"{"accessToken": "t", "expires_on": 1}"#), Ok(()));
        assert_eq!(
            kind(r#"{"accessToken": "t", "expiresOn": "2026-01-01 00:00:00.000000"}"#),
            Err(ErrorKind::Unsupported)
        );
        for garbage in [
            "",
            "[]",
            "{}",
            "<html>",
            r#"{"expires_on": 1}"#,
            r#"{"accessToken": "t", "expires_on": -1}"#,
            r#"{"accessToken": "t", "expires_on": "1"}"#,
            "WARNING: x\n{}",
        ] {
            assert_eq!(kind(garbage), Err(ErrorKind::MalformedOutput), "{garbage}");
        }
    }
}
