//! Copies of one value, so that threads on different processors do not write the same cache line.
//!
//! Cloning an [`Arc`](std::sync::Arc), a [`Bytes`](bytes::Bytes) or a header value writes a counter. If many threads
//! clone the same value, each of them waits for the cache line that contains the counter. [`Shards`] gives each thread a copy
//! of its own, with a counter of its own, as soon as several threads use the value often. Until then there is one copy: a
//! program has thousands of values that are used now and then, and the copies take several kilobytes.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::host::Host;

/// More threads than this share copies.
const COUNT: usize = 8;

/// If other threads than the first one use the value this often, twice within [`SOON`], they contend for it.
const OFTEN: u32 = 64;

/// In nanoseconds.
const SOON: u64 = 1_000_000_000;

/// A value of which threads get copies of their own once they contend for it. Before that, all threads get the same
/// value.
pub struct Shards<T> {
    /// The value that all threads get until they contend for it.
    first: T,
    /// The number of the thread that used it first, plus one.
    first_thread: AtomicUsize,
    /// How often other threads have used it.
    uses_by_others: AtomicU32,
    /// When that number was last a multiple of [`OFTEN`], by the monotonic clock.
    often_at: AtomicU64,
    copies: OnceLock<Box<[Padded<T>; COUNT]>>,
    copy: Box<dyn Fn() -> T + Send + Sync>,
}

/// A value that shares no cache line with its neighbour. Processors fetch lines of 64 bytes in pairs.
#[derive(Clone, Debug)]
#[repr(align(128))]
pub struct Padded<T>(pub T);

impl<T> Shards<T> {
    /// Creates the value. `copy` creates each of the copies, which must not share their counters.
    pub fn new(first: T, copy: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            first,
            first_thread: AtomicUsize::new(0),
            uses_by_others: AtomicU32::new(0),
            often_at: AtomicU64::new(0),
            copies: OnceLock::new(),
            copy: Box::new(copy),
        }
    }

    /// Returns the copy for this thread, or the value itself until there are copies.
    #[inline]
    pub fn get(&self) -> &T {
        let thread = thread_number();
        match self.copies.get() {
            Some(copies) => of_thread(copies, thread),
            None if self.first_thread.load(Ordering::Relaxed) == thread + 1 => &self.first,
            None => self.for_another_thread(thread),
        }
    }

    /// The value for a thread that did not use it first. If that happens often, it creates the copies.
    fn for_another_thread(&self, thread: usize) -> &T {
        let first = self
            .first_thread
            .compare_exchange(0, thread + 1, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_ok() || !self.is_contended() {
            return &self.first;
        }
        let copies = self
            .copies
            .get_or_init(|| Box::new(std::array::from_fn(|_| Padded((self.copy)()))));
        of_thread(copies, thread)
    }

    fn is_contended(&self) -> bool {
        let uses = self.uses_by_others.fetch_add(1, Ordering::Relaxed);
        if uses % OFTEN != OFTEN - 1 {
            return false;
        }
        // Zero stands for never.
        let now = Host::real().recent().monotonic.max(1);
        let before = self.often_at.swap(now, Ordering::Relaxed);
        before != 0 && now.saturating_sub(before) < SOON
    }
}

#[inline]
#[expect(
    clippy::indexing_slicing,
    reason = "the remainder is below the length of the array"
)]
fn of_thread<T>(copies: &[Padded<T>; COUNT], thread: usize) -> &T {
    &copies[thread % COUNT].0
}

/// The number of this thread, below [`COUNT`].
#[inline]
fn thread_number() -> usize {
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // During the destruction of a thread, any copy is right.
    NUMBER
        .try_with(|number| {
            if number.get() == usize::MAX {
                number.set(NEXT.fetch_add(1, Ordering::Relaxed) % COUNT);
            }
            number.get()
        })
        .unwrap_or_default()
}

impl<T: fmt::Debug> fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards() -> Shards<AtomicUsize> {
        Shards::new(AtomicUsize::new(0), Default::default)
    }

    fn use_once(shards: &Shards<AtomicUsize>) {
        shards.get().fetch_add(1, Ordering::Relaxed);
    }

    /// Another thread uses the value so often.
    fn use_elsewhere(shards: &Shards<AtomicUsize>, times: u32) {
        std::thread::scope(|scope| {
            scope.spawn(|| (0..times).for_each(|_| use_once(shards)));
        });
    }

    #[test]
    fn a_value_that_one_thread_uses_has_no_copies() {
        let shards = shards();
        (0..10_000).for_each(|_| use_once(&shards));
        assert!(shards.copies.get().is_none());
        assert_eq!(shards.first.load(Ordering::Relaxed), 10_000);
    }

    #[test]
    fn a_value_that_other_threads_use_now_and_then_has_no_copies() {
        let shards = shards();
        use_once(&shards);
        use_elsewhere(&shards, OFTEN);
        assert!(shards.copies.get().is_none());
        // The next uses come long after these.
        let long_ago = shards.often_at.load(Ordering::Relaxed).saturating_sub(2 * SOON);
        shards.often_at.store(long_ago.max(1), Ordering::Relaxed);
        if long_ago > 0 {
            use_elsewhere(&shards, OFTEN);
            assert!(shards.copies.get().is_none());
        }
    }

    #[test]
    fn a_value_that_several_threads_use_often_has_copies() {
        let shards = shards();
        use_once(&shards);
        // The numbers of two threads may be the same.
        for _ in 0..COUNT {
            use_elsewhere(&shards, 10 * OFTEN);
        }
        let copies = shards.copies.get().unwrap();
        let used = copies
            .iter()
            .filter(|Padded(uses)| uses.load(Ordering::Relaxed) > 0);
        assert!(used.count() > 1);
        assert!(shards.first.load(Ordering::Relaxed) <= 1 + 2 * OFTEN as usize);
        let thread = std::ptr::from_ref(shards.get());
        assert_eq!(
            thread,
            std::ptr::from_ref(shards.get()),
            "a thread keeps its copy"
        );
    }
}
