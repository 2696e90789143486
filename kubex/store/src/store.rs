//! The store: its directory and its keys.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use kubex_core::Warning;
use kubex_core::credentials::StoreIdentity;

use crate::directory::Directory;
use crate::entry::Freshness;
use crate::location::Location;
use crate::master_key;
use crate::moment::Moment;
use crate::name::Name;
use crate::outcome::BackOff;
use crate::seal::Keys;
use crate::served;
use crate::slot::{CREDENTIAL, OUTCOME, SECRET, Slot};
use crate::unshared::Unshared;

/// A directory with encrypted credentials that the processes of one user share. Cloning it is cheap.
#[derive(Clone)]
pub struct Store {
    directory: Directory,
    keys: Arc<Keys>,
    warning: Option<Warning>,
}

/// A stored credential, described without secrets. [`Store::list`] returns it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Kept {
    /// The [id](Slot::id) of the slot that keeps the credential.
    pub slot: String,
    /// The description of the source that fetched the credential, without secrets.
    pub description: String,
    /// The kind of the credential, such as `bearer token`.
    pub kind: &'static str,
    /// The time at which the credential was fetched.
    pub fetched_at: SystemTime,
    /// The time after which the credential is no longer used. `None` if it has no such time.
    pub expires_at: Option<SystemTime>,
    /// Whether the store still returns the credential to programs.
    pub is_valid: bool,
}

/// A login that was not completed, so that a new one must wait. [`Store::back_offs`] returns it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BackedOff {
    /// The [id](Slot::id) of the slot that keeps the credential of the login.
    pub slot: String,
    /// The description of the source that the login was for, without secrets.
    pub description: String,
    /// The reason why the last login was not completed.
    pub reason: BackOff,
    /// The time at which the last login ended.
    pub failed_at: SystemTime,
    /// The time before which no new login starts.
    pub until: SystemTime,
}

/// The result of [`Store::clear_one`]: what the store has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleared {
    /// Whether a credential was removed. It may have expired before.
    pub credential: bool,
    /// Whether a refresh token was removed.
    pub refresh_token: bool,
    /// Whether a waiting time was removed. A login that is not completed delays the next one by this time.
    pub back_off: bool,
}

impl Store {
    /// Opens the store. Creates its directory and its key if they do not exist. The call blocks.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be used: it cannot be created, other users can access it, or it is on
    /// a network file system.
    pub fn open(location: &Location) -> Result<Self, Unshared> {
        let directory = Directory::open(location.directory())?;
        let (key, warning) = master_key::read_or_create(&directory, location.key)?;
        let keys = Keys::derive(&key)
            .ok_or_else(|| Unshared::new("the key of the store cannot be used", "check the system"))?;
        Ok(Self {
            directory,
            keys: Arc::new(keys),
            warning,
        })
    }

    /// Returns the slot that keeps the credential of this identity.
    pub fn slot(&self, identity: &StoreIdentity) -> Slot {
        let name = Name::new(self.keys.names(), identity);
        Slot::new(self.clone(), name, identity.description())
    }

    /// Returns a warning if opening the store has just created a file with the key, because no keyring stored the key.
    /// `None` otherwise.
    pub fn warning(&self) -> Option<&Warning> {
        self.warning.as_ref()
    }

    /// Returns all stored credentials, described without secrets.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be listed.
    pub fn list(&self) -> Result<Vec<Kept>, Unshared> {
        let now = Moment::now();
        let mut kept = Vec::new();
        for slot in self.slots()? {
            if let Ok(Some(stored)) = slot.stored() {
                kept.push(Kept {
                    slot: slot.id(),
                    description: stored.description().to_owned(),
                    kind: stored.credential().description(),
                    fetched_at: stored.fetched_at(),
                    expires_at: stored.expires_at(),
                    is_valid: stored.freshness(&now) != Freshness::Expired,
                });
            }
        }
        kept.sort_by(|one, other| one.description.cmp(&other.description));
        Ok(kept)
    }

    /// Returns the logins that were not completed, if their waiting time has not ended yet.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be listed.
    pub fn back_offs(&self) -> Result<Vec<BackedOff>, Unshared> {
        let now = Moment::now();
        let mut found = Vec::new();
        for slot in self.slots()? {
            if let Ok(Some((outcome, reason, until))) = slot.backs_off(&now) {
                found.push(BackedOff {
                    slot: slot.id(),
                    description: outcome.description().to_owned(),
                    reason,
                    failed_at: outcome.failed_at(),
                    until,
                });
            }
        }
        found.sort_by(|one, other| one.description.cmp(&other.description));
        Ok(found)
    }

    /// Removes all credentials, refresh tokens and waiting times. Returns the number of slots that contained one. The
    /// files for locks are kept, because a process may hold a lock.
    ///
    /// # Errors
    /// Returns an error if a file cannot be removed.
    pub fn clear(&self) -> Result<usize, Unshared> {
        let slots = self.slots()?;
        for slot in &slots {
            self.clear_slot(slot)?;
        }
        Ok(slots.len())
    }

    /// Removes the credential, the refresh token and the waiting time of one identity. Returns which of them existed.
    ///
    /// # Errors
    /// Returns an error if a file cannot be removed.
    pub fn clear_one(&self, identity: &StoreIdentity) -> Result<Cleared, Unshared> {
        let slot = self.slot(identity);
        let files = self.directory.files()?;
        let cleared = Cleared {
            credential: files.contains(&slot.file(CREDENTIAL)),
            refresh_token: files.contains(&slot.file(SECRET)),
            back_off: slot.backs_off(&Moment::now())?.is_some(),
        };
        self.clear_slot(&slot)?;
        Ok(cleared)
    }

    fn clear_slot(&self, slot: &Slot) -> Result<(), Unshared> {
        self.directory.remove(&slot.file(CREDENTIAL))?;
        self.directory.remove(&slot.file(OUTCOME))?;
        self.directory.remove(&slot.file(SECRET))?;
        self.directory.remove(&served::file(slot.name()))
    }

    /// The slots that have a file with content.
    fn slots(&self) -> Result<Vec<Slot>, Unshared> {
        let mut names: Vec<Name> = self
            .directory
            .files()?
            .iter()
            .filter_map(|file| file.split_once('.'))
            .filter(|(_, kind)| [CREDENTIAL, OUTCOME, SECRET].contains(kind))
            .filter_map(|(name, _)| Name::parse(name))
            .collect();
        names.dedup();
        Ok(names
            .into_iter()
            .map(|name| Slot::new(self.clone(), name, ""))
            .collect())
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
