//! Copies of one value, so that threads on different processors do not write the same cache line.
//!
//! Cloning an [`Arc`](std::sync::Arc), a [`Bytes`](bytes::Bytes) or a header value writes a counter. If many threads
//! clone the same value, each of them waits for the cache line that contains the counter. [`Shards`] holds some copies, each
//! with a counter of its own, and gives each thread one of them.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More threads than this share copies.
const COUNT: usize = 8;

/// Some copies of one value. A thread always gets the same copy.
#[derive(Clone, Debug)]
pub struct Shards<T>([Padded<T>; COUNT]);

/// A value that shares no cache line with its neighbour. Processors fetch lines of 64 bytes in pairs.
#[derive(Clone, Debug)]
#[repr(align(128))]
pub struct Padded<T>(pub T);

impl<T> Shards<T> {
    /// Creates each copy with this function. The copies must not share their counters.
    pub fn new(mut create: impl FnMut() -> T) -> Self {
        Self(std::array::from_fn(|_| Padded(create())))
    }

    /// Returns the copy of this thread.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder is below the length of the array"
    )]
    pub fn get(&self) -> &T {
        &self.0[slot() % COUNT].0
    }
}

/// The number of this thread.
#[inline]
fn slot() -> usize {
    thread_local! {
        static SLOT: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // During the destruction of a thread, any copy is right.
    SLOT.try_with(|slot| {
        if slot.get() == usize::MAX {
            slot.set(NEXT.fetch_add(1, Ordering::Relaxed) % COUNT);
        }
        slot.get()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_always_gets_the_same_copy() {
        let mut count = 0;
        let shards = Shards::new(|| {
            count += 1;
            count
        });
        assert_eq!(*shards.get(), *shards.get());
    }

    #[test]
    fn threads_that_start_one_after_the_other_get_different_copies() {
        let shards = Shards::new(Default::default);
        let count = |shards: &Shards<AtomicUsize>| shards.get().fetch_add(1, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for _ in 0..COUNT {
                scope.spawn(|| count(&shards)).join().unwrap();
            }
        });
        let used = shards
            .0
            .iter()
            .filter(|Padded(count)| count.load(Ordering::Relaxed) > 0);
        // Other tests of this process start threads as well.
        assert!(used.count() > 1);
    }
}
