//! The response of the issuer: a token (RFC 8693, 2.2.1), or a refusal (2.2.2).

use std::time::{Duration, SystemTime};

use kubex_core::credential::jwt;
use kubex_core::text::clean_line;
use kubex_core::{Credential, Error, ErrorKind, ExposeSecret, Result, SecretString};
use kubex_tls::issuer::IssuerResponse;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::token_type::TokenType;

/// The longest error code of an issuer that is shown. Those that are registered have at most 31 characters.
const LONGEST_CODE: usize = 40;

/// A refusal of the issuer. Of its response, it keeps nothing but the error code.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// Lower-case letters and underscores, as all codes that are registered; empty if there is none of this form.
    code: String,
}

impl Refusal {
    /// Whether the issuer may accept another token of the subject. The RFC has no code of its own for a token that is not
    /// valid.
    pub(crate) fn may_be_about_the_subject(&self) -> bool {
        matches!(&*self.code, "invalid_request" | "invalid_grant" | "invalid_token")
    }

    /// Whether it may as well be about an option, such as the audience: the RFC has the same code for both.
    pub(crate) fn may_be_about_the_request(&self) -> bool {
        self.code == "invalid_request"
    }

    /// `whom` is the issuer, and `through` the source of the subject token.
    pub(crate) fn into_error(self, whom: &str, through: &str) -> Error {
        let Self { status, code } = self;
        let reason = if code.is_empty() {
            status.to_string()
        } else {
            format!("{code} ({status})")
        };
        let error = Error::new(
            ErrorKind::Unavailable,
            format_args!("{whom} did not exchange the token of \"{through}\": {reason}"),
        );
        match &*code {
            "invalid_client" | "unauthorized_client" => {
                error.with_help("check \"client-id\", its secret, and whether the client may exchange tokens")
            }
            "invalid_target" => error.with_help("check \"audience\" and \"resource\""),
            "invalid_scope" => error.with_help("check \"scope\""),
            "unsupported_grant_type" => error.with_help("enable token exchange (RFC 8693) at the issuer"),
            _ if self.status.is_redirection() => {
                error.with_help("set \"endpoint\" to the target of the redirect; redirects are not followed")
            }
            _ if status == StatusCode::UNAUTHORIZED => error.with_help("check \"client-id\" and its secret"),
            _ if status.is_client_error() && !code.is_empty() => error.with_help(format_args!(
                "check that the issuer accepts the tokens of \"{through}\", and \"subject-token-type\""
            )),
            _ => error.with_help("check \"endpoint\""),
        }
    }
}

#[derive(Deserialize)]
struct Document {
    access_token: Option<SecretString>,
    issued_token_type: Option<String>,
    token_type: Option<String>,
    // Any type is accepted, so that the status is shown even if the issuer's response is malformed.
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    error: Value,
}

/// Reads a response to a request that was sent at this time. The outer error is about the form of the response, the inner
/// one is the issuer's.
///
/// # Errors
/// `MalformedDocument`; `Unsupported` for a token that is not a bearer token; `InvalidToken`.
pub(crate) fn read(
    response: &IssuerResponse,
    requested: Option<&TokenType>,
    sent_at: SystemTime,
    whom: &str,
) -> Result<Result<Credential, Refusal>> {
    let document = serde_json::from_slice::<Document>(&response.body).ok();
    let code = document.as_ref().and_then(|document| document.error.as_str());
    if !response.status.is_success() || code.is_some() {
        return Ok(Err(Refusal {
            status: response.status,
            code: code.filter(|code| is_code(code)).unwrap_or_default().to_owned(),
        }));
    }
    let malformed = |what: &str| {
        let what = format_args!("{whom} returned {what}");
        Error::new(ErrorKind::MalformedDocument, what).with_help("check \"endpoint\"")
    };
    let Some(Document {
        access_token: Some(token),
        issued_token_type: Some(issued),
        token_type: Some(scheme),
        expires_in,
        ..
    }) = document
    else {
        return Err(malformed("a response that is not one of a token exchange"));
    };
    check_type(&TokenType::from_response(issued), &scheme, requested, whom)?;
    let lifetime = lifetime(&expires_in).map_err(|()| malformed("an \"expires_in\" that is not a number"))?;
    // Counted from before the request, so that it never ends later than the issuer means.
    let end = match lifetime {
        Some(lifetime) => sent_at.checked_add(lifetime),
        None => jwt::expiry(token.expose_secret()),
    };
    let credential = Credential::bearer(token).map_err(|error| {
        let what = format_args!("{whom} returned an invalid token: {}", error.message());
        Error::new(error.kind(), what).with_help("check \"endpoint\"")
    })?;
    Ok(Ok(credential.with_expiry(end)))
}

/// Whether a code has the form of those that are registered. Anything else may quote the request.
fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Whether the token can be sent as a bearer token. `N_A` means that it is not an access token; an API server accepts an
/// id-token or another JSON web token nevertheless.
fn check_type(issued: &TokenType, scheme: &str, requested: Option<&TokenType>, whom: &str) -> Result<()> {
    if let Some(requested) = requested.filter(|requested| *requested != issued) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format_args!(
                "{whom} issued a token of the type \"{}\" in place of \"{}\"",
                shown(issued.as_str()),
                shown(requested.as_str())
            ),
        )
        .with_help("change \"requested-token-type\", or what the issuer issues"));
    }
    let is_bearer = scheme.eq_ignore_ascii_case("bearer")
        || (scheme.eq_ignore_ascii_case("n_a") && (issued.is_a_web_token() || requested.is_some()));
    if is_bearer && issued.can_be_a_bearer_token() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format_args!(
            "{whom} issued a token of the type \"{}\", to be used as \"{}\", which is not a bearer token",
            shown(issued.as_str()),
            shown(scheme)
        ),
    )
    .with_help("set \"requested-token-type\" to one that the API server accepts"))
}

/// A text of the issuer, which may be of any length.
fn shown(text: &str) -> String {
    let is_ordinary = |c: &char| c.is_ascii_alphanumeric() || ":/._-".contains(*c);
    let cut: String = text.chars().take_while(is_ordinary).take(100).collect();
    clean_line(&cut).into_owned()
}

/// The lifetime in seconds: a number, or as some issuers write it, a text with one. A negative one has ended.
fn lifetime(value: &Value) -> Result<Option<Duration>, ()> {
    let seconds = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64().ok_or(())?,
        Value::String(text) => text.parse::<u32>().map_err(|_| ())?.into(),
        _ => return Err(()),
    };
    // More than the range of a duration means that it does not end.
    Ok(Some(
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

    fn read_json(status: u16, body: &Value, requested: Option<&str>) -> Result<Result<Credential, Refusal>> {
        let mut buffer = kubex_core::secret::SecretBuffer::default();
        buffer.append(body.to_string().as_bytes());
        let response = IssuerResponse {
            status: StatusCode::from_u16(status).unwrap(),
            body: buffer,
        };
        let requested = requested.map(|it| TokenType::from_response(it.to_owned()));
        read(
            &response,
            requested.as_ref(),
            SystemTime::UNIX_EPOCH,
            "the issuer",
        )
    }

    fn answer(issued: &str, scheme: &str) -> Value {
        json!({"access_token": "t", "issued_token_type": issued, "token_type": scheme})
    }

    #[test]
    fn a_token_that_is_not_an_access_token_is_taken_if_an_api_server_can_accept_it() {
        let saml = "urn:ietf:params:oauth:token-type:saml2";
        let own = "https://issuer.example/kubernetes";
        for (issued, scheme, requested, is_taken) in [
            (ACCESS, "Bearer", None, true),
            (ACCESS, "bearer", Some(ACCESS), true),
            (ACCESS, "Bearer", Some(JWT), false),
            (ACCESS, "N_A", None, false),
            (ACCESS, "DPoP", None, false),
            (JWT, "N_A", None, true),
            (JWT, "n_a", Some(JWT), true),
            (saml, "N_A", None, false),
            (saml, "N_A", Some(saml), false),
            (saml, "Bearer", None, false),
            (own, "Bearer", None, true),
            (own, "N_A", None, false),
            (own, "N_A", Some(own), true),
            (JWT, "", None, false),
        ] {
            let read = read_json(200, &answer(issued, scheme), requested);
            let is_refused = matches!(&read, Err(error) if error.kind() == ErrorKind::Unsupported);
            assert_eq!(
                (read.is_ok(), is_refused),
                (is_taken, !is_taken),
                "{issued} {scheme}: {read:?}"
            );
        }
    }

    #[test]
    fn a_token_ends_when_the_issuer_says_so_and_else_by_its_own_claim() {
        let end = |expires_in: Value, token: &str| {
            let mut body = answer(JWT, "Bearer");
            body["access_token"] = token.into();
            body["expires_in"] = expires_in;
            read_json(200, &body, None).map(|read| read.unwrap().expires_at())
        };
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let web_token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.";
        assert_eq!(end(json!(300), web_token).unwrap(), at(300));
        assert_eq!(end(json!("300"), "t").unwrap(), at(300));
        assert_eq!(end(json!(0), "t").unwrap(), at(0));
        assert_eq!(end(json!(-5), "t").unwrap(), at(0));
        assert_eq!(end(json!(1e300), "t").unwrap(), None);
        assert_eq!(end(Value::Null, web_token).unwrap(), at(1_700_000_000));
        assert_eq!(end(Value::Null, "t").unwrap(), None);
        for invalid in [json!("soon"), json!([300]), json!(true)] {
            assert_eq!(
                end(invalid, "t").unwrap_err().kind(),
                ErrorKind::MalformedDocument
            );
        }
    }

    #[test]
    fn of_a_refusal_only_a_code_of_the_registered_form_is_shown() {
        for (body, shown) in [
            (
                json!({"error": "invalid_target", "error_description": "s3cret"}),
                "invalid_target",
            ),
            (json!({"error": "S3CRET"}), ": 400"),
            (json!({"error": "a".repeat(41)}), ": 400"),
            (json!({"error": {"s3cret": 1}}), ": 400"),
            (json!("s3cret"), ": 400"),
        ] {
            let refusal = read_json(400, &body, None).unwrap().unwrap_err();
            let message = refusal.into_error("the issuer", "job").to_string();
            assert!(message.contains(shown), "{message}");
            assert!(!message.to_lowercase().contains("s3cret"), "{message}");
        }
    }
}
