//! The tokens of one user, of which one caller at a time refreshes them.
//!
//! If one refresh token is used twice at once, an issuer that rotates it treats the second use as theft. One refresh
//! therefore runs at a time. A turn ends by its deadline, by the clock of the caller that waits for it, because its
//! holder may run on a blocked runtime.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kubex_core::{ExposeSecret, Host, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::grant::Style;

/// The current tokens. They are kept in memory, and the refresh token in a store if the source has one.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) id_token: Option<SecretString>,
    /// When the id-token arrived or was first used.
    pub(crate) since: Option<SystemTime>,
    pub(crate) refresh_token: Option<SecretString>,
    /// What the kubeconfig contained when it was last read or written, if the tokens are written to it.
    pub(crate) in_file: InFile,
    pub(crate) style: Option<Style>,
}

/// The tokens in a kubeconfig.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFile {
    pub(crate) id_token: Option<SecretString>,
    pub(crate) refresh_token: Option<SecretString>,
}

/// What a store keeps of the tokens. The id-token is in the store already, as the credential.
#[derive(Deserialize)]
struct Saved {
    refresh_token: SecretString,
    style: Option<Style>,
}

#[derive(Serialize)]
struct Saving<'t> {
    refresh_token: &'t str,
    style: Option<Style>,
}

impl Tokens {
    /// What a store has to keep for the next refresh; `None` if there is no refresh token.
    pub(crate) fn to_saved(&self) -> Option<SecretString> {
        let refresh_token = self.refresh_token.as_ref()?.expose_secret();
        let saving = Saving {
            refresh_token,
            style: self.style,
        };
        // A character takes up to six bytes. A buffer that grows leaves a copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(refresh_token.len() * 6 + 100));
        serde_json::to_writer(&mut *text, &saving).ok()?;
        std::str::from_utf8(&text).ok().map(SecretString::from)
    }

    /// Takes what a store has kept. The id-token that belongs to an older refresh token is older too.
    pub(crate) fn adopt(&mut self, saved: &SecretString) {
        let Ok(saved) = serde_json::from_str::<Saved>(saved.expose_secret()) else {
            return;
        };
        let known = self.refresh_token.as_ref().map(ExposeSecret::expose_secret);
        if known != Some(saved.refresh_token.expose_secret()) {
            self.id_token = None;
            self.since = None;
            self.refresh_token = Some(saved.refresh_token);
        }
        self.style = self.style.or(saved.style);
    }

    /// Takes the tokens that another program has written to the kubeconfig since it was last read. Tokens that were there
    /// before are older than those of a store, and than those that could not be written. Returns whether the id-token is
    /// another one.
    pub(crate) fn adopt_file(&mut self, file: &InFile) -> bool {
        let seen = std::mem::replace(&mut self.in_file, file.clone());
        let is_new_login = !is_same(seen.refresh_token.as_ref(), file.refresh_token.as_ref());
        if is_new_login {
            self.refresh_token.clone_from(&file.refresh_token);
        }
        let is_new = !is_same(self.id_token.as_ref(), file.id_token.as_ref())
            && (is_new_login
                || file.id_token.is_some() && !is_same(seen.id_token.as_ref(), file.id_token.as_ref()));
        if is_new {
            self.id_token.clone_from(&file.id_token);
            self.since = None;
        }
        is_new
    }

    fn is_same(&self, other: &Self) -> bool {
        is_same(self.id_token.as_ref(), other.id_token.as_ref())
            && is_same(self.refresh_token.as_ref(), other.refresh_token.as_ref())
    }
}

fn is_same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}

/// Holds the tokens, and gives out turns.
#[derive(Debug)]
pub(crate) struct TokenStore {
    state: Mutex<State>,
    turn_ended: Notify,
}

#[derive(Debug)]
struct State {
    tokens: Tokens,
    /// Counts the changes of the tokens.
    version: u64,
    last_turn: u64,
    turn: Option<RunningTurn>,
}

#[derive(Clone, Copy, Debug)]
struct RunningTurn {
    number: u64,
    /// When it counts as lost, by the monotonic clock.
    lost_at: Duration,
}

impl TokenStore {
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self {
            state: Mutex::new(State {
                tokens,
                version: 0,
                last_turn: 0,
                turn: None,
            }),
            turn_ended: Notify::new(),
        }
    }

    /// Passes the tokens to `read`. Its work is short.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&mut Tokens) -> R) -> R {
        read(&mut self.lock().tokens)
    }

    /// Returns the answer of `held` if the tokens have one; else waits for a turn to refresh them, which counts as lost
    /// after `limit`.
    pub(crate) async fn turn<R>(
        &self,
        host: &Host,
        limit: Duration,
        mut held: impl FnMut(&mut Tokens) -> Option<R>,
    ) -> Result<R, Turn<'_>> {
        loop {
            let mut ended = std::pin::pin!(self.turn_ended.notified());
            ended.as_mut().enable();
            let now = host.now().monotonic;
            let wait = {
                let mut state = self.lock();
                if let Some(answer) = held(&mut state.tokens) {
                    return Ok(answer);
                }
                match state.turn.filter(|turn| now < turn.lost_at) {
                    Some(turn) => turn.lost_at.saturating_sub(now),
                    None => return Err(self.begin(&mut state, now.saturating_add(limit))),
                }
            };
            // Either way the tokens are looked at again.
            let _ = host.within(wait, ended).await;
        }
    }

    fn begin(&self, state: &mut State, lost_at: Duration) -> Turn<'_> {
        state.last_turn += 1;
        let number = state.last_turn;
        state.turn = Some(RunningTurn { number, lost_at });
        Turn {
            store: self,
            number,
            version: state.version,
            tokens: state.tokens.clone(),
        }
    }

    /// A panic cannot leave the state half changed, so a poisoned lock is safe to use.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use the refresh token. Its tokens are stored on drop, unless another turn has changed them since: then
/// this one was lost, and its tokens are older.
pub(crate) struct Turn<'a> {
    store: &'a TokenStore,
    number: u64,
    version: u64,
    pub(crate) tokens: Tokens,
}

impl Turn<'_> {
    /// Whether another turn has begun since, because this one did not end by its deadline.
    pub(crate) fn is_lost(&self) -> bool {
        self.store.lock().last_turn != self.number
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.store.lock();
        if state.version == self.version {
            if !state.tokens.is_same(&self.tokens) {
                state.version += 1;
            }
            state.tokens = self.tokens.clone();
        }
        if state.turn.is_some_and(|turn| turn.number == self.number) {
            state.turn = None;
        }
        drop(state);
        self.store.turn_ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use kubex_core::host::SimulatedHost;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn store() -> TokenStore {
        TokenStore::new(Tokens {
            id_token: None,
            since: None,
            refresh_token: Some("first".into()),
            in_file: InFile::default(),
            style: None,
        })
    }

    fn refresh_token(store: &TokenStore) -> String {
        store.read(|tokens| tokens.refresh_token.as_ref().unwrap().expose_secret().to_owned())
    }

    #[test]
    fn only_what_is_new_in_a_kubeconfig_is_taken_from_it() {
        let token = |text: &str| Some(SecretString::from(text));
        let file = |id: &str, refresh: &str| InFile {
            id_token: token(id),
            refresh_token: token(refresh),
        };
        let mut tokens = Tokens {
            id_token: token("i-1"),
            since: None,
            refresh_token: token("r-1"),
            in_file: file("i-1", "r-1"),
            style: None,
        };
        // A store has newer ones, and the file could not be written twice.
        tokens.adopt(&r#"{"refresh_token": "r-7"}"#.into());
        for refresh_token in ["r-8", "r-9"] {
            assert!(!tokens.adopt_file(&file("i-1", "r-1")));
            tokens.refresh_token = token(refresh_token);
        }
        assert!(!tokens.adopt_file(&file("i-1", "r-1")));
        assert!(is_same(tokens.refresh_token.as_ref(), token("r-9").as_ref()));
        // Another program renews at an issuer that does not rotate, and then the user logs in again.
        assert!(tokens.adopt_file(&file("i-2", "r-1")));
        assert!(is_same(tokens.refresh_token.as_ref(), token("r-9").as_ref()));
        assert!(tokens.adopt_file(&file("i-3", "login")));
        assert!(is_same(tokens.refresh_token.as_ref(), token("login").as_ref()));
    }

    #[test]
    fn one_refresh_runs_at_a_time_and_one_that_is_blocked_delays_no_caller_after_its_deadline() {
        let world = SimulatedHost::new();
        let (host, store) = (world.host(), store());
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(mut first)) = pin!(store.turn(&host, LIMIT, |_| None::<()>)).poll(&mut context)
        else {
            panic!("it is free");
        };
        let mut second = pin!(store.turn(&host, LIMIT, |_| None::<()>));
        assert!(second.as_mut().poll(&mut context).is_pending());
        world.advance(LIMIT);
        let Poll::Ready(Err(mut second)) = second.as_mut().poll(&mut context) else {
            panic!("the first turn is over");
        };
        assert!(first.is_lost() && !second.is_lost());

        second.tokens.refresh_token = Some("second".into());
        drop(second);
        first.tokens.refresh_token = Some("late".into());
        drop(first);
        assert_eq!(refresh_token(&store), "second");
    }

    #[test]
    fn the_rotated_token_of_a_lost_turn_is_kept_if_nothing_newer_came() {
        let world = SimulatedHost::new();
        let (host, store) = (world.host(), store());
        let mut context = Context::from_waker(Waker::noop());
        let mut turn = || match pin!(store.turn(&host, LIMIT, |_| None::<()>)).poll(&mut context) {
            Poll::Ready(Err(turn)) => turn,
            _ => panic!("it is free"),
        };
        let mut first = turn();
        world.advance(LIMIT);
        let second = turn();
        drop(second);
        first.tokens.refresh_token = Some("rotated".into());
        drop(first);
        assert_eq!(refresh_token(&store), "rotated");
    }
}
