//! Requests through reqwest: what arrives at the server, what never does, and what the caller is told.

#[path = "../scene/mod.rs"]
mod scene;

mod identity;
mod proxy;
mod redirects;
mod rejection;
mod rotation;
mod trust;
mod world;
