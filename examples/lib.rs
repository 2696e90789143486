//! The examples are the files beside this one, numbered in reading order. Run one with
//! `cargo run --example NAME`; begin with `quickstart`.
