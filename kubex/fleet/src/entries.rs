//! The members of an input by name. They are stored in parts that successive snapshots share, so that a change copies only its
//! own part.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};

use crate::snapshot::Entry;

/// The number of parts.
const PARTS: usize = 256;

/// One for the whole process, so that a name is in the same part of each snapshot. Its random seed protects from names that are
/// chosen to fall into one part.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

type Part = BTreeMap<Arc<str>, Entry>;

/// The members by name. A clone shares all parts.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    parts: Vec<Arc<Part>>,
    number: usize,
}

/// What differs in a part between two snapshots.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// The members that are new, or whose definition may differ.
    pub(crate) changed: Vec<Arc<str>>,
    pub(crate) gone: Vec<Arc<str>>,
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            parts: vec![Arc::default(); PARTS],
            number: 0,
        }
    }
}

impl Entries {
    pub(crate) fn len(&self) -> usize {
        self.number
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.parts.get(part_of(name))?.get(name)
    }

    pub(crate) fn insert(&mut self, name: Arc<str>, entry: Entry) {
        if let Some(part) = self.parts.get_mut(part_of(&name))
            && Arc::make_mut(part).insert(name, entry).is_none()
        {
            self.number += 1;
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some(part) = self.parts.get_mut(part_of(name))
            && part.contains_key(name)
            && Arc::make_mut(part).remove(name).is_some()
        {
            self.number -= 1;
        }
    }

    /// What differs from earlier entries, part by part. Parts that both share are left out. With `are_all_changed`, each member
    /// counts as changed.
    pub(crate) fn differences<'e>(
        &'e self,
        earlier: &'e Self,
        are_all_changed: bool,
    ) -> impl Iterator<Item = Differences> + 'e {
        let pairs = self.parts.iter().zip(&earlier.parts);
        let different = pairs.filter(move |(now, earlier)| are_all_changed || !Arc::ptr_eq(now, earlier));
        different.map(move |(now, earlier)| {
            let changed = now.iter().filter(|(name, entry)| {
                are_all_changed || earlier.get(*name).is_none_or(|held| held.digest != entry.digest)
            });
            let gone = earlier.keys().filter(|name| !now.contains_key(*name));
            Differences {
                changed: changed.map(|(name, _)| Arc::clone(name)).collect(),
                gone: gone.cloned().collect(),
            }
        })
    }
}

fn part_of(name: &str) -> usize {
    // The remainder is below the number of parts, so it fits.
    usize::try_from(HASHER.hash_one(name) % PARTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kubex_core::credentials::SharingKey;
    use kubex_core::{Error, ErrorKind, Origin};

    use super::*;
    use crate::definition::Definition;

    fn entry(content: &str) -> Entry {
        let error = Error::new(ErrorKind::MissingCluster, "no server");
        Entry {
            definition: Arc::new(Definition::Broken(error)),
            digest: SharingKey::new("test").with(content).closed(),
            origin: Origin::code(),
        }
    }

    #[test]
    fn a_change_among_many_is_found_in_one_part_and_all_others_are_shared() {
        let mut entries = Entries::default();
        for number in 0..10_000 {
            entries.insert(format!("m{number}").into(), entry("a"));
        }
        let before = entries.clone();
        entries.insert("m1".into(), entry("b"));
        entries.insert("m2".into(), entry("a"));
        entries.insert("new".into(), entry("a"));
        entries.remove("m3");
        entries.remove("unknown");
        assert_eq!(entries.len(), 10_000);
        let different: Vec<_> = entries.differences(&before, false).collect();
        assert!(different.len() <= 4, "{}", different.len());
        let names = |of: &dyn Fn(&Differences) -> Vec<Arc<str>>| {
            let mut names: Vec<_> = different.iter().flat_map(of).collect();
            names.sort();
            names
        };
        assert_eq!(names(&|part| part.changed.clone()), ["m1".into(), "new".into()]);
        assert_eq!(names(&|part| part.gone.clone()), ["m3".into()]);
        assert_eq!(before.get("m1").unwrap().digest, entry("a").digest);
        let all = entries.differences(&entries, true).map(|part| part.changed.len());
        assert_eq!(all.sum::<usize>(), 10_000);
    }
}
