//! An OpenID Connect issuer for tests: real TLS, real HTTP, a discovery document and a token endpoint.
//!
//! It gives out the id-tokens that the test has written, in order, to a client that sends the current refresh token
//! and is the client it knows. What it answers at a path can be replaced by anything an issuer may do wrong. It
//! listens on 127.0.0.1 only, on a port of its own, and ends when it is dropped.
//!
//! ```
//! use kubex_tests::issuer::{Issuer, TOKEN_PATH, id_token};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let issuer = Issuer::start().await?;
//! issuer.issue([id_token("jane", 1_893_459_600)]);
//! issuer.rotate_refresh_tokens();
//! // ... a client refreshes with `issuer.refresh_token()` at `issuer.url()`, trusting `issuer.ca_pem()` ...
//! assert_eq!(issuer.requests_of(TOKEN_PATH).len(), 0);
//! # Ok(())
//! # }
//! ```

mod answer;
mod listener;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::api_server::serving::ServingTls;

pub use answer::IssuerAnswer;

/// Where the discovery document is, below the issuer's host.
pub const DISCOVERY_PATH: &str = "/realm/.well-known/openid-configuration";
/// Where the token endpoint is.
pub const TOKEN_PATH: &str = "/realm/token";
/// Where a job of GitHub Actions requests its tokens.
pub const ACTIONS_PATH: &str = "/actions/token";
/// The name of the client it knows until a test says otherwise; it has no password.
pub const CLIENT: &str = "kubernetes";

/// An id-token of this subject with this `exp`. It has no signature, because the tests do not check it.
pub fn id_token(subject: &str, expires_at: i64) -> String {
    let claims = json!({"sub": subject, "exp": expires_at}).to_string();
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

/// How the issuer wants to be shown the client's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordStyle {
    /// As HTTP Basic, and in no other way.
    Basic,
    /// As a field of the form, and in no other way.
    Form,
}

/// A running issuer. Every method takes `&self` and works while it runs.
pub struct Issuer {
    origin: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    tls: ServingTls,
    state: Mutex<State>,
}

impl Shared {
    /// Also after a panic under the lock, which has failed its test already.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the issuer knows, and what it remembers.
struct State {
    origin: String,
    client: String,
    password: Option<(String, PasswordStyle)>,
    refresh_token: String,
    is_rotating: bool,
    refreshes: usize,
    actions_token: Option<String>,
    /// The subject tokens that are exchanged, and how long the tokens for them last.
    exchanges: Option<(Vec<String>, Option<Duration>)>,
    id_tokens: Vec<String>,
    replaced: Vec<(String, IssuerAnswer)>,
    requests: Vec<IssuerRequest>,
}

/// One request, as it arrived. It shows secrets in clear: they are a test's own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IssuerRequest {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The `Authorization` header, whole.
    pub authorization: Option<String>,
    /// The fields of its query, decoded.
    pub query: Vec<(String, String)>,
    /// The fields of the form in its body, decoded.
    pub form: Vec<(String, String)>,
    /// The status that was answered; `None` where it never was.
    pub status: Option<StatusCode>,
}

impl IssuerRequest {
    /// A field of the form.
    pub fn field(&self, name: &str) -> Option<&str> {
        find(&self.form, name)
    }

    /// A field of the query.
    pub fn query_field(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }
}

fn find<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let field = fields.iter().find(|(key, _)| key == name);
    field.map(|(_, value)| value.as_str())
}

impl Issuer {
    /// Binds a free port of 127.0.0.1 and serves until it is dropped.
    ///
    /// Fails if the port cannot be bound. Must be called within a tokio runtime.
    pub async fn start() -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let origin = format!("https://127.0.0.1:{}", socket.local_addr()?.port());
        let state = State {
            origin: origin.clone(),
            client: CLIENT.to_owned(),
            password: None,
            refresh_token: "refresh-0".to_owned(),
            is_rotating: false,
            refreshes: 0,
            actions_token: None,
            exchanges: None,
            id_tokens: Vec::new(),
            replaced: Vec::new(),
            requests: Vec::new(),
        };
        let shared = Arc::new(Shared {
            tls: ServingTls::new(vec!["127.0.0.1".to_owned()], false)?,
            state: Mutex::new(state),
        });
        Ok(Self {
            origin,
            accepting: tokio::spawn(listener::accept(socket, Arc::clone(&shared))),
            shared,
        })
    }

    /// The issuer's name and address, with a path: `https://127.0.0.1:PORT/realm`.
    pub fn url(&self) -> String {
        format!("{}/realm", self.origin)
    }

    /// The scheme, host and port alone.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The authority (PEM) which signed its certificate.
    pub fn ca_pem(&self) -> String {
        self.shared.tls.authority_pem().to_owned()
    }

    /// Answers refreshes with these id-tokens in order, and with the last one over and over.
    pub fn issue(&self, id_tokens: impl IntoIterator<Item = String>) {
        self.shared.lock().id_tokens = id_tokens.into_iter().collect();
    }

    /// Knows this client and no other.
    pub fn know_client(&self, name: &str, password: Option<(&str, PasswordStyle)>) {
        let mut state = self.shared.lock();
        name.clone_into(&mut state.client);
        state.password = password.map(|(password, style)| (password.to_owned(), style));
    }

    /// Takes this refresh token from now on, and no other.
    pub fn accept_refresh_token(&self, token: &str) {
        token.clone_into(&mut self.shared.lock().refresh_token);
    }

    /// Serves the jobs of GitHub Actions that show this token, at the address that is returned.
    pub fn serve_actions(&self, token: &str) -> String {
        self.shared.lock().actions_token = Some(token.to_owned());
        format!("{}{ACTIONS_PATH}?api-version=2.0", self.origin)
    }

    /// Exchanges these subject tokens, and no others, for the tokens that are [issued](Self::issue). They are said to last this
    /// long, whatever they contain. Returns the address.
    pub fn exchange_tokens(
        &self,
        subjects: impl IntoIterator<Item = String>,
        lifetime: Option<Duration>,
    ) -> String {
        self.shared.lock().exchanges = Some((subjects.into_iter().collect(), lifetime));
        format!("{}{TOKEN_PATH}", self.origin)
    }

    /// The refresh token that is taken now.
    pub fn refresh_token(&self) -> String {
        self.shared.lock().refresh_token.clone()
    }

    /// Gives out a new refresh token with each id-token, and forgets the one it was asked with.
    pub fn rotate_refresh_tokens(&self) {
        self.shared.lock().is_rotating = true;
    }

    /// Answers every request of this path in this way from now on. A later answer replaces it.
    pub fn answer(&self, path: &str, answer: IssuerAnswer) {
        let mut state = self.shared.lock();
        state.replaced.retain(|(known, _)| known != path);
        state.replaced.push((path.to_owned(), answer));
    }

    /// Answers this path as an issuer should again.
    pub fn answer_properly(&self, path: &str) {
        self.shared.lock().replaced.retain(|(known, _)| known != path);
    }

    /// Its own discovery document, for a test that changes it.
    pub fn discovery_document(&self) -> Value {
        self.shared.lock().discovery_document()
    }

    /// Every request that has arrived, in order.
    pub fn requests(&self) -> Vec<IssuerRequest> {
        self.shared.lock().requests.clone()
    }

    /// The requests of one path.
    pub fn requests_of(&self, path: &str) -> Vec<IssuerRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.path == path);
        requests
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // Its connections are in a `JoinSet` of that task, which aborts them as it is dropped.
        self.accepting.abort();
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}
