//! Why a value is fetched.

/// The reason why a credential or a CA bundle is fetched. It is part of a [`FetchRequest`](crate::FetchRequest).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// Nothing has been fetched yet.
    First,
    /// The credential expires soon, has expired, or has reached the age at which it is [fetched
    /// again](crate::Credential::with_revalidate_after).
    Expiring,
    /// The server rejected the credential, or its certificate was not signed by an authority of the CA bundle. A source
    /// with a cache of its own must not use the cache.
    Rejected,
}
