//! What the server remembers of a request, so that a test can ask what really arrived.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version, header};

/// One request, as it arrived and as it was decided.
///
/// It shows credentials in clear, in its `Debug` form too: that is what it is for, and they are a test's own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded: `/api/v1/namespaces/default/pods`.
    pub path: String,
    /// What follows the `?`, if there is one.
    pub query: Option<String>,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: Version,
    /// All headers.
    pub headers: HeaderMap,
    /// The first `Authorization` header, whole: `Bearer t0ken`.
    pub authorization: Option<String>,
    /// The certificate that the client showed in its handshake, trusted or not.
    pub client_certificate: Option<RecordedCertificate>,
    /// The name that the client asked for in its handshake (SNI). Clients name no IP address.
    pub server_name: Option<String>,
    /// The number of its connection, from 1: equal numbers, same connection.
    pub connection: u64,
    /// The `Impersonate-*` headers, names in lower case, values as they came; repeated ones are repeated, in order.
    pub impersonation: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// The user that the credential stands for: who asks. `None` if the request was refused.
    pub authenticated_as: Option<String>,
    /// The user that the request acts as: the impersonated one if there is one, else the one that asks.
    pub user: Option<String>,
    /// The status that was answered.
    pub status: StatusCode,
}

/// The client certificate of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedCertificate {
    /// The common name of its subject; empty if it has none.
    pub common_name: String,
    /// The SHA-256 of its DER form in lower-case hexadecimal, as in `X509SHA256=...` of a review.
    pub sha256: String,
}

impl RecordedRequest {
    /// The bearer token of the request, if it has one that the server would read.
    pub fn bearer_token(&self) -> Option<&str> {
        self.authorization.as_deref().and_then(bearer_token)
    }

    /// Whether nothing in the request identifies its sender: no certificate, no `Authorization`,
    /// `Proxy-Authorization` or `Cookie` header, no impersonation.
    pub fn is_free_of_credentials(&self) -> bool {
        self.client_certificate.is_none()
            && self.impersonation.is_empty()
            && [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE]
                .iter()
                .all(|name| !self.headers.contains_key(name))
    }
}

/// Reads the token of an `Authorization` header as kube-apiserver does (`bearertoken.go`): the scheme in any case, the
/// token between the first space and the second. Two spaces enclose an empty token, which is none.
pub(super) fn bearer_token(authorization: &str) -> Option<&str> {
    let mut parts = authorization.trim().splitn(3, ' ');
    let scheme = parts.next()?;
    let token = parts.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::bearer_token;

    #[test]
    fn a_bearer_token_stands_between_the_first_space_and_the_second() {
        assert_eq!(bearer_token("Bearer t0ken"), Some("t0ken"));
        assert_eq!(bearer_token(" bEARER t0ken and more"), Some("t0ken"));
        assert_eq!(bearer_token("Bearer  t0ken"), None);
        assert_eq!(bearer_token("Bearer"), None);
        assert_eq!(bearer_token("Bearer "), None);
        assert_eq!(bearer_token("Basic t0ken"), None);
    }
}
