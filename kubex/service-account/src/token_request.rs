//! The credential source: a TokenRequest (`authentication.k8s.io/v1`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credential::jwt;
use kubex_core::secret::SecretBuffer;
use kubex_core::time::parse_rfc3339;
use kubex_core::{
    Chain, ClientConfiguration, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    Origin, Result, SecretString,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::options::BoundObject;

/// How long the request may take, beside what the other source needs for its credential.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// The maximum size of a response, in bytes.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Requests the tokens of one service account.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    path: String,
    body: Value,
    description: String,
    origin: Origin,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The chain of the other source, from the last time that it was resolved.
    through: Option<Chain>,
    through_deadline: Duration,
    /// The last configuration, kept so that its credential is used again and not fetched for each token.
    last: Option<ClientConfiguration>,
}

/// The part of the response that is used.
#[derive(Deserialize)]
struct Answer {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: SecretString,
    expiration_timestamp: Option<String>,
}

impl TokenRequest {
    pub(crate) fn new(
        (namespace, name): (&str, &str),
        (audiences, lifetime, bound_object): (Vec<String>, Option<Duration>, Option<BoundObject>),
        description: String,
        origin: Origin,
    ) -> Self {
        let mut spec = json!({"audiences": audiences});
        if let (Some(spec), Some(lifetime)) = (spec.as_object_mut(), lifetime) {
            spec.insert("expirationSeconds".to_owned(), lifetime.as_secs().into());
        }
        if let (Some(spec), Some(bound)) = (spec.as_object_mut(), bound_object) {
            let mut reference = json!({"apiVersion": "v1", "kind": bound.kind, "name": bound.name});
            if let (Some(reference), Some(uid)) = (reference.as_object_mut(), bound.uid) {
                reference.insert("uid".to_owned(), uid.into());
            }
            spec.insert("boundObjectRef".to_owned(), reference);
        }
        Self {
            path: format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"),
            body: json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}),
            description,
            origin,
            state: Mutex::default(),
        }
    }

    /// Sets the chain of the other source, and the time limit of a fetch of its credential.
    pub(crate) fn go_through(&self, chain: Chain, deadline: Duration) {
        self.with_state(|state| {
            state.through = Some(chain);
            state.through_deadline = deadline;
        });
    }

    /// A panic cannot leave the state half changed, so a poisoned lock is safe to use.
    fn with_state<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn request(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let Some(through) = self.with_state(|state| state.through.clone()) else {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the other source has not been resolved",
            ));
        };
        let through = through.with_host(request.host.clone());
        let configuration = through.resolve_only().await.map_err(Error::as_failure)?;
        let server = &configuration.cluster().server;
        if *server != request.cluster.server {
            return Err(Error::new(
                ErrorKind::Refused,
                format_args!(
                    "a token of {server} is not for {}, which an override sets",
                    request.cluster.server
                ),
            )
            .with_help("override the server of the source that the token is requested through"));
        }
        let client = kubex::reqwest::Client::new(&configuration)?;
        let mut response = client.post(&self.path)?.json(&self.body).send().await?;
        let status = response.status();
        if !status.is_success() {
            let error = Error::new(
                ErrorKind::Unavailable,
                format_args!("{server} responded {status} to the request for a token"),
            );
            return Err(error.with_help(match status.as_u16() {
                401 => "check the identity that the token is requested with",
                403 => "allow that identity to create serviceaccounts/token in the namespace",
                404 => "check the namespace and the name of the service account",
                _ => "check \"audiences\", \"lifetime\" and \"bound-object\"",
            }));
        }
        let malformed = |what: &str| {
            Error::new(
                ErrorKind::MalformedDocument,
                format_args!("{server} returned {what}"),
            )
            .with_help("check which program answers at the server's address")
        };
        let mut body = SecretBuffer::default();
        while let Some(chunk) = response.chunk().await? {
            if !body.append_within(LARGEST_ANSWER, &chunk) {
                return Err(malformed("more than 1 MiB in place of a token"));
            }
        }
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| malformed("no TokenRequest"))?;
        let written = answer
            .status
            .expiration_timestamp
            .as_deref()
            .and_then(parse_rfc3339);
        let Some(expiry) = written.or_else(|| jwt::expiry(answer.status.token.expose_secret())) else {
            return Err(malformed("a token without an expiry"));
        };
        self.with_state(|state| state.last = Some(configuration));
        Ok(Credential::bearer(answer.status.token)?.with_expiry(Some(expiry)))
    }
}

#[async_trait]
impl CredentialSource for TokenRequest {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let fetched = Box::pin(self.request(request)).await;
        fetched.map_err(|error| error.or_origin(&self.origin))
    }

    fn describe(&self) -> String {
        self.description.clone()
    }

    /// The other source may need a credential first.
    fn deadline(&self) -> Duration {
        REQUEST_LIMIT + self.with_state(|state| state.through_deadline)
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }
}
