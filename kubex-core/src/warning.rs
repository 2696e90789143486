//! What works and should be known all the same.

use std::borrow::Cow;
use std::fmt;

use crate::origin::Origin;
use crate::text::clean_line;

/// Something that works and that its user should know. The id is stable; the text is for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    id: &'static str,
    message: String,
    origin: Option<Origin>,
}

impl Warning {
    /// A warning. The text is cleaned and must hold no secret.
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

    /// Where it is about.
    #[must_use]
    pub fn with_origin(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    /// Its stable name, in kebab-case.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What its user should know, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is about.
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
