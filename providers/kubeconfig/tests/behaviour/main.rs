//! The provider `kubeconfig` by what it does, in a simulated world.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails in a helper of a test fails the test"
)]

mod bounds;
mod contexts;
mod finding;
mod merging;
mod places;
mod reading;
mod scene;
mod selecting;
mod untrusted;
mod users;
