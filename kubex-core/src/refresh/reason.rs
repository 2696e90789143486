//! Why a value is fetched.

/// Why a credential is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// There is no credential yet.
    First,
    /// The credential expires soon or has expired, or it is due for revalidation.
    Expiring,
    /// The server rejected the credential. A source that caches must not answer from its cache.
    Rejected,
}
