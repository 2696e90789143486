//! The errors of a plugin run that returned no credential.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use kubex_core::host::Exit;
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind};

use crate::run::RunLimit;

/// The program was found, but the system did not start it.
pub(crate) fn not_started(kind: &str, program: &Path, error: io::Error) -> Error {
    let shown = program.to_string_lossy();
    let shown = clean_line(&shown);
    let not_executable = |why: &str, help: &str| {
        Error::new(
            ErrorKind::PluginNotExecutable,
            format_args!("{kind} {shown} cannot be started: {why}"),
        )
        .with_help(help)
    };
    let failure = match error.kind() {
        // The file itself exists: it was found just before.
        io::ErrorKind::NotFound => not_executable(
            "its interpreter or its dynamic loader does not exist",
            "install the interpreter of its first line (#!...), or a build of the plugin for this system",
        ),
        io::ErrorKind::PermissionDenied => not_executable(
            "permission denied",
            "make the plugin and its interpreter executable, on a file system that allows execution",
        ),
        io::ErrorKind::ArgumentListTooLong => not_executable(
            "its arguments and variables are larger than the system allows",
            "make \"env\" or the cluster's CA bundle smaller",
        ),
        _ if is_invalid_program(&error) => not_executable(
            "it is built for another system or architecture, or is a script without a first line (#!...)",
            "install the build of the plugin for this machine",
        ),
        // Too many processes or open files, no memory, a program that is being replaced: temporary conditions.
        _ => Error::new(
            ErrorKind::Unavailable,
            format_args!(
                "{kind} {shown} could not be started: {}",
                clean_line(&error.to_string())
            ),
        )
        .with_help("check whether this machine is out of processes, open files or memory"),
    };
    failure.with_source(error)
}

#[cfg(unix)]
fn is_invalid_program(error: &io::Error) -> bool {
    /// `EBADARCH` of macOS: a program for another processor.
    const BAD_ARCHITECTURE: i32 = 86;
    let code = error.raw_os_error();
    code == Some(nix::errno::Errno::ENOEXEC as i32)
        || (cfg!(target_vendor = "apple") && code == Some(BAD_ARCHITECTURE))
}

#[cfg(not(unix))]
fn is_invalid_program(error: &io::Error) -> bool {
    /// `ERROR_BAD_EXE_FORMAT` of Windows.
    const BAD_FORMAT: i32 = 193;
    error.raw_os_error() == Some(BAD_FORMAT)
}

/// The plugin exited with a status other than 0, or was ended by a signal.
pub(crate) fn failed(plugin: &str, exit: Exit, stderr: &str) -> Error {
    let how = match exit {
        Exit::Status(code) => format!("failed with exit code {code}"),
        Exit::Signal(number) => match signal_name(number) {
            Some(name) => format!("was killed by signal {number} ({name})"),
            None => format!("was killed by signal {number}"),
        },
        _ => "failed".to_owned(),
    };
    Error::new(
        ErrorKind::PluginFailed,
        format_args!("{plugin} {how}{}", Stderr(stderr)),
    )
    .with_help("run the plugin in a terminal to see what it needs")
}

/// The plugin was ended at its deadline.
pub(crate) fn timed_out(plugin: &str, limit: &RunLimit, stderr: &str) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format_args!(
            "{plugin} did not finish within {} s and was killed{}",
            limit.time.as_secs_f32(),
            Stderr(stderr)
        ),
    )
    .with_help(format_args!(
        "run the plugin in a terminal to see what it waits for, or raise {}",
        limit.setting
    ))
}

/// The plugin's file was not found before the deadline, because a file system does not respond.
pub(crate) fn not_found_in_time(plugin: &str, deadline: Duration) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format_args!(
            "{plugin} was not started: its file could not be looked up within {} s",
            deadline.as_secs_f32()
        ),
    )
    .with_help("check the file systems of PATH and of the plugin")
}

/// The plugin exited successfully and printed nothing.
pub(crate) fn printed_nothing(plugin: &str, stderr: &str) -> Error {
    Error::new(
        ErrorKind::EmptyOutput,
        format_args!(
            "{plugin} exited successfully but printed no credential{}",
            Stderr(stderr)
        ),
    )
    .with_help("run the plugin in a terminal to see what it needs")
}

/// The plugin was ended because it printed too much.
pub(crate) fn printed_too_much(plugin: &str, limit: usize) -> Error {
    Error::new(
        ErrorKind::OutputTooLarge,
        format_args!("{plugin} printed more than {limit} bytes and was killed"),
    )
    .with_help("check that the command and its arguments are those of a credential plugin")
}

/// The output is not a valid credential; stderr may contain the reason.
pub(crate) fn with_stderr(error: Error, stderr: &str) -> Error {
    if stderr.is_empty() {
        return error;
    }
    let message = format!("{}; stderr: {stderr}", error.message());
    let extended = Error::new(error.kind(), message);
    match error.help() {
        Some(help) => extended.with_help(help),
        None => extended,
    }
}

/// The output could not be read.
pub(crate) fn broken(plugin: &str, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format_args!(
            "the output of {plugin} could not be read: {}",
            clean_line(&error.to_string())
        ),
    )
    .with_source(error)
}

/// The end of a sentence: the content of stderr, if any.
struct Stderr<'a>(&'a str);

impl fmt::Display for Stderr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("; it printed nothing to stderr"),
            stderr => write!(f, "; stderr: {stderr}"),
        }
    }
}

/// The names of the signals that have the same number everywhere.
fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_contains_the_exit_and_stderr() {
        assert_eq!(
            failed("exec plugin aws", Exit::Status(255), "no login").to_string(),
            "exec plugin aws failed with exit code 255; stderr: no login; run the plugin in a terminal to see what it needs"
        );
        assert!(
            failed("exec plugin aws", Exit::Signal(9), "")
                .message()
                .ends_with("was killed by signal 9 (SIGKILL); it printed nothing to stderr")
        );
    }

    #[test]
    fn a_time_out_names_the_setting_that_was_in_force() {
        let time = Duration::from_millis(1500);
        let host = kubex_core::host::SimulatedHost::new().host();
        for (limit, within, setting) in [
            (
                RunLimit::of_rules(false, &host),
                "within 30 s",
                "raise \"exec.deadline\" in Kubex's configuration",
            ),
            (
                RunLimit::of_rules(true, &host),
                "within 300 s",
                "raise \"exec.interactive-deadline\" in Kubex's configuration",
            ),
            (
                RunLimit::of_source(false, time),
                "within 1.5 s",
                "raise \"deadline\" of the source",
            ),
            (
                RunLimit::of_source(true, time),
                "within 1.5 s",
                "raise \"interactive-deadline\" of the source",
            ),
        ] {
            let error = timed_out("exec plugin aws", &limit, "");
            assert!(error.message().contains(within), "{error}");
            assert!(error.help().unwrap().ends_with(setting), "{error}");
        }
    }

    #[test]
    fn a_temporary_condition_is_not_a_fault_of_the_plugin() {
        let program = Path::new("/bin/plugin");
        for (error, kind) in [
            (io::ErrorKind::NotFound.into(), ErrorKind::PluginNotExecutable),
            (
                io::ErrorKind::PermissionDenied.into(),
                ErrorKind::PluginNotExecutable,
            ),
            (io::ErrorKind::WouldBlock.into(), ErrorKind::Unavailable),
            (io::ErrorKind::OutOfMemory.into(), ErrorKind::Unavailable),
            (io::Error::other("too many open files"), ErrorKind::Unavailable),
        ] {
            assert_eq!(not_started("exec plugin", program, error).kind(), kind);
        }
        #[cfg(unix)]
        {
            let error = io::Error::from_raw_os_error(nix::errno::Errno::ENOEXEC as i32);
            assert!(
                not_started("exec plugin", program, error)
                    .message()
                    .contains("architecture")
            );
        }
    }
}
