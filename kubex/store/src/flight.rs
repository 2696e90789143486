//! The right to fetch a credential: one process has it, and keeps the result.

use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kubex_core::credentials::SavedSecret;
use kubex_core::{Credential, Error, ExposeSecret as _, FetchReason, Result, SecretString};
use zeroize::Zeroizing;

use crate::entry::StoredCredential;
use crate::outcome::Outcome;
use crate::slot::{CREDENTIAL, OUTCOME, SECRET, Slot};
use crate::unshared::Unshared;

/// A fetch that was ended by a signal within this time was not a login.
const SHORTEST_LOGIN: Duration = Duration::from_secs(1);

/// The fetches of this process that may ask its user.
static LOGINS: Mutex<Vec<Login>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Login {
    slot: Slot,
    previous: Option<Outcome>,
    began: Instant,
}

/// The right to fetch one credential of the store. No other process can fetch this credential until the value is
/// dropped or the process ends. Call [`succeed`](Self::succeed) or [`fail`](Self::fail) after the fetch.
#[derive(Debug)]
pub struct Flight {
    slot: Slot,
    /// Held until the drop.
    _lock: File,
    reason: FetchReason,
    early: Option<StoredCredential>,
    previous: Option<Outcome>,
    lifetime: Option<Duration>,
    is_login: bool,
}

/// The secret, such as a refresh token, is kept in the store until it is cleared.
impl SavedSecret for Flight {
    fn saved(&self) -> Option<SecretString> {
        self.slot.secret().ok().flatten()
    }

    fn save(&self, secret: &SecretString) -> Result<()> {
        let (keys, name) = (self.slot.store().keys(), self.slot.name());
        let content = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        let file = keys
            .seal(name, SECRET, content)
            .ok_or_else(|| Unshared::new("the refresh token cannot be encrypted", "check the system"))?;
        let directory = self.slot.store().directory();
        Ok(directory.replace(&self.slot.file(SECRET), &file)?)
    }
}

impl Flight {
    pub(crate) fn new(
        slot: Slot,
        lock: File,
        reason: FetchReason,
        early: Option<StoredCredential>,
        previous: Option<Outcome>,
    ) -> Self {
        Self {
            slot,
            _lock: lock,
            reason,
            early,
            previous,
            lifetime: None,
            is_login: false,
        }
    }

    /// Returns why the credential must be fetched, for example because the old one has expired.
    pub fn reason(&self) -> FetchReason {
        self.reason
    }

    /// Sets how long a credential without an expiry time is kept. By default, such a credential is not kept.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Declares that the fetch may ask the user questions, as a login does. If a signal ends the program in the
    /// meantime, [`record_cancelled`] keeps other processes from asking the user again at once.
    #[must_use]
    pub fn asking_its_user(mut self) -> Self {
        self.is_login = true;
        logins(|logins| {
            logins.push(Login {
                slot: self.slot.clone(),
                previous: self.previous.clone(),
                began: Instant::now(),
            });
        });
        self
    }

    /// Stores the new credential, and ends the right to fetch. `description` describes the credential's source;
    /// [`StoredCredential::description`] returns it. If the credential could not be stored, the reason is returned too, and
    /// each other process fetches its own credential.
    pub fn succeed(self, credential: Credential, description: &str) -> (StoredCredential, Option<Unshared>) {
        let stored = StoredCredential::new(credential, self.lifetime, description);
        let written = self.write(&stored);
        (stored, written.err())
    }

    fn write(&self, stored: &StoredCredential) -> Result<(), Unshared> {
        let (directory, name) = (self.slot.store().directory(), self.slot.name());
        // The records of the last credential do not match the new one.
        let _ = directory.remove(&crate::served::file(name));
        if self.previous.is_some() {
            directory.remove(&self.slot.file(OUTCOME))?;
        }
        if !stored.can_be_kept() {
            return directory.remove(&self.slot.file(CREDENTIAL));
        }
        let content = stored.serialize().map_err(|error| {
            Unshared::new(
                error.message().to_owned(),
                "set \"cache\" of the source to memory",
            )
        })?;
        let Some(file) = self.slot.store().keys().seal(name, CREDENTIAL, content) else {
            return Err(Unshared::new(
                "the credential cannot be encrypted",
                "check the system",
            ));
        };
        directory.replace(&self.slot.file(CREDENTIAL), &file)
    }

    /// Records that the fetch failed, and ends the right to fetch. Processes that wait for the fetch get this error.
    /// Returns the old credential if it is still valid.
    pub fn fail(self, error: &Error) -> Option<StoredCredential> {
        let outcome = Outcome::failed(error, self.previous.as_ref()).described_as(self.slot.description());
        // If this fails, the processes that wait fetch for themselves.
        let _ = write_outcome(&self.slot, &outcome);
        self.early.clone()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.is_login {
            let name = self.slot.name();
            logins(|logins| logins.retain(|login| login.slot.name() != name));
        }
    }
}

fn write_outcome(slot: &Slot, outcome: &Outcome) -> Result<(), Unshared> {
    let content = serde_json::to_vec(outcome).unwrap_or_default();
    match slot.store().keys().seal(slot.name(), OUTCOME, content.into()) {
        Some(file) => slot.store().directory().replace(&slot.file(OUTCOME), &file),
        None => Ok(()),
    }
}

/// Records that a signal has cancelled the logins of this process, so that the next process does not ask the user
/// again at once. Call it before the signal ends the program.
pub fn record_cancelled() {
    logins(|logins| {
        for login in logins.drain(..) {
            if login.began.elapsed() >= SHORTEST_LOGIN {
                let outcome = Outcome::cancelled(login.previous.as_ref());
                let _ = write_outcome(&login.slot, &outcome.described_as(login.slot.description()));
            }
        }
    });
}

/// A panic cannot leave the list half changed, so a poisoned lock is safe to use.
fn logins(change: impl FnOnce(&mut Vec<Login>)) {
    change(&mut LOGINS.lock().unwrap_or_else(PoisonError::into_inner));
}
