//! The store: credentials that all processes of one user share.
//!
//! | part | what it does |
//! |---|---|
//! | [`Store`] | the directory and its key: opens, lists and clears |
//! | [`Slot`] | the place of one identity: reads, waits, fetches |
//! | [`Flight`] | the right to fetch, held by one process at a time |
//! | [`Client`] | the program that a credential was given to, to recognize that it was rejected |
//! | [`StoredSource`] | any credential source, shared through the store |
//!
//! A slot has four files, whose names are keyed digests of the identity:
//!
//! | file | content |
//! |---|---|
//! | `.credential` | the credential, encrypted |
//! | `.lock` | nothing; the process that fetches holds its lock. It is never deleted, because a lock on a deleted file locks out no other process |
//! | `.outcome` | how the last fetch failed, encrypted |
//! | `.served` | keyed digests of the clients that were given the credential |
//!
//! Every file is written under another name and renamed, so that a reader never sees half of it. A file that cannot be
//! read, is damaged, or is encrypted with another key counts as missing. A file or a directory that other users can read,
//! or that belongs to another user, is refused.
//!
//! If the store cannot be used, [`Unshared`] has the reason: a program then fetches its own credential.

#![expect(
    clippy::disallowed_methods,
    reason = "locks and atomic renames are shared by real processes; a simulated host never opens a store"
)]

mod client;
mod directory;
mod entry;
mod flight;
mod keyring;
mod location;
mod lock;
mod master_key;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "metrics/off.rs"]
mod metrics;
mod moment;
mod name;
mod outcome;
mod seal;
mod served;
mod slot;
mod source;
mod store;
mod unshared;

pub use client::Client;
pub use entry::StoredCredential;
pub use flight::{Flight, record_cancelled};
pub use location::{KeyPlace, Location};
pub use moment::Asked;
pub use outcome::BackOff;
pub use slot::{Access, Begun, Slot};
pub use source::StoredSource;
pub use store::{BackedOff, Cleared, Kept, Store};
pub use unshared::Unshared;
