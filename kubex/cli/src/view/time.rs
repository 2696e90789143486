//! Times in the form of RFC 3339.

use jiff::Timestamp;

/// `2099-01-01T00:00:00Z`.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.to_string()
}
