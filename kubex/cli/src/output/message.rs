//! Messages to the user, on stderr.

use std::io::{self, Write as _};

/// Prints a message on stderr. A closed stderr is ignored.
pub(crate) fn print_message(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}
