//! What a client sends with, for the newest of the configurations that replace each other.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;
use kubex_core::{ClientConfiguration, Error, Result};

/// A value that is built from a configuration, and built again for its [successor](ClientConfiguration::successor). Clones
/// share it.
///
/// Each request uses what is made of one configuration, so server, credential and trust always belong together.
pub(crate) struct Newest<T>(Arc<Shared<T>>);

struct Shared<T> {
    current: ArcSwap<Made<T>>,
    maker: Box<Maker<T>>,
}

type Maker<T> = dyn Fn(&ClientConfiguration) -> Result<T> + Send + Sync;

/// What is made of a configuration.
pub(crate) struct Made<T> {
    configuration: ClientConfiguration,
    made: T,
}

impl<T: Clone> Newest<T> {
    pub(crate) fn new(
        configuration: &ClientConfiguration,
        maker: impl Fn(&ClientConfiguration) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        let first = Made {
            made: maker(configuration)?,
            configuration: configuration.clone(),
        };
        Ok(Self(Arc::new(Shared {
            current: ArcSwap::from_pointee(first),
            maker: Box::new(maker),
        })))
    }

    /// What is made of the configuration that was last used.
    #[cfg(feature = "reqwest")]
    pub(crate) fn last(&self) -> Arc<Made<T>> {
        self.0.current.load_full()
    }

    /// What is made of the newest configuration. One that cannot be used leaves everything as it was.
    pub(crate) fn get(&self) -> Arc<Made<T>> {
        let current = self.0.current.load();
        let Some(configuration) = current.configuration.successor() else {
            return Arc::clone(&current);
        };
        let made = (self.0.maker)(&configuration).unwrap_or_else(|error: Error| {
            tracing::warn!(
                target: "kubex::follow",
                outcome = "unusable",
                %error,
                "the new configuration cannot be used; the old one stays in use"
            );
            current.made.clone()
        });
        // Another request may do the same at the same time. What it stores has no older configuration, or is made anew.
        let newest = Arc::new(Made { configuration, made });
        self.0.current.store(Arc::clone(&newest));
        newest
    }
}

impl<T> Made<T> {
    /// Whether there is a newer one.
    #[cfg(feature = "hyper")]
    pub(crate) fn is_replaced(&self) -> bool {
        self.configuration.has_successor()
    }
}

impl<T> Deref for Made<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.made
    }
}

impl<T> Clone for Newest<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Newest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Newest")
            .field(&self.0.current.load().configuration)
            .finish()
    }
}
