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

/// The credentials that the processes of one user share. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    directory: Directory,
    keys: Arc<Keys>,
    warning: Option<Warning>,
}

/// A slot of the store, as it may be shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Kept {
    /// [Identifies the slot](Slot::id).
    pub slot: String,
    /// What fetched the credential, without secrets.
    pub description: String,
    /// The kinds of its parts: `bearer token`.
    pub kind: &'static str,
    /// When it was fetched.
    pub fetched_at: SystemTime,
    /// When it is not served any more.
    pub expires_at: Option<SystemTime>,
    /// Whether it is still served.
    pub is_valid: bool,
}

/// A login that was not completed, so that none is started for a while.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BackedOff {
    /// [Identifies the slot](Slot::id).
    pub slot: String,
    /// What was fetched, without secrets.
    pub description: String,
    /// What happened to the last login.
    pub reason: BackOff,
    /// When it ended.
    pub failed_at: SystemTime,
    /// When the next one may start.
    pub until: SystemTime,
}

/// What was removed for one identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleared {
    /// A credential, whether or not it was still valid.
    pub credential: bool,
    /// A refresh token.
    pub refresh_token: bool,
    /// The time before which no login was started.
    pub back_off: bool,
}

impl Store {
    /// Opens the store, and creates its directory and its key if they do not exist. It blocks.
    ///
    /// # Errors
    /// The directory cannot be used: it cannot be created, other users can access it, or it is on a network.
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

    /// The slot of an identity.
    pub fn slot(&self, identity: &StoreIdentity) -> Slot {
        let name = Name::new(self.keys.names(), identity);
        Slot::new(self.clone(), name, identity.description())
    }

    /// What the user should know about the store, once: the key is in a file.
    pub fn warning(&self) -> Option<&Warning> {
        self.warning.as_ref()
    }

    /// All slots that contain a credential.
    ///
    /// # Errors
    /// The directory cannot be listed.
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

    /// All logins that were not completed and are not started again yet.
    ///
    /// # Errors
    /// The directory cannot be listed.
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

    /// Removes every credential, every refresh token and every back-off, and returns how many slots contained one. Locks stay: a process may hold
    /// one.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn clear(&self) -> Result<usize, Unshared> {
        let slots = self.slots()?;
        for slot in &slots {
            self.clear_slot(slot)?;
        }
        Ok(slots.len())
    }

    /// Removes the credential, the refresh token and the back-off of one identity.
    ///
    /// # Errors
    /// A file cannot be removed.
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
