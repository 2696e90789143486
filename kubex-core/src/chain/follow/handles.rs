//! The live handles of a followed configuration. They ask the follower, and pass on what the handles of its newest answer
//! return.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::follower::Follower;
use super::line::{Last, Line};
use super::{LOOK_DEADLINE, REVALIDATE_AFTER};
use crate::cluster::{CaBundle, Trust};
use crate::credential::{Credential, Generation};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, PluginVerdict};
use crate::source::{CredentialSource, FetchReason, FetchRequest};
use crate::trust::TrustSource;

impl Follower {
    /// Checks for changes if that is due, and returns the newest configuration of a line.
    async fn newest(self: &Arc<Self>, line: &Line, at_once: bool) -> Last {
        if let Some(last) = line.last() {
            return last.clone();
        }
        let mut state = self.state.lock().await;
        let at_once = line.take_due() || at_once;
        self.look(&mut state, at_once).await;
        // The look may have ended the line.
        line.last().cloned().unwrap_or_else(|| Last {
            configuration: state.configuration.clone(),
            epoch: state.epoch,
        })
    }
}

/// The credentials of the source that is followed.
#[derive(Debug)]
pub(super) struct FollowedCredentials {
    follower: Arc<Follower>,
    line: Arc<Line>,
    description: String,
    only_reads_files: bool,
    deadline: Duration,
    /// The credential that was returned last: the epoch of the answer that it belongs to, and its generation there.
    served: Mutex<(u64, Generation)>,
    /// Whether the source's own handle reports the fetches.
    relays: Arc<AtomicBool>,
}

impl FollowedCredentials {
    pub(super) fn new(
        follower: Arc<Follower>,
        line: Arc<Line>,
        first: &Credentials,
        relays: Arc<AtomicBool>,
    ) -> Self {
        Self {
            follower,
            line,
            description: first.describe(),
            only_reads_files: first.only_reads_files(),
            deadline: first.deadline().saturating_add(LOOK_DEADLINE),
            served: Mutex::default(),
            relays,
        }
    }

    fn served(&self) -> MutexGuard<'_, (u64, Generation)> {
        // Only ever assigned whole, so a poisoned lock is safe to use.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CredentialSource for FollowedCredentials {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let is_rejected = request.reason == FetchReason::Rejected;
        let Last { configuration, epoch } = self.follower.newest(&self.line, is_rejected).await;
        let credentials = configuration.credentials();
        self.relays.store(!credentials.is_fixed(), Ordering::Relaxed);
        // If the source has returned a newer credential already, that one was not rejected.
        if is_rejected
            && let Some(held) = credentials.peek()
            && *self.served() == (epoch, held.generation())
        {
            // It counts as accepted, because the limits of rejections have been applied by the caller.
            credentials.accept(held.generation());
            credentials.invalidate_relayed(held.generation());
        }
        let credential = credentials.current().await?;
        *self.served() = (epoch, credential.generation());
        let age = credential.revalidate_after().unwrap_or(REVALIDATE_AFTER);
        Ok(Credential::clone(&credential).with_revalidate_after(age.min(REVALIDATE_AFTER)))
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn only_reads_files(&self) -> bool {
        self.only_reads_files
    }

    async fn plugin_verdict(&self, _: &Host) -> Option<PluginVerdict> {
        let configuration = match self.line.last() {
            Some(last) => last.configuration.clone(),
            None => self.follower.state.lock().await.configuration.clone(),
        };
        configuration.credentials().plugin_verdict().await
    }
}

/// The certificate authorities of the source that is followed.
#[derive(Debug)]
pub(super) struct FollowedTrust {
    follower: Arc<Follower>,
    line: Arc<Line>,
}

impl FollowedTrust {
    pub(super) fn new(follower: Arc<Follower>, line: Arc<Line>) -> Self {
        Self { follower, line }
    }
}

#[async_trait]
impl TrustSource for FollowedTrust {
    async fn fetch(&self, host: &Host) -> Result<CaBundle> {
        self.fetch_because(FetchReason::Expiring, host).await
    }

    async fn fetch_because(&self, reason: FetchReason, _: &Host) -> Result<CaBundle> {
        let is_rejected = reason == FetchReason::Rejected;
        let newest = self.follower.newest(&self.line, is_rejected).await;
        let trust = newest.configuration.trust();
        if is_rejected {
            // A CA file may have been replaced although its path is the same.
            trust.invalidate_relayed(trust.try_current().generation());
        }
        let current = trust.current().await;
        match current.trust() {
            Trust::CaBundle(bundle) => Ok(bundle.clone()),
            // Trust of another kind is not adopted.
            _ => Err(Error::new(
                ErrorKind::InvalidPem,
                "there is no CA bundle to follow",
            )),
        }
    }

    fn describe(&self) -> String {
        "the certificate authority of the followed source".to_owned()
    }

    fn deadline(&self) -> Duration {
        LOOK_DEADLINE * 2
    }

    fn only_reads_files(&self) -> bool {
        true
    }
}
