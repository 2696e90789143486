//! Warnings: problems that do not prevent a result.
//!
//! A warning has a stable id and a message. A program can act on the id, for example to ignore the warning. The message
//! is for people. The file `docs/warnings.md` of the repository lists the ids and explains what to do.
//!
//! ```
//! use kubex_core::{Origin, Warning};
//!
//! let origin = Origin::file("/home/jane/.kube/config").position(7, 5);
//! let warning = Warning::new("insecure-skip-tls-verify", "the server's certificate is not verified").with_origin(&origin);
//! assert_eq!(warning.id(), "insecure-skip-tls-verify");
//! assert!(warning.to_string().contains("/home/jane/.kube/config:7:5"));
//! ```

use std::fmt;

use crate::origin::Origin;
use crate::text::{Sanitized, write_sanitized};

/// A problem that does not prevent a result, but that the user should know about. Its id is stable; its message is for
/// people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    id: &'static str,
    message: Sanitized,
    origin: Option<Origin>,
}

impl Warning {
    /// Creates a warning. The message is [sanitized](crate::text::sanitize).
    ///
    /// ```
    /// use kubex_core::Warning;
    ///
    /// let warning = Warning::new("old-agent", "the agent is older than the cluster");
    /// assert_eq!(warning.id(), "old-agent");
    /// assert_eq!(warning.message(), "the agent is older than the cluster");
    /// ```
    pub fn new(id: &'static str, message: impl fmt::Display) -> Self {
        Self {
            id,
            message: Sanitized::line(message),
            origin: None,
        }
    }

    /// Creates a warning whose message is a constant in the code. The message is not sanitized.
    pub const fn fixed(id: &'static str, message: &'static str) -> Self {
        Self {
            id,
            message: Sanitized::fixed(message),
            origin: None,
        }
    }

    /// Sets the origin: the file, line and key that the warning is about.
    #[must_use]
    pub fn with_origin(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    /// Returns the stable id, in kebab case.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// Returns the message, without the origin.
    pub fn message(&self) -> &str {
        self.message.as_str()
    }

    /// Returns the origin that the warning is about; `None` if none is set.
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
