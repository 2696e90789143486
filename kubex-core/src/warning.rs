//! Warnings: problems that do not prevent a result.
//!
//! A warning has a stable id, for a program that acts on it or leaves it out, and a message for people. The ids are listed in
//! `docs/warnings.md` of the repository, each with what to do.
//!
//! ```
//! use kubex_core::{Origin, Warning};
//!
//! let origin = Origin::file("/home/jane/.kube/config").position(7, 5);
//! let warning = Warning::new("insecure-skip-tls-verify", "any certificate is accepted from the server").with_origin(&origin);
//! assert_eq!(warning.id(), "insecure-skip-tls-verify");
//! assert!(warning.to_string().contains("/home/jane/.kube/config:7:5"));
//! ```

use std::fmt;

use crate::origin::Origin;
use crate::text::{Sanitized, write_sanitized};

/// A problem that does not prevent a result, but that the user should know about. The id is stable; the message is
/// for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    id: &'static str,
    message: Sanitized,
    origin: Option<Origin>,
}

impl Warning {
    /// Creates a warning. The message is [sanitized](crate::text::sanitize).
    pub fn new(id: &'static str, message: impl fmt::Display) -> Self {
        Self {
            id,
            message: Sanitized::line(message),
            origin: None,
        }
    }

    /// Creates a warning with a sentence of the program, which contains no text from outside.
    pub const fn fixed(id: &'static str, message: &'static str) -> Self {
        Self {
            id,
            message: Sanitized::fixed(message),
            origin: None,
        }
    }

    /// Sets the place that the warning is about.
    #[must_use]
    pub fn with_origin(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    /// The stable id, in kebab-case.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The message, without the place.
    pub fn message(&self) -> &str {
        self.message.as_str()
    }

    /// The place that the warning is about.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, message, origin } = self;
        match origin {
            Some(origin) => write_sanitized(f, format_args!("{message} ({origin}) [{id}]")),
            None => write_sanitized(f, format_args!("{message} [{id}]")),
        }
    }
}
