//! Why something is fetched.

/// Why a credential is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// There is none yet.
    First,
    /// The one there is expires soon, or has expired.
    Expiring,
    /// The server rejected the one there is. A source that caches must not answer from its cache.
    Rejected,
}
