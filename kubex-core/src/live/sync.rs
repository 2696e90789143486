//! The lock and the snapshot slot of a board.
//!
//! The board names them through this module, so that its model check can put others in their place: ones that
//! let another task run wherever one could.

pub(super) use std::sync::Mutex;

/// What can be read without a lock.
pub(super) type Slot<T> = arc_swap::ArcSwapOption<T>;
