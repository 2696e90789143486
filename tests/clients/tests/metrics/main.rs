//! The metrics and the spans: their names are pinned, and each counts what it says.
//!
//! Each test records on its own thread. What is counted for the whole process, such as the live handles, is compared with what
//! it was before, so the tests run one after the other.

#![allow(clippy::float_cmp, reason = "the values are counts")]

#[path = "../../../tests/shown/mod.rs"]
mod shown;

mod documents;
mod names;
mod recorded;
mod spans;
mod values;
