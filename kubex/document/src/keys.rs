//! Checks the keys of a complete mapping: duplicates and merge keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::builder::{Builder, Duplicate, Texts};
use crate::error::{Problem, ReadError};
use crate::node::key_name;
use crate::tree::{Entry, EntryKind, KeyRole};

/// How many duplicate keys are reported.
const MOST_DUPLICATES: usize = 20;

/// The largest mapping whose keys are compared pairwise to find duplicates.
const FEW_KEYS: usize = 8;

impl Builder {
    /// Marks the keys of a mapping that are repeated further down. Returns whether it has merge keys.
    pub(crate) fn check_keys(
        &mut self,
        mapping: u32,
        length: u32,
        texts: &Texts<'_>,
    ) -> Result<bool, ReadError> {
        let is_small = length as usize <= FEW_KEYS;
        let mut few = [0; FEW_KEYS];
        let mut known = 0;
        let mut many: HashMap<_, u32> = HashMap::new();
        let mut found = Vec::new();
        let mut has_merge = false;
        let mut index = mapping + 1;
        while let Some(Entry { kind, span, .. }) = self.tree.entries.get(index as usize) {
            let EntryKind::Key {
                chars,
                style,
                tag,
                role,
            } = *kind
            else {
                break;
            };
            if role == KeyRole::Merge {
                has_merge = true;
                if !self.is_mergeable(index + 1) {
                    return Err(ReadError::new(Problem::MergeKey, span.start()));
                }
            } else if is_small {
                let name = |index: u32| match self.tree.entries.get(index as usize)?.kind {
                    EntryKind::Key {
                        chars, style, tag, ..
                    } => Some(key_name(texts.of(chars), style, tag)),
                    _ => None,
                };
                let this = name(index);
                let mut earlier = few.iter_mut().take(known);
                if let Some(earlier) = earlier.find(|earlier| name(**earlier) == this) {
                    found.push((std::mem::replace(earlier, index), index));
                } else if let Some(free) = few.get_mut(known) {
                    *free = index;
                    known += 1;
                }
            } else {
                match many.entry(key_name(texts.of(chars), style, tag)) {
                    Slot::Occupied(mut slot) => found.push((slot.insert(index), index)),
                    Slot::Vacant(slot) => {
                        slot.insert(index);
                    }
                }
            }
            index = match self.tree.entries.get(index as usize + 1) {
                Some(value) => value.end,
                None => break,
            };
        }
        for (first, second) in found {
            if let Some(Entry {
                kind: EntryKind::Key { role, .. },
                ..
            }) = self.tree.entries.get_mut(first as usize)
            {
                *role = KeyRole::Overwritten;
            }
            if self.tree.duplicates.len() < MOST_DUPLICATES {
                self.tree.duplicates.push(Duplicate { first, second });
            }
        }
        Ok(has_merge)
    }

    /// Whether a merge key may name this node: a mapping or a list of mappings.
    fn is_mergeable(&self, index: u32) -> bool {
        let target = |index: u32| match self.tree.entries.get(index as usize) {
            Some(Entry {
                kind: EntryKind::Alias { target },
                ..
            }) => *target,
            _ => index,
        };
        let index = target(index);
        let Some(entry) = self.tree.entries.get(index as usize) else {
            return false;
        };
        match entry.kind {
            EntryKind::Mapping { .. } => true,
            EntryKind::Sequence { .. } => {
                let mut item = index + 1;
                while item < entry.end {
                    let Some(found) = self.tree.entries.get(item as usize) else {
                        return false;
                    };
                    let merged = self.tree.entries.get(target(item) as usize);
                    if !merged.is_some_and(|entry| matches!(entry.kind, EntryKind::Mapping { .. })) {
                        return false;
                    }
                    item = found.end;
                }
                true
            }
            _ => false,
        }
    }
}
