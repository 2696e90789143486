//! A member of a fleet: one cluster, with its configuration or the reason why it has none.

use std::fmt;
use std::sync::Arc;

use kubex_core::chain::follow::Followed;
use kubex_core::text::sanitize_line;
use kubex_core::{ClientConfiguration, Error, Origin};

/// A cluster of a fleet, in the state that it had when this value was returned. Cloning it is cheap.
#[derive(Clone)]
pub struct Member(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    origin: Origin,
    followed: Result<Followed, Error>,
}

impl Member {
    pub(crate) fn new(name: Arc<str>, origin: Origin, followed: Result<Followed, Error>) -> Self {
        Self(Arc::new(Inner {
            name,
            origin,
            followed,
        }))
    }

    /// Returns the name of the member. It begins with the name of the input, and never changes.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    /// Returns the place where the member is defined, such as a file and a line.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Returns the configuration of the member. It stays current, because it [follows](kubex_core::chain::follow) the
    /// member's definition. If the member gets another server or identity, a new `Member` with a new configuration
    /// replaces this one.
    ///
    /// # Errors
    /// Returns the reason why the member is broken. The fleet tries again every minute, and reports the member as
    /// [changed](crate::Change::Changed) when it is no longer broken.
    pub fn configuration(&self) -> Result<&ClientConfiguration, &Error> {
        self.0.followed.as_ref().map(Followed::configuration)
    }

    pub(crate) fn followed(&self) -> Result<&Followed, &Error> {
        self.0.followed.as_ref()
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Member");
        shown.field("name", &sanitize_line(self.name()));
        match self.configuration() {
            Ok(configuration) => shown.field("configuration", configuration),
            Err(error) => shown.field("error", error),
        };
        shown.finish_non_exhaustive()
    }
}
