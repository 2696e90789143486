//! The provider `aks`: with stand-ins of Microsoft Entra and of the metadata service on 127.0.0.1, and its canary.

mod applications;
mod azure_cli;
mod canary;
mod command;
mod conformance;
mod failing;
mod managed_identity;
mod native;
mod native_cli;
mod native_environment;
#[path = "../../../tests/readme/mod.rs"]
mod readme;
mod scene;
#[path = "../shared/mod.rs"]
mod shared;
#[path = "../../../tests/shown/mod.rs"]
mod shown_output;
mod stand_in;
