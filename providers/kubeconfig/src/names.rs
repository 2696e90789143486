//! The names of entries, found without being copied.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

/// Which entry of a list has a name: four bytes and the room of a hash table for each.
///
/// Names come from outside, so the hash has a key of its own: names cannot be made to collide.
#[derive(Default)]
pub(crate) struct Names {
    hasher: RandomState,
    table: HashTable<u32>,
}

impl Names {
    /// An index with room for so many names.
    pub(crate) fn with_room_for(count: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            table: HashTable::with_capacity(count),
        }
    }

    /// The entry of this name; `name_of` tells the name of an entry.
    pub(crate) fn find<'n>(&self, name: &str, name_of: impl Fn(usize) -> &'n str) -> Option<usize> {
        let hash = self.hasher.hash_one(name);
        let found = self.table.find(hash, |index| name_of(*index as usize) == name);
        found.map(|index| *index as usize)
    }

    /// Adds an entry of a name that is not there yet; else says which has it.
    pub(crate) fn add<'n>(
        &mut self,
        name: &str,
        index: usize,
        name_of: impl Fn(usize) -> &'n str,
    ) -> Result<(), usize> {
        let hash = self.hasher.hash_one(name);
        let is_same = |other: &u32| name_of(*other as usize) == name;
        let rehash = |other: &u32| self.hasher.hash_one(name_of(*other as usize));
        match self.table.entry(hash, is_same, rehash) {
            hashbrown::hash_table::Entry::Occupied(taken) => Err(*taken.get() as usize),
            hashbrown::hash_table::Entry::Vacant(free) => {
                // A document has fewer entries than bytes, which are fewer than this.
                free.insert(u32::try_from(index).unwrap_or(u32::MAX));
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({})", self.table.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_found_and_none_is_there_twice() {
        let all: Vec<String> = (0..1000).map(|number| format!("n{number}")).collect();
        let mut names = Names::default();
        for (index, name) in all.iter().enumerate() {
            assert_eq!(names.add(name, index, |index| &all[index]), Ok(()));
        }
        for (index, name) in all.iter().enumerate() {
            assert_eq!(names.find(name, |index| &all[index]), Some(index));
            assert_eq!(names.add(name, 5000, |index| &all[index]), Err(index));
        }
        assert_eq!(names.find("other", |index| &all[index]), None);
    }
}
