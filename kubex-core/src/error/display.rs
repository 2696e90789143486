//! The texts of an error, and its cause for `std::error::Error`.

use std::fmt;

use super::{Error, Inner};
use crate::text::write_sanitized;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sanitized again, because a secret may have become known since the message was created.
        match &self.0.source_name {
            Some(name) => write_sanitized(f, format_args!("{name}: {}", self.unsigned())),
            None => write_sanitized(f, self.unsigned()),
        }
    }
}

/// An error's text without the name of its source, for output that contains the name already.
pub(crate) struct Unsigned<'a>(pub(super) &'a Inner);

impl fmt::Display for Unsigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.message)?;
        if let Some(origin) = &self.0.origin {
            write!(f, " ({origin})")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, "; {help}")?;
        }
        for other in &self.0.others {
            write!(f, "\nalso: {}", other.unsigned())?;
        }
        Ok(())
    }
}

/// Prints the kind and the whole text. Rust prints this form if `main` returns the error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
