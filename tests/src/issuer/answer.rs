//! What the issuer answers: properly, or as a test wants it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{ACTIONS_PATH, DISCOVERY_PATH, IssuerRequest, PasswordStyle, State, TOKEN_PATH};

/// The grant type of a token exchange (RFC 8693, 2.1).
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The token type that is issued unless another one is requested.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// An answer in the place of the proper one.
#[derive(Debug, Clone)]
pub enum IssuerAnswer {
    /// This status and JSON.
    Json(StatusCode, Value),
    /// This status and these bytes, whatever they are.
    Raw(StatusCode, Bytes),
    /// A redirect to this address.
    Redirect(StatusCode, String),
    /// None: the connection stays open and silent.
    Silence,
}

impl IssuerAnswer {
    /// The answer as HTTP; `None` for silence.
    #[allow(
        clippy::expect_used,
        reason = "a test that redirects to what no header can hold is wrong itself"
    )]
    pub(super) fn into_response(self) -> Option<Response<Full<Bytes>>> {
        let (status, body, location) = match self {
            Self::Json(status, body) => (status, body.to_string().into(), None),
            Self::Raw(status, body) => (status, body, None),
            Self::Redirect(status, location) => (status, Bytes::new(), Some(location)),
            Self::Silence => return None,
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(location) = location {
            let location = HeaderValue::try_from(location).expect("the location of a redirect is a URL");
            headers.insert(header::LOCATION, location);
        }
        Some(response)
    }

    /// A refusal of the token endpoint (RFC 6749, 5.2).
    fn refusal(status: StatusCode, error: &str) -> Self {
        Self::Json(
            status,
            json!({"error": error, "error_description": format!("the issuer says {error}")}),
        )
    }
}

/// Reads what of a request is remembered.
pub(super) fn read(method: Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> IssuerRequest {
    IssuerRequest {
        method,
        path: uri.path().to_owned(),
        query: fields(uri.query().unwrap_or_default()),
        authorization: headers
            .get(header::AUTHORIZATION)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        form: fields(&String::from_utf8_lossy(body)),
        status: None,
    }
}

fn fields(encoded: &str) -> Vec<(String, String)> {
    let fields = encoded.split('&').filter_map(|field| field.split_once('='));
    fields
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    Cow::into_owned(percent_decode_str(&spaced).decode_utf8_lossy())
}

impl State {
    /// The answer to a request. A refresh that succeeds uses up its id-token and, where they rotate, its refresh
    /// token.
    pub(super) fn respond(&mut self, request: &IssuerRequest) -> IssuerAnswer {
        if let Some((_, answer)) = self.replaced.iter().find(|(path, _)| *path == request.path) {
            return answer.clone();
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", DISCOVERY_PATH) => IssuerAnswer::Json(StatusCode::OK, self.discovery_document()),
            ("POST", TOKEN_PATH) if request.field("grant_type") == Some(EXCHANGE) => self.exchange(request),
            ("POST", TOKEN_PATH) => self.refresh(request),
            ("GET", ACTIONS_PATH) => self.token_of_a_job(request),
            _ => IssuerAnswer::refusal(StatusCode::NOT_FOUND, "not_found"),
        }
    }

    pub(super) fn discovery_document(&self) -> Value {
        json!({
            "issuer": format!("{}/realm", self.origin),
            "authorization_endpoint": format!("{}/realm/authorize", self.origin),
            "token_endpoint": format!("{}{TOKEN_PATH}", self.origin),
            "jwks_uri": format!("{}/realm/keys", self.origin),
        })
    }

    /// The token of a job, if it shows the token of the request and names an audience.
    fn token_of_a_job(&mut self, request: &IssuerRequest) -> IssuerAnswer {
        let expected = self.actions_token.as_ref().map(|token| format!("Bearer {token}"));
        if expected.is_none() || request.authorization != expected {
            return IssuerAnswer::refusal(StatusCode::UNAUTHORIZED, "invalid_token");
        }
        if request.query_field("audience").is_none() {
            return IssuerAnswer::refusal(StatusCode::BAD_REQUEST, "invalid_request");
        }
        match self.next_id_token() {
            Some(id_token) => IssuerAnswer::Json(StatusCode::OK, json!({"count": 1, "value": id_token})),
            None => IssuerAnswer::refusal(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        }
    }

    /// The next of the id-tokens, and the last one over and over.
    fn next_id_token(&mut self) -> Option<String> {
        let last = self.id_tokens.len().saturating_sub(1);
        let id_token = self.id_tokens.get(self.refreshes.min(last)).cloned()?;
        self.refreshes += 1;
        Some(id_token)
    }

    fn refresh(&mut self, request: &IssuerRequest) -> IssuerAnswer {
        if !self.knows(request) {
            return IssuerAnswer::refusal(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        if request.field("grant_type") != Some("refresh_token") {
            return IssuerAnswer::refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        if request.field("refresh_token") != Some(&self.refresh_token) {
            return IssuerAnswer::refusal(StatusCode::BAD_REQUEST, "invalid_grant");
        }
        let Some(id_token) = self.next_id_token() else {
            return IssuerAnswer::refusal(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        };
        let mut tokens = json!({"token_type": "Bearer", "access_token": "opaque", "id_token": id_token});
        if self.is_rotating {
            self.refresh_token = format!("refresh-{}", self.refreshes);
            tokens["refresh_token"] = self.refresh_token.clone().into();
        }
        IssuerAnswer::Json(StatusCode::OK, tokens)
    }

    /// A token for a subject token (RFC 8693, 2.2).
    fn exchange(&mut self, request: &IssuerRequest) -> IssuerAnswer {
        let has_client = request.field("client_id").is_some() || request.authorization.is_some();
        if (has_client || self.password.is_some()) && !self.knows(request) {
            return IssuerAnswer::refusal(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let Some((subjects, lifetime)) = self.exchanges.clone() else {
            return IssuerAnswer::refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        };
        let subject = request.field("subject_token");
        let is_known = subject.is_some_and(|subject| subjects.iter().any(|known| known == subject));
        if !is_known || request.field("subject_token_type").is_none() {
            return IssuerAnswer::refusal(StatusCode::BAD_REQUEST, "invalid_request");
        }
        if request.field("audience") == Some("unknown") {
            return IssuerAnswer::refusal(StatusCode::BAD_REQUEST, "invalid_target");
        }
        let Some(token) = self.next_id_token() else {
            return IssuerAnswer::refusal(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        };
        let issued = request.field("requested_token_type").unwrap_or(ACCESS_TOKEN);
        let scheme = if issued == ACCESS_TOKEN { "Bearer" } else { "N_A" };
        let mut answer = json!({"access_token": token, "issued_token_type": issued, "token_type": scheme});
        if let Some(lifetime) = lifetime {
            answer["expires_in"] = lifetime.as_secs().into();
        }
        IssuerAnswer::Json(StatusCode::OK, answer)
    }

    /// Whether the request is the client's, shown in the one way that is wanted.
    fn knows(&self, request: &IssuerRequest) -> bool {
        let in_form = (request.field("client_id"), request.field("client_secret"));
        let basic = request.authorization.as_deref().and_then(basic_pair);
        match &self.password {
            None => basic.is_none() && in_form == (Some(&self.client), None),
            Some((password, PasswordStyle::Form)) => {
                basic.is_none() && in_form == (Some(&self.client), Some(password))
            }
            Some((password, PasswordStyle::Basic)) => {
                in_form == (None, None) && basic == Some((self.client.clone(), password.clone()))
            }
        }
    }
}

/// Name and password of an `Authorization` header, each decoded as RFC 6749, 2.3.1 wants it.
fn basic_pair(authorization: &str) -> Option<(String, String)> {
    let encoded = authorization.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    Some((decode(name), decode(password)))
}
