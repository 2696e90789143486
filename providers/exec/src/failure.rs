//! The errors of a run that gave no answer.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use kubex_core::host::Exit;
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind};

/// The program was found, and the system did not start it.
pub(crate) fn not_started(program: &Path, error: io::Error) -> Error {
    let shown = program.to_string_lossy();
    let shown = clean_line(&shown);
    let unfit = |why: &str, help: &str| {
        Error::new(
            ErrorKind::PluginNotExecutable,
            format_args!("exec plugin {shown} cannot be started: {why}"),
        )
        .with_help(help)
    };
    let error_of = match error.kind() {
        // The file itself was there a moment ago.
        io::ErrorKind::NotFound => unfit(
            "the interpreter that it names, or its dynamic loader, is not there",
            "install what its first line (#!...) names, or a build of the plugin for this system",
        ),
        io::ErrorKind::PermissionDenied => unfit(
            "permission denied",
            "make it and its interpreter executable, and put it on a file system that allows programs",
        ),
        io::ErrorKind::ArgumentListTooLong => unfit(
            "its arguments and variables are larger than the system allows",
            "make \"env\" or the cluster's authorities smaller",
        ),
        _ if is_no_program(&error) => unfit(
            "it is built for another system or architecture, or is a script without a first line (#!...)",
            "install the build of the plugin for this machine",
        ),
        // Too many processes or open files, no memory, a program that is just being replaced: these pass.
        _ => Error::new(
            ErrorKind::Unavailable,
            format_args!(
                "exec plugin {shown} could not be started: {}",
                clean_line(&error.to_string())
            ),
        )
        .with_help("see whether this machine is out of processes, open files or memory"),
    };
    error_of.with_source(error)
}

#[cfg(unix)]
fn is_no_program(error: &io::Error) -> bool {
    /// `EBADARCH` of macOS: a program for another processor.
    const BAD_ARCHITECTURE: i32 = 86;
    let code = error.raw_os_error();
    code == Some(nix::errno::Errno::ENOEXEC as i32)
        || (cfg!(target_vendor = "apple") && code == Some(BAD_ARCHITECTURE))
}

#[cfg(not(unix))]
fn is_no_program(error: &io::Error) -> bool {
    /// `ERROR_BAD_EXE_FORMAT` of Windows.
    const BAD_FORMAT: i32 = 193;
    error.raw_os_error() == Some(BAD_FORMAT)
}

/// It ended with another status than 0, or by a signal.
pub(crate) fn failed(plugin: &str, exit: Exit, said: &str) -> Error {
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
        format_args!("{plugin} {how}{}", Stderr(said)),
    )
    .with_help("run it in a terminal to see what it needs")
}

/// It was ended at its deadline.
pub(crate) fn timed_out(plugin: &str, deadline: Duration, said: &str) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format_args!(
            "{plugin} gave no answer within {} s and was ended{}",
            deadline.as_secs_f32(),
            Stderr(said)
        ),
    )
    .with_help("run it in a terminal to see what it waits for, or raise \"deadline\" where the source has that option")
}

/// It succeeded, as it says, and printed nothing.
pub(crate) fn printed_nothing(plugin: &str, said: &str) -> Error {
    Error::new(
        ErrorKind::EmptyOutput,
        format_args!(
            "{plugin} printed no credential, although it ended well{}",
            Stderr(said)
        ),
    )
    .with_help("run it in a terminal to see what it needs")
}

/// It was ended because it printed too much.
pub(crate) fn printed_too_much(plugin: &str, limit: usize) -> Error {
    Error::new(
        ErrorKind::OutputTooLarge,
        format_args!("{plugin} printed more than {limit} bytes and was ended"),
    )
    .with_help("see whether the command and its arguments are those of a credential plugin")
}

/// What it printed is unfit; what it said on standard error may tell why.
pub(crate) fn with_what_it_said(fault: Error, said: &str) -> Error {
    if said.is_empty() {
        return fault;
    }
    let told = Error::new(fault.kind(), format_args!("{}; it said: {said}", fault.message()));
    match fault.help() {
        Some(help) => told.with_help(help),
        None => told,
    }
}

/// What it printed could not be read.
pub(crate) fn broken(plugin: &str, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format_args!(
            "what {plugin} printed could not be read: {}",
            clean_line(&error.to_string())
        ),
    )
    .with_source(error)
}

/// The end of a sentence: what it said on standard error, if anything.
struct Stderr<'a>(&'a str);

impl fmt::Display for Stderr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str(", and said nothing on standard error"),
            said => write!(f, ": {said}"),
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
    fn how_it_ended_and_what_it_said_is_told() {
        assert_eq!(
            failed("exec plugin aws", Exit::Status(255), "no login").to_string(),
            "exec plugin aws failed with exit code 255: no login; run it in a terminal to see what it needs"
        );
        assert!(
            failed("exec plugin aws", Exit::Signal(9), "")
                .message()
                .ends_with("was killed by signal 9 (SIGKILL), and said nothing on standard error")
        );
        assert!(
            timed_out("exec plugin aws", Duration::from_millis(1500), "")
                .message()
                .contains("within 1.5 s")
        );
    }

    #[test]
    fn what_passes_by_itself_is_no_fault_of_the_plugin() {
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
            assert_eq!(not_started(program, error).kind(), kind);
        }
        #[cfg(unix)]
        {
            let error = io::Error::from_raw_os_error(nix::errno::Errno::ENOEXEC as i32);
            assert!(not_started(program, error).message().contains("architecture"));
        }
    }
}
