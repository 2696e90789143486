//! The lock, the snapshot slot and the announcements of a shared.
//!
//! The board names them through this module, so that its model check can put others in their place: ones that
//! let another task run wherever one could.

pub(super) use std::sync::Mutex;

/// Where changes are announced.
pub(super) use tokio::sync::watch::Sender as Announcements;

/// What can be read without a lock.
pub(super) type Slot<T> = arc_swap::ArcSwapOption<T>;
