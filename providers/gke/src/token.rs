//! A token response, of Google's token endpoint (RFC 6749) or of the metadata server.

use std::time::{Duration, SystemTime};

use kubex_core::text::{Mask, clean_line};
use kubex_core::{Credential, Error, ErrorKind, ExposeSecret, Result, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::http::Answer;

/// The age at which a token without an expiry is fetched again.
pub(crate) const REVALIDATE_AFTER: Duration = Duration::from_mins(5);

/// The longest lifetime that is believed.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// The maximum number of characters of Google's error that are shown.
const LONGEST_REASON: usize = 300;

/// The fields of a token response that are used here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    access_token: Option<SecretString>,
    expires_in: Option<u64>,
    // Any type is accepted, so that the status is shown even if the response is malformed.
    error: Value,
    error_description: Value,
}

/// Reads the response to a request of `now`. `secrets` are those of the request.
///
/// # Errors
/// `Unavailable` if the server refuses; the error contains its `error` and `error_description` and nothing else of its
/// response. `MalformedDocument` if the response is not a token response.
pub(crate) fn read(answer: &Answer, secrets: &[&str], whom: &str, now: SystemTime) -> Result<Credential> {
    let document = serde_json::from_slice::<Document>(&answer.body);
    if !answer.status.is_success() {
        return Err(refused(answer, &document.unwrap_or_default(), secrets, whom));
    }
    let token = document.as_ref().ok().and_then(|it| it.access_token.clone());
    let token = token.filter(|token| !token.expose_secret().is_empty());
    let (Ok(document), Some(token)) = (document, token) else {
        return Err(Error::new(
            ErrorKind::MalformedDocument,
            format_args!("{whom} returned a response that is not a token response"),
        )
        .with_help("check which program answers at that address"));
    };
    let credential = Credential::bearer(token)?;
    Ok(match document.expires_in {
        Some(seconds) => {
            let lifetime = Duration::from_secs(seconds).min(LONGEST_LIFETIME);
            credential.with_expiry(Some(now + lifetime))
        }
        None => credential.with_revalidate_after(REVALIDATE_AFTER),
    })
}

fn refused(answer: &Answer, document: &Document, secrets: &[&str], whom: &str) -> Error {
    let returned = document.access_token.clone();
    let sent = secrets.iter().map(|secret| SecretString::from(*secret));
    let mask = sent.chain(returned).fold(Mask::new(), Mask::hiding);
    let shown = |value: &Value| {
        let masked = mask.apply(value.as_str().unwrap_or_default());
        let shown: String = clean_line(masked.trim()).chars().take(LONGEST_REASON).collect();
        shown
    };
    let code = shown(&document.error);
    let reason: Vec<String> = [
        code.clone(),
        shown(&document.error_description),
        answer.status.to_string(),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect();
    let error = Error::new(
        ErrorKind::Unavailable,
        format_args!("{whom} refused a token: {}", reason.join(": ")),
    );
    match code.as_str() {
        "invalid_grant" => error.with_help(
            "log in again with `gcloud auth application-default login`; for a service account, check its key and the clock",
        ),
        "invalid_scope" => error.with_help("check \"scopes\""),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use kubex_core::secret::SecretBuffer;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let mut buffer = SecretBuffer::default();
        buffer.append(body.as_bytes());
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: buffer,
        }
    }

    fn read_at_epoch(status: u16, body: &str) -> Result<Credential> {
        read(
            &answer(status, body),
            &["s3cret-grant"],
            "Google",
            SystemTime::UNIX_EPOCH,
        )
    }

    #[test]
    fn the_expiry_is_what_the_response_says() {
        let seconds = |body| {
            let expiry = read_at_epoch(200, body).unwrap().expires_at();
            expiry.map(|it| it.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
        };
        assert_eq!(seconds(r#"{"access_token":"t","expires_in":3599}"#), Some(3599));
        assert_eq!(
            seconds(r#"{"access_token":"t","expires_in":99999999999}"#),
            Some(86400)
        );
        assert_eq!(seconds(r#"{"access_token":"t"}"#), None);
        let without = read_at_epoch(200, r#"{"access_token":"t"}"#).unwrap();
        assert_eq!(without.revalidate_after(), Some(REVALIDATE_AFTER));
    }

    #[test]
    fn what_is_not_a_token_response_is_an_error_that_quotes_nothing() {
        for body in [
            "",
            "s3cret",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            "[]",
        ] {
            let error = read_at_epoch(200, body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MalformedDocument, "{body}");
            assert!(!error.message().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_refusal_shows_its_code_and_description_and_no_secret() {
        let body = r#"{"error":"invalid_grant","error_description":"Bad s3cret-grant"}"#;
        let error = read_at_epoch(400, body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(
            error.message(),
            "Google refused a token: invalid_grant: Bad [masked]: 400 Bad Request"
        );
        assert!(error.help().unwrap().contains("gcloud auth"), "{error}");
        let error = read_at_epoch(500, "not JSON").unwrap_err();
        assert_eq!(
            error.message(),
            "Google refused a token: 500 Internal Server Error"
        );
    }
}
