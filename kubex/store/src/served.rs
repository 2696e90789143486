//! Which clients were given which credential.
//!
//! A client that asks again for a credential that is still valid was rejected: client-go runs its plugin again after a 401
//! without a reason. Simultaneous requests do not mean a rejection, so only a request that starts after the previous result
//! counts. The file contains one digest for each client and credential, so that it names neither, and the time.

use aws_lc_rs::hmac;

use crate::client::Client;
use crate::directory::Directory;
use crate::moment::Asked;
use crate::name::{Name, short};
use crate::unshared::Unshared;

/// The length of a digest.
const DIGEST: usize = 16;

/// The length of one record: the digest, and the time in microseconds.
const RECORD: usize = DIGEST + 8;

/// The most bytes that are read. If the file is larger, every client counts as having rejected its credential. The file of the
/// next credential is empty again.
const MAX: usize = 1024 * 1024;

/// The digest of a client that was given this generation.
fn digest(key: &hmac::Key, name: Name, generation: u64, client: &Client) -> [u8; DIGEST] {
    let mut context = hmac::Context::with_key(key);
    context.update(b"served");
    context.update(name.bytes());
    context.update(&generation.to_le_bytes());
    context.update(&client.bytes());
    short(context.sign().as_ref())
}

/// Whether the client was given this generation before it asked.
pub(crate) fn was_served(
    directory: &Directory,
    key: &hmac::Key,
    name: Name,
    generation: u64,
    client: &Client,
) -> Result<bool, Unshared> {
    let Some(content) = directory.read(&file(name))? else {
        return Ok(false);
    };
    let digest = digest(key, name, generation, client);
    let asked = client.asked().microseconds();
    let (records, _) = content.as_chunks::<RECORD>();
    let is_before = |record: &[u8; RECORD]| {
        let (own, at) = record.split_at(DIGEST);
        own == digest && at.try_into().map(u64::from_le_bytes).is_ok_and(|at| at < asked)
    };
    Ok(content.len() >= MAX || records.iter().any(is_before))
}

/// Records that the client is given this generation.
pub(crate) fn add(
    directory: &Directory,
    key: &hmac::Key,
    name: Name,
    generation: u64,
    client: &Client,
) -> Result<(), Unshared> {
    let mut record = digest(key, name, generation, client).to_vec();
    record.extend_from_slice(&Asked::now().microseconds().to_le_bytes());
    directory.append(&file(name), &record)
}

/// The name of the file.
pub(crate) fn file(name: Name) -> String {
    format!("{name}.served")
}
