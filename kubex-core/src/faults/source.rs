//! A credential source that does as it is told, right or wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{CredentialSource, FetchReason, FetchRequest};

/// What a [`FaultySource`] does when it is asked once.
#[derive(Clone, Debug)]
pub struct Act {
    takes: Duration,
    outcome: Outcome,
    lifetime: Option<SignedDuration>,
    revalidate_after: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Outcome {
    /// `token-1` on the first run, `token-2` on the second, ...
    NumberedToken,
    Gives(Box<Credential>),
    Fails(ErrorKind),
    Hangs,
    Panics,
}

impl Act {
    fn of(outcome: Outcome) -> Self {
        Self {
            takes: Duration::ZERO,
            outcome,
            lifetime: None,
            revalidate_after: None,
        }
    }

    /// Gives a token that says which run it is of: `token-1`, `token-2`, ...
    pub fn token() -> Self {
        Self::of(Outcome::NumberedToken)
    }

    /// Gives this credential.
    pub fn gives(credential: Credential) -> Self {
        Self::of(Outcome::Gives(Box::new(credential)))
    }

    /// Fails with an error of this kind.
    pub fn fails(kind: ErrorKind) -> Self {
        Self::of(Outcome::Fails(kind))
    }

    /// Never ends by itself.
    pub fn hangs() -> Self {
        Self::of(Outcome::Hangs)
    }

    /// Panics.
    pub fn panics() -> Self {
        Self::of(Outcome::Panics)
    }

    /// What it gives expires this much after it was given, by the host's wall clock; a span of the past gives
    /// something that has expired when it comes.
    #[must_use]
    pub fn lasting(mut self, lifetime: SignedDuration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// What it gives is to be looked at again after this span.
    #[must_use]
    pub fn looked_at_again_after(mut self, span: Duration) -> Self {
        self.revalidate_after = Some(span);
        self
    }

    /// It takes this long, by the host's clock.
    #[must_use]
    pub fn taking(mut self, span: Duration) -> Self {
        self.takes = span;
        self
    }
}

/// A credential source that plays [`Act`]s: each once, the last one over and over.
///
/// ```
/// use kubex_core::faults::{Act, FaultySource};
/// use kubex_core::ErrorKind;
///
/// let source = FaultySource::playing([Act::token(), Act::fails(ErrorKind::Unavailable)]);
/// assert_eq!(source.runs(), 0);
/// ```
#[derive(Debug)]
pub struct FaultySource {
    acts: Mutex<VecDeque<Act>>,
    reasons: Mutex<Vec<FetchReason>>,
    deadline: Duration,
}

impl FaultySource {
    /// A source that plays these; without any, it gives a token at each run. Its deadline is 30 s.
    pub fn playing(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Self::playing_within(Duration::from_secs(30), acts)
    }

    /// The same with another deadline.
    pub fn playing_within(deadline: Duration, acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self {
            acts: Mutex::new(acts.into_iter().collect()),
            reasons: Mutex::default(),
            deadline,
        })
    }

    /// Plays these from the next run on, whatever was to come.
    pub fn play(&self, acts: impl IntoIterator<Item = Act>) {
        *held(&self.acts) = acts.into_iter().collect();
    }

    /// How often it was asked.
    pub fn runs(&self) -> usize {
        held(&self.reasons).len()
    }

    /// Why it was asked, each time.
    pub fn reasons(&self) -> Vec<FetchReason> {
        held(&self.reasons).clone()
    }

    fn next(&self) -> Act {
        let mut acts = held(&self.acts);
        if acts.len() > 1 {
            acts.pop_front().unwrap_or_else(Act::token)
        } else {
            acts.front().cloned().unwrap_or_else(Act::token)
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl CredentialSource for FaultySource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let run = {
            let mut reasons = held(&self.reasons);
            reasons.push(request.why);
            reasons.len()
        };
        let act = self.next();
        if !act.takes.is_zero() {
            request.host.clock().sleep(act.takes).await;
        }
        let mut credential = match act.outcome {
            Outcome::NumberedToken => Credential::bearer(format!("token-{run}").into())?,
            Outcome::Gives(credential) => *credential,
            Outcome::Fails(kind) => return Err(Error::new(kind, "the source fails on purpose")),
            Outcome::Hangs => std::future::pending().await,
            Outcome::Panics => panic!("the source panics on purpose"),
        };
        if let Some(lifetime) = act.lifetime {
            let expires_at =
                request.host.now().wall.checked_add(lifetime).map_err(|_| {
                    Error::new(ErrorKind::InvalidValue, "the lifetime ends beyond the calendar")
                })?;
            credential = credential.expiring_at(Some(expires_at));
        }
        if let Some(span) = act.revalidate_after {
            credential = credential.looked_at_again_after(span);
        }
        Ok(credential)
    }

    fn describe(&self) -> String {
        "a faulty source".to_owned()
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }
}
