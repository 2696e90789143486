//! An index of entries by name, without copies of the names.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

/// Maps names to entries of a list. Each entry takes four bytes and its share of a hash table. The names of a short list
/// are compared one at a time.
///
/// The hash has a random key, so that an untrusted kubeconfig cannot cause collisions.
#[derive(Default)]
pub(crate) struct Names {
    count: usize,
    /// `None` while the list is short.
    index: Option<Index>,
}

#[derive(Default)]
struct Index {
    hasher: RandomState,
    table: HashTable<u32>,
}

/// The longest list whose names are compared one at a time.
const SHORT: usize = 8;

impl Names {
    /// An index with capacity for this many names.
    pub(crate) fn with_room_for(count: usize) -> Self {
        Self {
            count: 0,
            index: (count > SHORT).then(|| Index {
                hasher: RandomState::new(),
                table: HashTable::with_capacity(count),
            }),
        }
    }

    /// The entry with this name; `name_of` returns the name of an entry.
    pub(crate) fn find<'n>(&self, name: &str, name_of: impl Fn(usize) -> &'n str) -> Option<usize> {
        let Some(Index { hasher, table }) = &self.index else {
            return (0..self.count).find(|index| name_of(*index) == name);
        };
        let found = table.find(hasher.hash_one(name), |index| name_of(*index as usize) == name);
        found.map(|index| *index as usize)
    }

    /// Adds an entry. If another entry already has its name, returns that one.
    pub(crate) fn add<'n>(
        &mut self,
        name: &str,
        index: usize,
        name_of: impl Fn(usize) -> &'n str,
    ) -> Result<(), usize> {
        if self.count < SHORT && self.index.is_none() {
            if let Some(taken) = self.find(name, name_of) {
                return Err(taken);
            }
        } else {
            let known = self.count;
            let index_of_names = self.index.get_or_insert_with(|| Index::new(known, &name_of));
            index_of_names.add(name, index, name_of)?;
        }
        self.count += 1;
        Ok(())
    }
}

impl Index {
    /// An index of the first `count` entries, whose names differ.
    fn new<'n>(count: usize, name_of: impl Fn(usize) -> &'n str) -> Self {
        let mut index = Self::default();
        for known in 0..count {
            // No two have the same name.
            let _ = index.add(name_of(known), known, &name_of);
        }
        index
    }

    fn add<'n>(&mut self, name: &str, index: usize, name_of: impl Fn(usize) -> &'n str) -> Result<(), usize> {
        let Self { hasher, table } = self;
        let is_same = |other: &u32| name_of(*other as usize) == name;
        let rehash = |other: &u32| hasher.hash_one(name_of(*other as usize));
        match table.entry(hasher.hash_one(name), is_same, rehash) {
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
        write!(f, "Names({})", self.count)
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
