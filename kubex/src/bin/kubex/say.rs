//! Words for a person.

use std::io::{self, Write as _};

/// Says words on standard error. Somebody who has closed it hears nothing.
pub(crate) fn say(words: &str) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}
