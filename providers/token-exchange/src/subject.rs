//! The source whose token is exchanged.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kubex_core::credential::jwt;
use kubex_core::text::clean_line;
use kubex_core::{
    Chain, ClientConfiguration, Credential, Credentials, Error, ErrorKind, ExposeSecret, Generation, Host,
    Result, SecretString,
};

/// The chain of the other source, and its live credentials.
#[derive(Debug)]
pub(crate) struct Subject {
    name: String,
    chain: Chain,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Kept, so that its credential is used again and not fetched for each exchange.
    configuration: Option<ClientConfiguration>,
    /// The generation that was exchanged last.
    exchanged: Option<Generation>,
    /// When the issuer last refused a token that was then thrown away.
    replaced: Option<Duration>,
}

/// For this long, another token is not expected to be better: it may have cost a login.
const NEW: Duration = Duration::from_secs(60);

impl Subject {
    pub(crate) fn new(name: &str, chain: Chain) -> Self {
        Self {
            name: name.to_owned(),
            chain,
            state: Mutex::default(),
        }
    }

    /// The name of the source in errors.
    pub(crate) fn name(&self) -> String {
        clean_line(&self.name).into_owned()
    }

    /// The live credentials. The source is resolved once, on the host of the first caller.
    ///
    /// # Errors
    /// Returns the errors of [`Chain::resolve_only`].
    pub(crate) async fn credentials(&self, host: &Host) -> Result<Credentials> {
        let known = self.with_state(|state| state.configuration.clone());
        if let Some(configuration) = known {
            return Ok(configuration.credentials().clone());
        }
        let resolved = self.chain.with_host(host.clone()).resolve_only().await;
        let resolved = resolved.map_err(Error::as_failure)?;
        // Another caller may have been faster, and its credentials are the ones to share.
        let configuration = self.with_state(|state| state.configuration.get_or_insert(resolved).clone());
        Ok(configuration.credentials().clone())
    }

    /// The token to exchange, of these credentials.
    ///
    /// # Errors
    /// Returns the errors of the source; `MissingField` if its credential has no token.
    pub(crate) async fn token(&self, credentials: &Credentials) -> Result<(SecretString, Generation)> {
        let credential = credentials.current().await?;
        match credential.token() {
            Some(token) => Ok((token.clone(), credential.generation())),
            None => Err(self.without_token(&credential)),
        }
    }

    /// The error for a credential that is not a token.
    pub(crate) fn without_token(&self, credential: &Credential) -> Error {
        let name = self.name();
        let what = format_args!(
            "the source \"{name}\" has no token to exchange, but this: {}",
            credential.description()
        );
        Error::new(ErrorKind::MissingField, what).with_help("set \"through\" to a source with a bearer token")
    }

    /// The generation that was exchanged last.
    pub(crate) fn exchanged(&self) -> Option<Generation> {
        self.with_state(|state| state.exchanged)
    }

    /// Records that the issuer accepted the token of this generation.
    pub(crate) fn accept(&self, credentials: &Credentials, generation: Generation) {
        credentials.accept(generation);
        self.with_state(|state| state.exchanged = Some(generation));
    }

    /// Whether the token was issued a moment ago, or in place of one that was refused a moment ago.
    pub(crate) fn is_new(&self, token: &SecretString, host: &Host) -> bool {
        let now = host.now();
        let issued = jwt::issued_at(token.expose_secret());
        let age = issued.and_then(|issued| now.wall.duration_since(issued).ok());
        let replaced = self.with_state(|state| state.replaced);
        let since = replaced.map(|replaced| now.monotonic.saturating_sub(replaced));
        [age, since].into_iter().flatten().any(|time| time < NEW)
    }

    /// Has the source get another token, because the issuer refused this one.
    pub(crate) fn replace(&self, credentials: &Credentials, generation: Generation, host: &Host) {
        credentials.invalidate(generation);
        let now = host.now().monotonic;
        self.with_state(|state| state.replaced = Some(now));
    }

    /// A panic cannot leave the state half changed, so a poisoned lock is safe to use.
    fn with_state<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
