//! Times in the form of RFC 3339.

use std::time::SystemTime;

/// `2099-01-01T00:00:00Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    kubex::time::rfc3339(time).to_string()
}
