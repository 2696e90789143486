//! kube's client, as Kubex makes it: what arrives at the server, what never does, and what the caller is told.

#[path = "../../../tests/scene/mod.rs"]
mod scene;

mod identity;
mod proxy;
mod redirects;
mod rejection;
mod rotation;
mod streams;
mod trust;
mod world;
