//! The future of a request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use kubex_core::{Credential, Error, Generation, Result};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::super::authorizer::{RequestAuthorizer, Rules};
#[cfg(feature = "hyper")]
use super::credential::RequestCredential;
use super::error::BoxError;

/// Waits for a credential.
type Ask = Pin<Box<dyn Future<Output = Result<Arc<Credential>>> + Send>>;

/// The data for a second attempt. It is boxed, as most futures do not contain it and all of them are moved.
pub(super) struct Attempt<S, B> {
    pub(super) inner: S,
    pub(super) authorizer: RequestAuthorizer,
    /// A copy of the original request, if it can be sent twice.
    pub(super) again: Option<Request<B>>,
}

pin_project! {
    /// The future of a response. It waits for the credential, then for the response.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F, A> {
        /// The request is not sent.
        Refused { error: Option<Error> },
        /// Waits for a response that is returned as it is.
        PassedOn { #[pin] future: F },
        /// The request is sent once; a 401 invalidates the credential.
        Once { #[pin] future: F, authorizer: RequestAuthorizer, sent: Generation },
        /// Waits for the credential of the first attempt.
        Asking { ask: Ask, attempt: Option<Box<Attempt<S, B>>>, request: Option<Box<Request<B>>> },
        /// Waits for the response to the first attempt.
        Sending { #[pin] future: F, attempt: Option<Box<Attempt<S, B>>>, sent: Generation },
        /// Waits for a newer credential. If there is none, the 401 is returned.
        Renewing { ask: Ask, attempt: Option<Box<Attempt<S, B>>>, answer: Option<Box<A>>, sent: Generation },
        /// Waits until the service is ready for the second attempt.
        Readying { attempt: Option<Box<Attempt<S, B>>>, credential: Arc<Credential> },
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn refused(error: Error) -> Self {
        Self {
            state: State::Refused { error: Some(error) },
        }
    }

    pub(super) fn passed_on(future: S::Future) -> Self {
        Self {
            state: State::PassedOn { future },
        }
    }

    pub(super) fn once(future: S::Future, authorizer: RequestAuthorizer, sent: Generation) -> Self {
        Self {
            state: State::Once {
                future,
                authorizer,
                sent,
            },
        }
    }

    pub(super) fn sending(
        mut attempt: Box<Attempt<S, B>>,
        mut request: Request<B>,
        credential: &Arc<Credential>,
    ) -> Self {
        if let Err(error) = authorize(&attempt.authorizer, credential, &mut request) {
            return Self::refused(error);
        }
        Self {
            state: State::Sending {
                future: attempt.inner.call(request),
                attempt: Some(attempt),
                sent: credential.generation(),
            },
        }
    }

    pub(super) fn asking(attempt: Box<Attempt<S, B>>, request: Request<B>) -> Self {
        Self {
            state: State::Asking {
                ask: ask(&attempt.authorizer),
                attempt: Some(attempt),
                request: Some(Box::new(request)),
            },
        }
    }
}

/// Adds a credential to a request, as a header and as an extension for Kubex's own connections.
pub(super) fn authorize<B>(
    authorizer: &Rules,
    credential: &Arc<Credential>,
    request: &mut Request<B>,
) -> Result<(), Error> {
    authorizer.authorize(credential, request.headers_mut())?;
    #[cfg(feature = "hyper")]
    request
        .extensions_mut()
        .insert(RequestCredential(Arc::clone(credential)));
    Ok(())
}

fn ask(authorizer: &Rules) -> Ask {
    let credentials = authorizer.configuration().credentials().clone();
    Box::pin(async move { credentials.current().await })
}

impl<S, B, A> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<A>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Refused { error } => match error.take() {
                    Some(error) => return Poll::Ready(Err(error.into())),
                    None => return Poll::Pending,
                },
                StateProjection::PassedOn { future } => return future.poll(context).map_err(Into::into),
                StateProjection::Once {
                    future,
                    authorizer,
                    sent,
                } => {
                    let answer = ready!(future.poll(context)).map_err(Into::into)?;
                    authorizer.judge(*sent, answer.status());
                    return Poll::Ready(Ok(answer));
                }
                StateProjection::Asking {
                    ask,
                    attempt,
                    request,
                } => {
                    let credential = ready!(ask.as_mut().poll(context))?;
                    let (Some(attempt), Some(request)) = (attempt.take(), request.take()) else {
                        return Poll::Pending;
                    };
                    ResponseFuture::sending(attempt, *request, &credential).state
                }
                StateProjection::Sending {
                    future,
                    attempt,
                    sent,
                } => {
                    let answer = ready!(future.poll(context)).map_err(Into::into)?;
                    let Some(attempt) = attempt.take() else {
                        return Poll::Ready(Ok(answer));
                    };
                    if !attempt.authorizer.judge(*sent, answer.status()) || attempt.again.is_none() {
                        return Poll::Ready(Ok(answer));
                    }
                    State::Renewing {
                        ask: ask(&attempt.authorizer),
                        attempt: Some(attempt),
                        answer: Some(Box::new(answer)),
                        sent: *sent,
                    }
                }
                StateProjection::Renewing {
                    ask,
                    attempt,
                    answer,
                    sent,
                } => {
                    let renewed = ready!(ask.as_mut().poll(context));
                    match (renewed, answer.take()) {
                        (Ok(credential), _) if credential.generation() != *sent => State::Readying {
                            attempt: attempt.take(),
                            credential,
                        },
                        (_, Some(answer)) => return Poll::Ready(Ok(*answer)),
                        (_, None) => return Poll::Pending,
                    }
                }
                StateProjection::Readying { attempt, credential } => {
                    if let Some(attempt) = attempt {
                        ready!(attempt.inner.poll_ready(context)).map_err(Into::into)?;
                    }
                    let Some((mut attempt, mut request)) = attempt.take().and_then(|mut attempt| {
                        let request = attempt.again.take()?;
                        Some((attempt, request))
                    }) else {
                        return Poll::Pending;
                    };
                    authorize(&attempt.authorizer, credential, &mut request)?;
                    let future = attempt.inner.call(request);
                    State::Once {
                        future,
                        authorizer: attempt.authorizer,
                        sent: credential.generation(),
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
