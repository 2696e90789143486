//! A client that goes on with the successor of its configuration.

use std::fmt;
use std::task::{Context, Poll};

use http::Request;
use kubex_core::{ClientConfiguration, Result};
use tower_service::Service;

use super::super::newest::Newest;

/// A service that is made anew when its configuration is [replaced](ClientConfiguration::successor) by another one, such as one
/// with another server. Clones share their connections.
pub struct Following<S>(Newest<S>);

impl<S: Clone> Following<S> {
    /// The service must be ready whenever it is asked, as [`Connections`](super::Connections) are.
    pub(crate) fn new(
        configuration: &ClientConfiguration,
        make: impl Fn(&ClientConfiguration) -> Result<S> + Send + Sync + 'static,
    ) -> Result<Self> {
        Newest::new(configuration, make).map(Self)
    }
}

impl<S, B> Service<Request<B>> for Following<S>
where
    S: Service<Request<B>> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.0.get().call(request)
    }
}

impl<S> Clone for Following<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for Following<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Following").field(&self.0).finish()
    }
}
