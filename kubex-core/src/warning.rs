//! Warnings: problems that do not prevent a result.

use std::borrow::Cow;
use std::fmt;

use crate::origin::Origin;
use crate::text::clean_line;

/// A problem that does not prevent a result, but that the user should know about. The id is stable; the message is
/// for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    id: &'static str,
    message: String,
    origin: Option<Origin>,
}

impl Warning {
    /// Creates a warning. The message is cleaned; it must not contain a secret.
    pub fn new(id: &'static str, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        let cleaned = match clean_line(&message) {
            Cow::Borrowed(_) => None,
            Cow::Owned(cleaned) => Some(cleaned),
        };
        Self {
            id,
            message: cleaned.unwrap_or(message),
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
        &self.message
    }

    /// The place that the warning is about.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.origin {
            Some(origin) => write!(f, " ({origin}) [{}]", self.id),
            None => write!(f, " [{}]", self.id),
        }
    }
}
