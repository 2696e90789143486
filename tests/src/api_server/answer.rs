//! What the server answers to those it knows: what a test has put at a path, else the little it serves itself.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::user::User;

const SELF_SUBJECT_REVIEWS: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// One answer, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: StatusCode,
    location: Option<HeaderValue>,
    body: Option<Value>,
}

/// The body of an answer.
pub(super) struct AnswerBody {
    pub(super) bytes: Full<Bytes>,
    /// Whether it is a list of objects, which can be watched.
    pub(super) is_list: bool,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            location: None,
            body: Some(body),
        }
    }

    /// A `Status` object, the form of every failure of an API server.
    pub(super) fn failure(status: StatusCode, reason: &str, message: &str) -> Self {
        Self::json(
            status,
            json!({
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": reason,
                "code": status.as_u16(),
            }),
        )
    }

    pub(super) fn into_response(self) -> Response<AnswerBody> {
        let is_list = self.status == StatusCode::OK
            && self.body.as_ref().is_some_and(|body| body.get("items").is_some());
        let bytes = self.body.map(|body| Bytes::from(body.to_string()));
        let mut response = Response::new(AnswerBody {
            bytes: Full::new(bytes.unwrap_or_default()),
            is_list,
        });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache, private"),
        );
        match self.location {
            Some(location) => headers.insert(header::LOCATION, location),
            None => headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        };
        response
    }
}

/// The answers that a test has put at paths.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_path: HashMap<String, Answer>,
}

impl Answers {
    #[allow(
        clippy::expect_used,
        reason = "a test that redirects to what no header can hold is wrong itself"
    )]
    pub(super) fn redirect(&mut self, path: String, status: StatusCode, location: String) {
        let location = HeaderValue::try_from(location).expect("the location of a redirect is a URL");
        self.by_path.insert(
            path,
            Answer {
                status,
                location: Some(location),
                body: None,
            },
        );
    }

    pub(super) fn answer(&mut self, path: String, status: StatusCode, body: Value) {
        self.by_path.insert(path, Answer::json(status, body));
    }

    pub(super) fn find(&self, path: &str) -> Option<Answer> {
        self.by_path.get(path).cloned()
    }
}

/// What the server serves of itself.
pub(super) fn route(method: &Method, path: &str, user: &User) -> Answer {
    match (method.as_str(), path) {
        ("POST", SELF_SUBJECT_REVIEWS) => Answer::json(
            StatusCode::CREATED,
            json!({
                "kind": "SelfSubjectReview",
                "apiVersion": "authentication.k8s.io/v1",
                "metadata": {},
                "status": { "userInfo": user.user_info() },
            }),
        ),
        ("GET", "/version") => Answer::json(
            StatusCode::OK,
            json!({
                "major": "1",
                "minor": "36",
                "gitVersion": "v1.36.0",
                "gitCommit": "",
                "gitTreeState": "clean",
                "buildDate": "1970-01-01T00:00:00Z",
                "goVersion": "",
                "compiler": "rustc",
                "platform": "kubex/tests",
            }),
        ),
        ("GET", path) if is_pod_list(path) => Answer::json(
            StatusCode::OK,
            json!({
                "kind": "PodList",
                "apiVersion": "v1",
                "metadata": { "resourceVersion": "1" },
                "items": [],
            }),
        ),
        (_, path) if [SELF_SUBJECT_REVIEWS, "/version"].contains(&path) => Answer::failure(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ),
        _ => Answer::failure(
            StatusCode::NOT_FOUND,
            "NotFound",
            "the server could not find the requested resource",
        ),
    }
}

/// `/api/v1/namespaces/{namespace}/pods`
fn is_pod_list(path: &str) -> bool {
    path.strip_prefix("/api/v1/namespaces/")
        .and_then(|rest| rest.strip_suffix("/pods"))
        .is_some_and(|namespace| !namespace.is_empty() && !namespace.contains('/'))
}
