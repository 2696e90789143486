//! What a bearer token says of itself, where it is a JSON web token (RFC 7519). Nothing of it is verified.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;

/// What is read of a token.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct TokenIdentity {
    /// `jwt`, or `opaque` for a token of which only its issuer knows what it means.
    format: &'static str,
    /// Always `false`: the server verifies, and nobody else can.
    is_verified: bool,
    #[serde(flatten)]
    claims: Claims,
    issued_at: Option<String>,
    not_before: Option<String>,
    expires_at: Option<String>,
    has_expired: bool,
}

/// The claims that say who. Those that are no text are left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Claims {
    issuer: Option<String>,
    subject: Option<String>,
    audiences: Vec<String>,
    email: Option<String>,
    preferred_username: Option<String>,
    groups: Vec<String>,
}

impl TokenIdentity {
    pub(super) fn of(token: &str, now: Timestamp) -> Self {
        let Some(payload) = payload(token) else {
            return Self {
                format: "opaque",
                ..Self::default()
            };
        };
        let expires_at = time(payload.get("exp"));
        Self {
            format: "jwt",
            is_verified: false,
            claims: Claims {
                issuer: text(payload.get("iss")),
                subject: text(payload.get("sub")),
                audiences: texts(payload.get("aud")),
                email: text(payload.get("email")),
                preferred_username: text(payload.get("preferred_username")),
                groups: texts(payload.get("groups")),
            },
            issued_at: time(payload.get("iat")).map(|time| time.to_string()),
            not_before: time(payload.get("nbf")).map(|time| time.to_string()),
            has_expired: expires_at.is_some_and(|end| end <= now),
            expires_at: expires_at.map(|time| time.to_string()),
        }
    }

    /// Whether it says anything of itself.
    pub(super) fn says_who(&self) -> bool {
        self.format == "jwt"
    }

    /// For a table.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let claims = &self.claims;
        let mut rows = vec![("token".to_owned(), self.format.to_owned())];
        let mut add = |field: &str, value: Option<String>| {
            rows.extend(value.map(|value| (format!("token {field}"), value)));
        };
        let joined = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(" "));
        add("issuer", claims.issuer.clone());
        add("subject", claims.subject.clone());
        add("audiences", joined(&claims.audiences));
        add("email", claims.email.clone());
        add("preferred username", claims.preferred_username.clone());
        add("groups", joined(&claims.groups));
        add("issued at", self.issued_at.clone());
        add("not before", self.not_before.clone());
        let expired = if self.has_expired { ", which is past" } else { "" };
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

/// A text or a list of texts; both are used for audiences.
fn texts(claim: Option<&serde_json::Value>) -> Vec<String> {
    match claim {
        Some(serde_json::Value::Array(items)) => items.iter().filter_map(|item| text(Some(item))).collect(),
        claim => text(claim).into_iter().collect(),
    }
}

/// A time in seconds; some issuers write fractions of them.
fn time(claim: Option<&serde_json::Value>) -> Option<Timestamp> {
    let claim = claim?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond the range saturates, and is refused next"
    )]
    let seconds = claim
        .as_i64()
        .or_else(|| claim.as_f64().map(|seconds| seconds.floor() as i64))?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> TokenIdentity {
        let token = format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(payload));
        TokenIdentity::of(&token, Timestamp::from_second(1000).unwrap())
    }

    #[test]
    fn the_claims_that_say_who_are_read() {
        let identity = read(r#"{"iss":"i","sub":"s","aud":["a","b"],"exp":999.5,"iat":5,"groups":["g",7]}"#);
        assert_eq!(identity.format, "jwt");
        assert_eq!(identity.claims.subject.as_deref(), Some("s"));
        assert_eq!(identity.claims.audiences, ["a", "b"]);
        assert_eq!(identity.claims.groups, ["g"]);
        assert_eq!(identity.expires_at.as_deref(), Some("1970-01-01T00:16:39Z"));
        assert!(identity.has_expired && !identity.is_verified);
        assert!(!read(r#"{"exp":1001}"#).has_expired);
    }

    #[test]
    fn what_is_no_json_web_token_is_opaque_and_odd_claims_are_left_out() {
        for token in ["abc", "a.b", "a.b.c.d", "a.!.c", "e30.W10.x"] {
            let identity = TokenIdentity::of(token, Timestamp::UNIX_EPOCH);
            assert_eq!(identity.format, "opaque", "{token}");
        }
        let odd = read(r#"{"sub":{"x":1},"aud":5,"exp":"soon","iat":1e300}"#);
        assert!(odd.claims.subject.is_none() && odd.claims.audiences.is_empty());
        assert!(odd.expires_at.is_none() && odd.issued_at.is_none());
    }
}
