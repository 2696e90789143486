//! What a JSON web token says about itself.
//!
//! A service account token tells when it expires (RFC 7519, `exp`). Nothing is verified here: the server does
//! that. A token that is no JSON web token simply says nothing.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

/// When the token expires by its own `exp` claim; `None` where it is no JSON web token or has no such claim.
///
/// ```
/// let token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.";
/// assert_eq!(kubex_core::credential::jwt::expiry(token).unwrap().as_second(), 1_700_000_000);
/// assert_eq!(kubex_core::credential::jwt::expiry("opaque"), None);
/// ```
pub fn expiry(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: Option<f64>,
    }

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
    let seconds = serde_json::from_slice::<Claims>(&payload).ok()?.exp?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond the range saturates, and is refused next"
    )]
    Timestamp::from_second(seconds.floor() as i64).ok()
}
