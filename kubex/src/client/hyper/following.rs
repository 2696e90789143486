//! A client that switches to the successor of its configuration.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use kubex_core::{ClientConfiguration, Result};
use tower_service::Service;

use super::super::newest::{Made, Newest};

/// A client service that follows its configuration. If a [successor](ClientConfiguration::successor) replaces the
/// configuration, for example because the server changed, the service opens new connections for the successor. Clones share
/// their connections.
pub struct Following<S> {
    newest: Newest<S>,
    made: Arc<Made<S>>,
    /// This clone's own, so that a request touches nothing that other threads write.
    service: S,
}

impl<S: Clone> Following<S> {
    pub(crate) fn new(
        configuration: &ClientConfiguration,
        maker: impl Fn(&ClientConfiguration) -> Result<S> + Send + Sync + 'static,
    ) -> Result<Self> {
        let newest = Newest::new(configuration, maker)?;
        let made = newest.get();
        Ok(Self {
            service: S::clone(&made),
            made,
            newest,
        })
    }
}

impl<S: Clone> Following<S> {
    fn go_on(&mut self) {
        if self.made.is_replaced() {
            self.made = self.newest.get();
            self.service = S::clone(&self.made);
        }
    }
}

impl<S, B> Service<Request<B>> for Following<S>
where
    S: Service<Request<B>> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), S::Error>> {
        self.go_on();
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        // A caller may have waited since it was ready, and `Connections` are always ready.
        self.go_on();
        self.service.call(request)
    }
}

impl<S: Clone> Clone for Following<S> {
    fn clone(&self) -> Self {
        Self {
            newest: self.newest.clone(),
            made: Arc::clone(&self.made),
            service: self.service.clone(),
        }
    }
}

impl<S> fmt::Debug for Following<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Following").field(&self.newest).finish()
    }
}
