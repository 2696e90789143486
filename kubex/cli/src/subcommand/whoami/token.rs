//! The claims of a bearer token that is a JSON web token (RFC 7519). They are not verified.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex::time::from_unix_seconds;
use serde::Serialize;

use crate::view::rfc3339;

/// The identity in a bearer token.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenIdentity {
    /// `jwt`, or `opaque` for a token that only its issuer can read.
    format: &'static str,
    /// Always `false`: only the server can verify a token.
    verified: bool,
    #[serde(flatten)]
    claims: Claims,
    issued_at: Option<String>,
    not_before: Option<String>,
    expires_at: Option<String>,
    expired: bool,
    #[serde(skip)]
    end: Option<SystemTime>,
}

/// The claims about the identity. Claims of an unexpected type are left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    issuer: Option<String>,
    subject: Option<String>,
    audiences: Vec<String>,
    email: Option<String>,
    preferred_username: Option<String>,
    groups: Vec<String>,
}

impl TokenIdentity {
    pub(super) fn read(token: &str, now: SystemTime) -> Self {
        let Some(payload) = payload(token) else {
            return Self {
                format: "opaque",
                ..Self::default()
            };
        };
        let expires_at = time(payload.get("exp"));
        Self {
            format: "jwt",
            verified: false,
            claims: Claims {
                issuer: text(payload.get("iss")),
                subject: text(payload.get("sub")),
                audiences: texts(payload.get("aud")),
                email: text(payload.get("email")),
                preferred_username: text(payload.get("preferred_username")),
                groups: texts(payload.get("groups")),
            },
            issued_at: time(payload.get("iat")).map(rfc3339),
            not_before: time(payload.get("nbf")).map(rfc3339),
            expired: expires_at.is_some_and(|end| end <= now),
            expires_at: expires_at.map(rfc3339),
            end: expires_at,
        }
    }

    /// Whether it has claims that can be read.
    pub(super) fn has_claims(&self) -> bool {
        self.format == "jwt"
    }

    /// When it expires.
    pub(super) fn end(&self) -> Option<SystemTime> {
        self.end
    }

    /// Whether it has expired, by this machine's clock.
    pub(super) fn is_expired(&self) -> bool {
        self.expired
    }

    /// For a table.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let claims = &self.claims;
        let mut rows = vec![("token".to_owned(), self.format.to_owned())];
        let mut add = |field: &str, value: Option<String>| {
            rows.extend(value.map(|value| (format!("token {field}"), value)));
        };
        let joined = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(", "));
        add("issuer", claims.issuer.clone());
        add("subject", claims.subject.clone());
        add("audiences", joined(&claims.audiences));
        add("email", claims.email.clone());
        add("preferred username", claims.preferred_username.clone());
        add("groups", joined(&claims.groups));
        add("issued at", self.issued_at.clone());
        add("not before", self.not_before.clone());
        let expired = if self.expired { " (expired)" } else { "" };
        add(
            "expires at",
            self.expires_at.as_ref().map(|time| format!("{time}{expired}")),
        );
        rows
    }
}

fn payload(token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts.as_slice() else {
        return None;
    };
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn text(claim: Option<&serde_json::Value>) -> Option<String> {
    claim?.as_str().map(str::to_owned)
}

/// A string or a list of strings; audiences are either.
fn texts(claim: Option<&serde_json::Value>) -> Vec<String> {
    match claim {
        Some(serde_json::Value::Array(items)) => items.iter().filter_map(|item| text(Some(item))).collect(),
        claim => text(claim).into_iter().collect(),
    }
}

/// A time in seconds; some issuers write fractions.
fn time(claim: Option<&serde_json::Value>) -> Option<SystemTime> {
    claim?.as_f64().map(from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> TokenIdentity {
        let token = format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(payload));
        TokenIdentity::read(&token, from_unix_seconds(1000.0))
    }

    #[test]
    fn the_claims_about_the_identity_are_read() {
        let identity = read(r#"{"iss":"i","sub":"s","aud":["a","b"],"exp":999.5,"iat":5,"groups":["g",7]}"#);
        assert_eq!(identity.format, "jwt");
        assert_eq!(identity.claims.subject.as_deref(), Some("s"));
        assert_eq!(identity.claims.audiences, ["a", "b"]);
        assert_eq!(identity.claims.groups, ["g"]);
        assert_eq!(identity.expires_at.as_deref(), Some("1970-01-01T00:16:39Z"));
        assert!(identity.expired && !identity.verified);
        assert!(!read(r#"{"exp":1001}"#).expired);
    }

    #[test]
    fn other_tokens_are_opaque_and_claims_of_an_unexpected_type_are_left_out() {
        for token in ["abc", "a.b", "a.b.c.d", "a.!.c", "e30.W10.x"] {
            let identity = TokenIdentity::read(token, SystemTime::UNIX_EPOCH);
            assert_eq!(identity.format, "opaque", "{token}");
        }
        let odd = read(r#"{"sub":{"x":1},"aud":5,"exp":"soon","iat":true}"#);
        assert!(odd.claims.subject.is_none() && odd.claims.audiences.is_empty());
        assert!(odd.expires_at.is_none() && odd.issued_at.is_none());
    }
}
