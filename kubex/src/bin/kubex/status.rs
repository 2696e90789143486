//! The exit status: one number a class of failures.

use std::process::ExitCode;

use kubex::ErrorClass;
use kubex::text::clean;

use crate::say::say;

/// The server was not reached, or did not give what was asked for.
pub(crate) const REQUEST_FAILED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// The server does not take the credential.
pub(crate) const REJECTED: u8 = 8;

/// The status of a class.
pub(crate) fn of(class: ErrorClass) -> u8 {
    match class {
        ErrorClass::RequestFailed => REQUEST_FAILED,
        ErrorClass::NothingConfigured => 3,
        ErrorClass::InvalidConfiguration => 4,
        ErrorClass::SourceFailed => 5,
        ErrorClass::TimedOut => 6,
        ErrorClass::Refused => 7,
        ErrorClass::Rejected => REJECTED,
    }
}

/// Tells what is wrong with the command line, or what was asked of it: help, version.
pub(crate) fn misused(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        // It quotes words of the command line, which may come from anywhere.
        say(clean(&error.render().to_string()).trim_end());
        return ExitCode::from(USAGE);
    }
    match error.print() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(REQUEST_FAILED),
    }
}

/// The machine gives no thread or no memory.
pub(crate) fn cannot_start(error: &std::io::Error) -> ExitCode {
    say(&format!("error: cannot start: {error}"));
    ExitCode::from(REQUEST_FAILED)
}
