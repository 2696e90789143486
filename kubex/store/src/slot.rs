//! The slot of one identity: reads its credential, waits for another process, or gets the right to fetch.

use std::time::{Duration, SystemTime};

use kubex_core::{Error, ErrorKind, FetchReason, SecretString};

use crate::client::Client;
use crate::entry::{Freshness, StoredCredential};
use crate::flight::Flight;
use crate::lock::{Pauses, try_lock};
use crate::moment::Moment;
use crate::name::Name;
use crate::outcome::{BackOff, Outcome};
use crate::served;
use crate::store::Store;
use crate::unshared::Unshared;

pub(crate) const CREDENTIAL: &str = "credential";
pub(crate) const LOCK: &str = "lock";
pub(crate) const OUTCOME: &str = "outcome";
/// What a source needs for its next fetch, such as a refresh token.
pub(crate) const SECRET: &str = "secret";

/// The conditions of a request for a credential: which client asks, which credential was rejected, and how long to
/// wait.
#[derive(Clone, Debug, Default)]
pub struct Access {
    client: Option<Client>,
    rejected: Option<u64>,
    wait: Duration,
}

impl Access {
    /// Creates the conditions of a request that waits at most this long while another process fetches the credential.
    pub fn new(wait: Duration) -> Self {
        Self {
            wait,
            ..Self::default()
        }
    }

    /// Requests the credential for this client. If the client already got the stored credential before this request, that
    /// credential counts as rejected, and a new one is fetched.
    #[must_use]
    pub fn for_client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Requests a credential other than this one, because the server has rejected this one.
    #[must_use]
    pub fn rejecting(mut self, rejected: &StoredCredential) -> Self {
        self.rejected = Some(rejected.generation());
        self
    }
}

/// The result of [`Slot::begin`], which determines what the caller must do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Begun {
    /// Use this credential.
    Hit(Box<StoredCredential>),
    /// Fetch the credential. Only this process may do so until the [`Flight`] is dropped.
    Fetch(Box<Flight>),
    /// Return this error. Another process has tried to fetch the credential and failed, or the last login was not
    /// completed and it is too early for a new one.
    Failed(Error),
    /// Fetch the credential without the store, because the store cannot be used.
    Unshared(Unshared),
}

/// The part of the store that keeps the credential of one identity.
#[derive(Clone, Debug)]
pub struct Slot {
    store: Store,
    name: Name,
    /// The description of the identity; empty if only the name is known.
    description: String,
}

impl Slot {
    pub(crate) fn new(store: Store, name: Name, description: &str) -> Self {
        Self {
            store,
            name,
            description: description.to_owned(),
        }
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn name(&self) -> Name {
        self.name
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Returns a text that identifies the slot within its store. It reveals nothing about the identity.
    pub fn id(&self) -> String {
        self.name.to_string()
    }

    /// Returns the stored credential, without waiting and without a fetch. `None` if there is no stored credential, if
    /// it is about to expire, or if it was rejected.
    ///
    /// # Errors
    /// Returns an error if the store cannot be used.
    pub fn read(&self, access: &Access) -> Result<Option<StoredCredential>, Unshared> {
        Ok(self
            .acceptable(access)?
            .filter(|(_, freshness)| *freshness == Freshness::Fresh)
            .map(|(stored, _)| stored))
    }

    /// Returns the stored credential, or the right to fetch a new one. If another process is fetching it, the call blocks until
    /// that fetch ends. If the waiting time of `access` ends first, the result is [`Begun::Failed`].
    pub fn begin(&self, access: &Access) -> Begun {
        self.try_begin(access).unwrap_or_else(Begun::Unshared)
    }

    fn try_begin(&self, access: &Access) -> Result<Begun, Unshared> {
        let lock = self.store.directory().open_lock(&self.file(LOCK));
        let before = self.outcome()?.map(|outcome| outcome.id);
        let mut pauses = Pauses::within(access.wait);
        let mut has_waited = false;
        loop {
            // A directory that is read-only still gives what is in it.
            let early = match self.acceptable(access)? {
                Some((stored, Freshness::Fresh)) => return Ok(Begun::Hit(Box::new(stored))),
                Some((stored, _)) => Some(stored),
                None => None,
            };
            let lock = match &lock {
                Ok(lock) => lock,
                Err(unshared) => {
                    return early.map_or_else(
                        || Err(unshared.clone()),
                        |stored| Ok(Begun::Hit(Box::new(stored))),
                    );
                }
            };
            let failed = |error: std::io::Error| {
                Unshared::from_io("lock a file in", self.store.directory().path(), &error)
            };
            if try_lock(lock).map_err(failed)? {
                // What the process that held the lock has written since.
                if let Some((stored, Freshness::Fresh)) = self.acceptable(access)? {
                    return Ok(Begun::Hit(Box::new(stored)));
                }
                let outcome = self.outcome()?;
                if let Some(error) = Self::failure(outcome.as_ref(), before, has_waited) {
                    return Ok(early.map_or(Begun::Failed(error), |stored| Begun::Hit(Box::new(stored))));
                }
                let lock = lock.try_clone().map_err(failed)?;
                let reason = self.reason(early.is_some())?;
                let flight = Flight::new(self.clone(), lock, reason, early, outcome);
                return Ok(Begun::Fetch(Box::new(flight)));
            }
            if let Some(stored) = early {
                return Ok(Begun::Hit(Box::new(stored)));
            }
            has_waited = true;
            if let Some(error) = Self::failure(self.outcome()?.as_ref(), before, has_waited) {
                return Ok(Begun::Failed(error));
            }
            if !pauses.pause() {
                return Ok(Begun::Failed(waited_too_long(access.wait)));
            }
        }
    }

    /// Why a credential has to be fetched. One that is valid and cannot be served was rejected.
    fn reason(&self, is_early: bool) -> Result<FetchReason, Unshared> {
        if is_early {
            return Ok(FetchReason::Expiring);
        }
        let is_valid = |stored: StoredCredential| stored.freshness(&Moment::now()) != Freshness::Expired;
        Ok(if self.stored()?.is_some_and(is_valid) {
            FetchReason::Rejected
        } else {
            FetchReason::First
        })
    }

    /// The error of a fetch that this process waited for, or of a login that is not to be started again yet.
    fn failure(outcome: Option<&Outcome>, before: Option<u64>, has_waited: bool) -> Option<Error> {
        let outcome = outcome?;
        if let Some(until) = outcome.backs_off_until(&Moment::now()) {
            return Some(outcome.back_off_error(until));
        }
        (has_waited && before != Some(outcome.id)).then(|| outcome.error())
    }

    /// The credential that is kept, if it may be served to this client.
    fn acceptable(&self, access: &Access) -> Result<Option<(StoredCredential, Freshness)>, Unshared> {
        let Some(stored) = self.stored()? else {
            return Ok(None);
        };
        let freshness = stored.freshness(&Moment::now());
        if freshness == Freshness::Expired || access.rejected == Some(stored.generation()) {
            return Ok(None);
        }
        if let Some(client) = &access.client {
            let (directory, key) = (self.store.directory(), self.store.keys().names());
            if served::was_served(directory, key, self.name, stored.generation(), client)? {
                return Ok(None);
            }
        }
        Ok(Some((stored, freshness)))
    }

    /// Records that the client gets this credential. If the same client asks again, the store concludes that it has
    /// rejected the credential.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written. Do not give a stored credential to the client then, because the store
    /// could not notice its rejection. Only a credential that was fetched for this request may be given.
    pub fn record_served(&self, stored: &StoredCredential, client: &Client) -> Result<(), Unshared> {
        let (directory, key) = (self.store.directory(), self.store.keys().names());
        served::add(directory, key, self.name, stored.generation(), client)
    }

    /// The credential in the file, however old. A damaged file, or one of another key, counts as missing.
    pub(crate) fn stored(&self) -> Result<Option<StoredCredential>, Unshared> {
        let content = self.open(CREDENTIAL)?;
        Ok(content.and_then(|content| StoredCredential::deserialize(&content)))
    }

    pub(crate) fn outcome(&self) -> Result<Option<Outcome>, Unshared> {
        let content = self.open(OUTCOME)?;
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// The last login, if it was not completed and the next one has to wait: why, and until when.
    pub(crate) fn backs_off(&self, now: &Moment) -> Result<Option<(Outcome, BackOff, SystemTime)>, Unshared> {
        Ok(self.outcome()?.and_then(|outcome| {
            let (reason, until) = (outcome.back_off()?, outcome.backs_off_until(now)?);
            Some((outcome, reason, until))
        }))
    }

    /// What a source needs for its next fetch. A damaged file counts as missing.
    pub(crate) fn secret(&self) -> Result<Option<SecretString>, Unshared> {
        let content = self.open(SECRET)?;
        let text = content.and_then(|content| Some(SecretString::from(std::str::from_utf8(&content).ok()?)));
        Ok(text)
    }

    fn open(&self, kind: &str) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Unshared> {
        let file = self.store.directory().read(&self.file(kind))?;
        Ok(file.and_then(|file| self.store.keys().open(self.name, kind, &file)))
    }

    pub(crate) fn file(&self, kind: &str) -> String {
        format!("{}.{kind}", self.name)
    }
}

fn waited_too_long(limit: Duration) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format_args!(
            "another process fetches the credential and has not ended within {} s",
            limit.as_secs_f32()
        ),
    )
    .with_help("complete the login of that process, or end the process; it may be stopped")
}
