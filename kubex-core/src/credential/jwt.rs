//! The expiry and the time of issue of a JSON web token.
//!
//! A service account token contains its expiry (RFC 7519, `exp`). This module verifies nothing, because the server
//! verifies the token.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::time::from_unix_seconds;

/// Returns the `exp` claim of the token; `None` if the token is not a JSON web token or has no such claim.
///
/// ```
/// use kubex_core::credential::jwt;
/// use kubex_core::time::parse_rfc3339;
///
/// let token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.";
/// assert_eq!(jwt::expiry(token), parse_rfc3339("2023-11-14T22:13:20Z"));
/// assert_eq!(jwt::expiry("opaque"), None);
/// ```
pub fn expiry(token: &str) -> Option<SystemTime> {
    claims(token)?.exp.map(from_unix_seconds)
}

/// Returns the `iat` claim of the token, the time of issue; `None` if the token is not a JSON web token or has no such
/// claim.
///
/// ```
/// use kubex_core::credential::jwt;
/// use kubex_core::time::parse_rfc3339;
///
/// let token = "eyJhbGciOiJub25lIn0.eyJpYXQiOjE3MDAwMDAwMDB9.";
/// assert_eq!(jwt::issued_at(token), parse_rfc3339("2023-11-14T22:13:20Z"));
/// assert_eq!(jwt::issued_at("opaque"), None);
/// ```
pub fn issued_at(token: &str) -> Option<SystemTime> {
    claims(token)?.iat.map(from_unix_seconds)
}

/// The times of a token.
#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    iat: Option<f64>,
}

/// A claim that is not a number counts as missing, so that it does not hide the other one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_f64())
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = Zeroizing::new(
        BASE64_URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .ok()?,
    );
    serde_json::from_slice(&payload).ok()
}
