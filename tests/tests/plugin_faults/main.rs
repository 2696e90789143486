//! Plugins that misbehave, and attacks by way of them: each row of the list of faults as a test that asserts what
//! Kubex must do.
//!
//! | rows | where |
//! |---|---|
//! | 1 to 4, 6, 15 to 18 | `running.rs` |
//! | 8 to 14 | `answering.rs` |
//! | 36 to 38, 40 | `security.rs` |
//! | 5, 7 | `plugin_memory.rs`, a program of its own, because they measure the memory of the whole program |
//!
//! Plugins are real processes, except where a case needs hundreds of them or a clock that can be moved.

#![cfg(unix)]

mod answering;
mod plugin;
mod running;
mod security;
