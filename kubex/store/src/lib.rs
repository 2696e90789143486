//! The store: credentials that all processes of one user share.
//!
//! | item | use |
//! |---|---|
//! | [`Store`] | the directory and its key: opens, lists and clears |
//! | [`Slot`] | the credential of one identity: reads it, waits for it, or gets the right to fetch it |
//! | [`Flight`] | the right to fetch a credential, which one process has at a time |
//! | [`Client`] | the program that gets a credential; if it asks again, it has rejected the credential |
//! | [`StoredSource`] | shares the credential of any credential source through the store |
//!
//! A slot has four files, whose names are keyed digests of the identity:
//!
//! | file | content |
//! |---|---|
//! | `.credential` | the credential, encrypted |
//! | `.lock` | nothing; the process that fetches holds a lock on this file. It is never deleted, because a lock on a deleted file does not exclude other processes |
//! | `.outcome` | the reason why the last fetch failed, encrypted |
//! | `.served` | keyed digests of the clients that got the credential |
//!
//! Every file is written under another name and renamed, so that a reader never sees an incomplete file. A file that
//! cannot be read, is damaged, or is encrypted with another key is treated as missing. A file or a directory that
//! other users can read, or that belongs to another user, is refused.
//!
//! If the store cannot be used, the functions return [`Unshared`] with the reason. The program should fetch its own
//! credential then.

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
