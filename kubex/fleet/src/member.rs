//! A member of a fleet: one cluster, with its configuration or the reason why it has none.

use std::fmt;
use std::sync::Arc;

use kubex_core::chain::follow::Followed;
use kubex_core::text::sanitize_line;
use kubex_core::{ClientConfiguration, Error, Origin};

/// One cluster of a fleet at one moment. It is cheap to clone.
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

    /// Returns the name, which begins with that of the input. It never changes.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    /// Returns where the member is defined.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Returns the configuration, which is [followed](kubex_core::chain::follow): it stays current as long as the member does
    /// not change into another cluster or another identity.
    ///
    /// # Errors
    /// Returns the problem of a broken member. The fleet looks again every minute, and reports it as
    /// [changed](crate::Change::Changed) when it is whole.
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
