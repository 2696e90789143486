//! A scripted credential source that succeeds or fails as a test requires.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Result};
use crate::source::{CredentialSource, FetchReason, FetchRequest};

/// One action of a [`FaultySource`]: it returns a credential, fails, hangs or panics.
///
/// ```
/// use std::time::Duration;
/// use kubex_core::ErrorKind;
/// use kubex_core::faults::Act;
///
/// let script = [
///     Act::token().lasting(Duration::from_secs(900)),         // a token of 15 minutes
///     Act::fails(ErrorKind::Unavailable),                     // then its issuer is down
///     Act::hangs(),                                           // and then it does not answer
///     Act::token().taking(Duration::from_secs(5)),            // slow, but it works again
///     Act::token().expired_for(Duration::from_secs(60)),      // as with a clock that is wrong
/// ];
/// assert_eq!(script.len(), 5);
/// ```
#[derive(Clone, Debug)]
pub struct Act {
    takes: Duration,
    outcome: Outcome,
    lifetime: Option<Lifetime>,
    revalidate_after: Option<Duration>,
}

/// When a credential expires, relative to the moment it is returned.
#[derive(Clone, Copy, Debug)]
enum Lifetime {
    EndsIn(Duration),
    EndedBefore(Duration),
}

impl Lifetime {
    fn end(self, now: SystemTime) -> Option<SystemTime> {
        match self {
            Self::EndsIn(span) => now.checked_add(span),
            Self::EndedBefore(span) => now.checked_sub(span),
        }
    }
}

#[derive(Clone, Debug)]
enum Outcome {
    /// `token-1` in the first fetch, `token-2` in the second, ...
    NumberedToken,
    Returns(Box<Credential>),
    Fails(ErrorKind),
    Hangs,
    Panics,
}

impl Act {
    fn new(outcome: Outcome) -> Self {
        Self {
            takes: Duration::ZERO,
            outcome,
            lifetime: None,
            revalidate_after: None,
        }
    }

    /// The fetch returns a numbered token: `token-1` in the first fetch of the source, `token-2` in the second, and so on.
    pub fn token() -> Self {
        Self::new(Outcome::NumberedToken)
    }

    /// The fetch returns this credential.
    pub fn returns(credential: Credential) -> Self {
        Self::new(Outcome::Returns(Box::new(credential)))
    }

    /// The fetch fails with an error of this kind.
    pub fn fails(kind: ErrorKind) -> Self {
        Self::new(Outcome::Fails(kind))
    }

    /// The fetch never completes. Only the deadline ends it.
    pub fn hangs() -> Self {
        Self::new(Outcome::Hangs)
    }

    /// The fetch panics.
    pub fn panics() -> Self {
        Self::new(Outcome::Panics)
    }

    /// Sets the lifetime of the credential: it expires this long after the fetch, by the host's wall clock.
    #[must_use]
    pub fn lasting(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(Lifetime::EndsIn(lifetime));
        self
    }

    /// Makes the credential one that expired this long before the fetch.
    #[must_use]
    pub fn expired_for(mut self, span: Duration) -> Self {
        self.lifetime = Some(Lifetime::EndedBefore(span));
        self
    }

    /// Sets the age at which the credential is fetched again, see [`Credential::with_revalidate_after`].
    #[must_use]
    pub fn with_revalidate_after(mut self, age: Duration) -> Self {
        self.revalidate_after = Some(age);
        self
    }

    /// Sets how long the fetch takes, by the host's clock.
    #[must_use]
    pub fn taking(mut self, span: Duration) -> Self {
        self.takes = span;
        self
    }
}

/// A credential source for tests. Each fetch performs the next [`Act`] of a list. After the end of the list, each fetch
/// repeats the last act.
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
    /// Creates a source that performs these acts in order. Without acts, each fetch returns a numbered token. The time limit of
    /// a fetch is 30 s.
    pub fn playing(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Self::playing_within(Duration::from_secs(30), acts)
    }

    /// Like [`playing`](Self::playing), with this time limit of a fetch.
    pub fn playing_within(deadline: Duration, acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self {
            acts: Mutex::new(acts.into_iter().collect()),
            reasons: Mutex::default(),
            deadline,
        })
    }

    /// Replaces the acts that have not been performed yet.
    ///
    /// ```
    /// use kubex_core::ErrorKind;
    /// use kubex_core::faults::{Act, FaultySource};
    ///
    /// let source = FaultySource::playing([Act::token()]);
    /// // From now on, the issuer is down.
    /// source.play([Act::fails(ErrorKind::Unavailable)]);
    /// ```
    pub fn play(&self, acts: impl IntoIterator<Item = Act>) {
        *held(&self.acts) = acts.into_iter().collect();
    }

    /// Returns the number of fetches so far.
    pub fn runs(&self) -> usize {
        held(&self.reasons).len()
    }

    /// Returns why each fetch was started, in order.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use kubex_core::faults::{Act, FaultySource};
    /// use kubex_core::{Cluster, Credentials, FetchReason, Host, ServerUrl};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> kubex_core::Result<()> {
    /// let source = FaultySource::playing([Act::token()]);
    /// let cluster = Arc::new(Cluster::new(ServerUrl::parse("https://10.0.0.1")?));
    /// let credentials = Credentials::live(source.clone(), cluster, Host::real());
    /// credentials.current().await?;
    /// assert_eq!(source.reasons(), [FetchReason::First]);
    /// # Ok(())
    /// # }
    /// ```
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
            reasons.push(request.reason);
            reasons.len()
        };
        let act = self.next();
        if !act.takes.is_zero() {
            request.host.clock().sleep(act.takes).await;
        }
        let mut credential = match act.outcome {
            Outcome::NumberedToken => Credential::bearer(format!("token-{run}").into())?,
            Outcome::Returns(credential) => *credential,
            Outcome::Fails(kind) => return Err(Error::new(kind, "the source fails on purpose")),
            Outcome::Hangs => std::future::pending().await,
            Outcome::Panics => panic!("the source panics on purpose"),
        };
        if let Some(lifetime) = act.lifetime {
            credential = credential.with_expiry(lifetime.end(request.host.now().wall));
        }
        if let Some(span) = act.revalidate_after {
            credential = credential.with_revalidate_after(span);
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
