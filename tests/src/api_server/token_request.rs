//! Tokens of service accounts: `POST .../serviceaccounts/{name}/token`.

use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::user::User;
use super::{Shared, held};

/// The audience of the server itself.
pub const AUDIENCE: &str = "https://kubernetes.default.svc";

/// The shortest and the usual lifetime.
const SHORTEST: u64 = 600;
const USUAL: u64 = 3600;

/// The service accounts that exist.
#[derive(Debug, Default)]
pub(super) struct ServiceAccounts {
    names: Vec<String>,
    longest: Option<Duration>,
    issued: usize,
}

impl ServiceAccounts {
    pub(super) fn add(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    pub(super) fn limit(&mut self, longest: Duration) {
        self.longest = Some(longest);
    }
}

/// The answer to a request for a token; `None` for any other request.
pub(super) fn serve(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Option<Answer> {
    let rest = path.strip_prefix("/api/v1/namespaces/")?.strip_suffix("/token")?;
    let (namespace, name) = rest.split_once("/serviceaccounts/")?;
    if method != Method::POST {
        return None;
    }
    let mut accounts = held(&shared.service_accounts);
    if !accounts.names.contains(&format!("{namespace}/{name}")) {
        let message = format!("serviceaccounts \"{name}\" not found");
        return Some(Answer::failure(StatusCode::NOT_FOUND, "NotFound", &message));
    }
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let spec = &asked["spec"];
    let seconds = spec["expirationSeconds"].as_u64().unwrap_or(USUAL);
    if seconds < SHORTEST {
        let message = "spec.expirationSeconds: may not specify a duration less than 10 minutes";
        return Some(Answer::failure(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            message,
        ));
    }
    let longest = accounts.longest.map_or(seconds, |longest| longest.as_secs());
    let lifetime = Duration::from_secs(seconds.min(longest));
    accounts.issued += 1;
    let end = SystemTime::now() + lifetime;
    let since_epoch = end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let claims = json!({"sub": format!("system:serviceaccount:{namespace}:{name}"), "aud": spec["audiences"],
        "exp": since_epoch.as_secs(), "jti": accounts.issued.to_string()});
    let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let audiences = spec["audiences"].as_array().cloned().unwrap_or_default();
    if audiences.is_empty() || audiences.contains(&json!(AUDIENCE)) {
        let user = User::new(format!("system:serviceaccount:{namespace}:{name}"));
        held(&shared.authenticator).accept_token(token.clone(), user, Some(Instant::now() + lifetime));
    }
    Some(Answer::json(
        StatusCode::CREATED,
        json!({
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {},
            "spec": spec,
            "status": {"token": token, "expirationTimestamp": rfc3339(end)},
        }),
    ))
}

/// The time as the server writes it, in whole seconds.
fn rfc3339(time: SystemTime) -> Option<String> {
    let time = jiff::Timestamp::try_from(time).ok()?;
    jiff::Timestamp::from_second(time.as_second())
        .ok()
        .map(|time| time.to_string())
}
