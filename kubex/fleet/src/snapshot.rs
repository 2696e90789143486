//! What an input contains at one moment: its members, each with a definition.

use std::collections::BTreeMap;
use std::sync::Arc;

use kubex_core::credentials::SharingKey;
use kubex_core::{Error, Origin};

use crate::access_provider::AccessProviders;
use crate::definition::Definition;

/// The definition of one member.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) definition: Arc<Definition>,
    /// Differs if the definition may differ.
    pub(crate) digest: SharingKey,
    pub(crate) origin: Origin,
}

/// The members of an input, by their names within it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) entries: BTreeMap<Arc<str>, Entry>,
    pub(crate) providers: Arc<AccessProviders>,
    /// What is wrong with the input itself.
    pub(crate) problems: Vec<Error>,
}

impl Snapshot {
    /// Whether the definition of a member may differ from an earlier one.
    pub(crate) fn differs_in(&self, name: &str, earlier: &Self) -> bool {
        let digest = |snapshot: &Self| snapshot.entries.get(name).map(|entry| entry.digest.clone());
        digest(self) != digest(earlier) || !Arc::ptr_eq(&self.providers, &earlier.providers)
    }
}
