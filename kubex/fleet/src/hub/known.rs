//! The objects that each selection of a hub has found.

use std::collections::{BTreeMap, BTreeSet};

use kubex_core::Origin;

use super::selection::Selection;
use crate::definition::Name;
use crate::objects::ObjectKind;

/// The name of an object, with its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    is_profile: bool,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// The objects that were found, each with the selections that have found it. An object is removed when no selection finds it
/// any more.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<Found, u8>);

impl Found {
    pub(super) fn new(kind: ObjectKind, namespace: String, name: String) -> Self {
        Self {
            is_profile: kind == ObjectKind::ClusterProfile,
            namespace,
            name,
        }
    }

    /// Describes the object. An invalid name is left out, because it may be any text.
    pub(super) fn origin(&self) -> Origin {
        let Self { namespace, name, .. } = self;
        let kind = if self.is_profile {
            "ClusterProfile"
        } else {
            "Secret"
        };
        match Name::from_parts(namespace, name) {
            Ok(_) => Origin::bytes(&format!("the {kind} {namespace}/{name}")),
            Err(_) => Origin::bytes("the object"),
        }
    }
}

impl Known {
    pub(super) fn add(&mut self, found: Found, by: Selection) {
        *self.0.entry(found).or_default() |= by.bit();
    }

    /// Removes an object from a selection. Returns whether no other selection has found the object.
    pub(super) fn forget(&mut self, found: &Found, by: Selection) -> bool {
        let Some(selections) = self.0.get_mut(found) else {
            return false;
        };
        *selections &= !by.bit();
        let is_gone = *selections == 0;
        if is_gone {
            self.0.remove(found);
        }
        is_gone
    }

    /// Removes the objects from a selection that its new list does not contain. Returns those that no other selection has
    /// found.
    pub(super) fn keep_listed(&mut self, listed: &BTreeSet<Found>, by: Selection) -> Vec<Found> {
        let had = self
            .0
            .iter()
            .filter(|(_, selections)| *selections & by.bit() != 0);
        let unlisted: Vec<_> = had
            .map(|(found, _)| found)
            .filter(|found| !listed.contains(found))
            .cloned()
            .collect();
        unlisted
            .into_iter()
            .filter(|found| self.forget(found, by))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_goes_with_the_last_selection_that_has_found_it() {
        let found = |name: &str| Found::new(ObjectKind::Secret, "fleet".to_owned(), name.to_owned());
        let mut known = Known::default();
        known.add(found("a"), Selection::ArgoCd);
        known.add(found("a"), Selection::ClusterApi);
        known.add(found("b"), Selection::ArgoCd);
        assert!(!known.forget(&found("a"), Selection::ArgoCd));
        assert!(!known.forget(&found("c"), Selection::ArgoCd));
        let gone = known.keep_listed(&BTreeSet::new(), Selection::ArgoCd);
        assert_eq!(gone, [found("b")]);
        assert_eq!(known.keep_listed(&[found("a")].into(), Selection::ClusterApi), []);
        assert_eq!(
            known.keep_listed(&BTreeSet::new(), Selection::ClusterApi),
            [found("a")]
        );
    }
}
