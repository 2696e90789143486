//! The exit status: one number for each class of errors.

use std::process::ExitCode;

use kubex::ErrorClass;

use crate::output::{print_message, print_text};

/// The server could not be reached, or the status of its response is not a success.
pub(crate) const REQUEST_FAILED: u8 = 1;
/// The command line is invalid.
pub(crate) const USAGE: u8 = 2;
/// The credential was rejected or has expired.
pub(crate) const REJECTED: u8 = 8;

/// The exit status for a class of errors.
pub(crate) fn from_class(class: ErrorClass) -> u8 {
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

/// Prints why the command line is invalid; or the help or the version, if the command line asks for one.
pub(crate) fn print_usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        print_message(error.render().to_string().trim_end());
        return ExitCode::from(USAGE);
    }
    match print_text(&error.render().to_string()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(REQUEST_FAILED),
    }
}
