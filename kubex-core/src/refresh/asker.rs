//! The configuration that asks for a value which another one may fetch.

use std::sync::OnceLock;

use crate::error::Error;
use crate::origin::Origin;
use crate::text::sanitize_line;

/// Who asks: the errors of a shared credential name the source and the file of each asker, and the event of a fetch those of
/// the asker that started it. The file of the configuration that came first may belong to another tenant of the program.
#[derive(Debug)]
pub(crate) struct Asker {
    origin: Option<Box<Origin>>,
    name: OnceLock<Box<str>>,
}

impl Asker {
    pub(crate) fn new(origin: Option<&Origin>) -> Self {
        Self {
            origin: origin.cloned().map(Box::new),
            name: OnceLock::new(),
        }
    }

    /// Sets the name of the chain's source. Only the first call has an effect.
    pub(crate) fn set_name(&self, name: &str) {
        self.name.get_or_init(|| sanitize_line(name).into());
    }

    /// The name of the chain's source; empty until it is known.
    pub(super) fn name(&self) -> &str {
        self.name.get().map_or("", |name| name)
    }

    /// The error of the shared fetch, as one of this asker.
    pub(crate) fn sign(&self, error: Error) -> Error {
        error.signed(self.name.get().map(|name| &**name), self.origin.as_deref())
    }
}
