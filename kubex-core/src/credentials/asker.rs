//! The configuration that asks for a credential which another one fetches.

use std::sync::OnceLock;

use crate::error::Error;
use crate::origin::Origin;
use crate::text::sanitize_line;

/// Who asks: the errors of a shared credential name the source and the file of each asker. The file of the configuration
/// that started the fetch may belong to another tenant of the program.
#[derive(Debug)]
pub(super) struct Asker {
    origin: Option<Origin>,
    name: OnceLock<String>,
}

impl Asker {
    pub(super) fn new(origin: Option<&Origin>) -> Self {
        Self {
            origin: origin.cloned(),
            name: OnceLock::new(),
        }
    }

    /// Sets the name of the chain's source. Only the first call has an effect.
    pub(super) fn set_name(&self, name: &str) {
        self.name.get_or_init(|| sanitize_line(name).into_owned());
    }

    /// The error of the shared fetch, as one of this asker.
    pub(super) fn sign(&self, error: Error) -> Error {
        error.signed(self.name.get().map(String::as_str), self.origin.as_ref())
    }
}
