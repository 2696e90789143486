//! What several outputs show of a configuration: locations, warnings, impersonation, the values of fields.

mod field;
mod impersonation;
mod location;
mod time;
mod trust;
mod warning;

pub(crate) use self::field::{path_of, value_of};
pub(crate) use self::impersonation::Impersonation;
pub(crate) use self::location::Location;
pub(crate) use self::time::rfc3339;
pub(crate) use self::trust::{ca_digests, sha256};
pub(crate) use self::warning::Warning;
