//! The layer, which wraps a service.

use std::fmt;

use kubex_core::ClientConfiguration;
use tower_layer::Layer;

use super::super::authorizer::Authorizer;
use super::replay::{Clones, Never};
use super::service::Auth;

/// Adds the current credential of a configuration to each request. See the [module](super).
#[derive(Clone)]
pub struct AuthLayer<R = Never> {
    authorizer: Authorizer,
    replay: R,
}

impl AuthLayer {
    /// Creates a layer for this configuration. To let it retry a request after a 401, call
    /// [`replaying`](Self::replaying) or [`replaying_clones`](Self::replaying_clones).
    pub fn new(configuration: &ClientConfiguration) -> Self {
        Self {
            authorizer: Authorizer::new(configuration),
            replay: Never,
        }
    }
}

impl<R> AuthLayer<R> {
    /// Retries a request once after a 401, with the copy of its body that `replay` returns. If `replay` returns
    /// `None`, the request is not retried.
    pub fn replaying<T>(self, replay: T) -> AuthLayer<T> {
        AuthLayer {
            authorizer: self.authorizer,
            replay,
        }
    }

    /// Retries a request once after a 401, with a clone of its body.
    pub fn replaying_clones(self) -> AuthLayer<Clones> {
        self.replaying(Clones)
    }
}

impl<S, R: Clone> Layer<S> for AuthLayer<R> {
    type Service = Auth<S, R>;

    fn layer(&self, inner: S) -> Auth<S, R> {
        Auth::new(inner, self.authorizer.clone(), self.replay.clone())
    }
}

impl<R> fmt::Debug for AuthLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("configuration", self.authorizer.configuration())
            .finish_non_exhaustive()
    }
}
