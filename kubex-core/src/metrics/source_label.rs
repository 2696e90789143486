//! The label `source`, with a bounded number of values.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The most sources with a series of their own.
const MAX_SOURCES: usize = 100;

/// The most bytes of a name.
const MAX_LENGTH: usize = 100;

/// The name of the sources without a series of their own.
const OTHER: &str = "other";

static SOURCES: Mutex<BTreeSet<Arc<str>>> = Mutex::new(BTreeSet::new());

/// The value of the label for a source.
pub(super) fn source_label(name: &str) -> Arc<str> {
    // An insertion either happens or does not, so a poisoned lock is safe to use.
    label_among(&mut SOURCES.lock().unwrap_or_else(PoisonError::into_inner), name)
}

fn label_among(known: &mut BTreeSet<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(label) = known.get(name) {
        return Arc::clone(label);
    }
    if known.len() >= MAX_SOURCES || name.len() > MAX_LENGTH {
        return OTHER.into();
    }
    let label: Arc<str> = name.into();
    known.insert(Arc::clone(&label));
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hundred_sources_have_a_label_and_the_others_share_one() {
        let mut known = BTreeSet::new();
        for number in 0..10_000 {
            let name = format!("cluster-{number}");
            let expected = if number < 100 { &*name } else { "other" };
            assert_eq!(&*label_among(&mut known, &name), expected);
        }
        assert_eq!(&*label_among(&mut known, "cluster-7"), "cluster-7");
        assert_eq!(&*label_among(&mut BTreeSet::new(), &"x".repeat(101)), "other");
    }
}
