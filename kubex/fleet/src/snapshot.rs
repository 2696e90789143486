//! The content of an input at one point in time: its members, each with a definition.

use std::sync::Arc;

use kubex_core::credentials::SharingKey;
use kubex_core::{Error, Origin};

use crate::access_provider::AccessProviders;
use crate::definition::Definition;
use crate::entries::{Differences, Entries};

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
    pub(crate) entries: Entries,
    pub(crate) providers: Arc<AccessProviders>,
    /// The problems of the input itself.
    pub(crate) problems: Vec<Error>,
}

impl Snapshot {
    /// The members whose definition may differ from that in an earlier snapshot, part by part.
    pub(crate) fn differences<'s>(&'s self, earlier: &'s Self) -> impl Iterator<Item = Differences> + 's {
        let are_all_changed = !Arc::ptr_eq(&self.providers, &earlier.providers);
        self.entries.differences(&earlier.entries, are_all_changed)
    }
}
