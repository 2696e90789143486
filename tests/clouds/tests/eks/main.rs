//! The provider `eks`: beside the AWS CLI, with stand-ins of AWS on 127.0.0.1, and its canary.

mod canary;
mod command;
mod compare;
mod failing;
mod machine_identity;
mod native;
#[path = "../../../tests/readme/mod.rs"]
mod readme;
mod roles;
mod scene;
#[path = "../shared/mod.rs"]
mod shared;
#[path = "../../../tests/shown/mod.rs"]
mod shown_output;
