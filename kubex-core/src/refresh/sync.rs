//! The synchronization primitives of the shared state.
//!
//! `shared_state.rs` imports them from here, so that its model check can replace them with versions that let another
//! task run at every use.

pub(super) use std::sync::Mutex;

/// Announces new generations to subscribers.
pub(super) use tokio::sync::watch::Sender as ChangeSender;

/// A value that is read without a lock.
pub(super) type Slot<T> = arc_swap::ArcSwapOption<T>;
