//! The provider `gke`: with stand-ins of Google on 127.0.0.1, beside gke-gcloud-auth-plugin, and its canary.

mod canary;
mod command;
mod compare;
mod conformance;
mod failing;
mod kinds;
mod native;
#[path = "../../../tests/readme/mod.rs"]
mod readme;
mod scene;
#[path = "../shared/mod.rs"]
mod shared;
#[path = "../../../tests/shown/mod.rs"]
mod shown_output;
mod stand_in;
