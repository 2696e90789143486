//! The configuration that requests a value, which may be fetched for another configuration.

use std::sync::OnceLock;

use crate::error::Error;
use crate::origin::Origin;
use crate::text::sanitize_line;

/// The configuration that requests a value. An error of a shared credential names the source and the file of the asker that
/// receives it, because the file of another asker may belong to another tenant. The event of a fetch names those of the asker
/// that started the fetch.
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

    /// The error of the shared fetch, with the name and the origin of this asker.
    pub(crate) fn sign(&self, error: Error) -> Error {
        error.signed(self.name.get().map(|name| &**name), self.origin.as_deref())
    }
}
