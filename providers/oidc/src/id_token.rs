//! The expiry of an id-token.
//!
//! The signature is not checked here. The API server checks it, because it knows the issuer's keys.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex_core::time::from_unix_seconds;
use kubex_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

/// The `exp` of a JSON web token (RFC 7519, 4.1.4), as any form of a number; `None` if the token has no `exp`.
///
/// # Errors
/// `InvalidToken` unless the token has three parts, the second of which is a JSON object in base64url without padding,
/// and its `exp` is a number. One beyond the calendar is its last time.
pub(crate) fn expiry(token: &SecretString) -> Result<Option<SystemTime>> {
    #[derive(Deserialize)]
    struct Claims {
        exp: Option<f64>,
    }

    let mut parts = token.expose_secret().split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("it does not have three parts"));
    };
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(payload)
        .map(Zeroizing::new)
        .map_err(|_| malformed("its claims are not base64url"))?;
    let claims: Claims = serde_json::from_slice(&payload)
        .map_err(|_| malformed("its claims are not a JSON object with a number as \"exp\""))?;
    Ok(claims.exp.map(from_unix_seconds))
}

/// The reason is a fixed text, because a parser's message may quote the token.
fn malformed(why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidToken,
        format_args!("the id-token is not a valid JSON web token: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> SecretString {
        format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims)).into()
    }

    #[test]
    fn the_expiry_is_read_in_every_form_of_a_number() {
        for (claims, seconds) in [
            (r#"{"exp":1490000000}"#, Some(1_490_000_000.0)),
            (r#"{"exp":1.49e9}"#, Some(1_490_000_000.0)),
            (r#"{"exp":1490000000.75}"#, Some(1_490_000_000.0)),
            (r#"{"exp":1893456000000}"#, Some(1e300)),
            (r#"{"exp":1e300}"#, Some(1e300)),
            (r#"{"exp":null}"#, None),
            (r#"{"sub":"jane"}"#, None),
        ] {
            let expiry = expiry(&token(claims)).unwrap();
            assert_eq!(expiry, seconds.map(from_unix_seconds), "{claims}");
        }
    }

    #[test]
    fn an_invalid_token_is_an_error_that_does_not_quote_it() {
        let good = token(r#"{"exp":1}"#).expose_secret().to_owned();
        let mut malformed: Vec<SecretString> = ["", "s3cr3t", "s3cr3t.s3cr3t", "h.s3cr3t=.s", "h.!.s"]
            .map(Into::into)
            .to_vec();
        malformed.push(format!("{good}.s3cr3t").into());
        malformed.push(token("s3cr3t"));
        malformed.push(token(r#"["s3cr3t"]"#));
        malformed.push(token(r#"{"exp":"s3cr3t"}"#));
        for token in malformed {
            let error = expiry(&token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidToken);
            assert!(!format!("{error:?}").contains("s3cr3t"), "{error}");
        }
    }
}
