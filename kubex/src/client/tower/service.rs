//! The service that `AuthLayer` creates.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::super::authorizer::Authorizer;
use super::error::BoxError;
use super::future::{Attempt, ResponseFuture, authorize};
use super::replay::{Replay, copy};

/// A service that adds the current credential to each request.
#[derive(Clone)]
pub struct Auth<S, R> {
    inner: S,
    authorizer: Authorizer,
    replay: R,
}

impl<S, R> Auth<S, R> {
    pub(super) fn new(inner: S, authorizer: Authorizer, replay: R) -> Self {
        Self {
            inner,
            authorizer,
            replay,
        }
    }

    /// Returns the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S, R, B, A> Service<Request<B>> for Auth<S, R>
where
    S: Service<Request<B>, Response = Response<A>> + Clone,
    S::Error: Into<BoxError>,
    R: Replay<B>,
{
    type Response = Response<A>;
    type Error = BoxError;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !self.authorizer.is_for(request.uri()) {
            return ResponseFuture::passed_on(self.inner.call(request));
        }
        if let Err(error) = self.authorizer.check_path(request.uri()) {
            return ResponseFuture::refused(error);
        }
        if Authorizer::has_own_credential(request.headers()) {
            return match self.authorizer.impersonate(request.headers_mut()) {
                Ok(()) => ResponseFuture::passed_on(self.inner.call(request)),
                Err(error) => ResponseFuture::refused(error),
            };
        }
        let credentials = self.authorizer.configuration().credentials();
        // A second attempt makes sense only if the credential can change.
        let again = if credentials.is_fixed() {
            None
        } else {
            copy(&request, &self.replay)
        };
        if again.is_none() {
            let sent = credentials.with_fresh(|credential| {
                authorize(&self.authorizer, credential, &mut request).map(|()| credential.generation())
            });
            match sent {
                Some(Ok(sent)) => {
                    let future = self.inner.call(request);
                    return ResponseFuture::once(future, self.authorizer.for_request(), sent);
                }
                Some(Err(error)) => return ResponseFuture::refused(error),
                None => {}
            }
        }
        let ready = credentials.with_fresh(Arc::clone);
        // The service that is ready is used here, and the clone replaces it.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let attempt = Box::new(Attempt {
            inner,
            authorizer: self.authorizer.for_request(),
            again,
        });
        match ready {
            Some(credential) => ResponseFuture::sending(attempt, request, &credential),
            None => ResponseFuture::asking(attempt, request),
        }
    }
}

impl<S: fmt::Debug, R> fmt::Debug for Auth<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("inner", &self.inner)
            .field("configuration", self.authorizer.configuration())
            .finish_non_exhaustive()
    }
}
