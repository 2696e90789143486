//! Gets a credential through the store: the stored one, the one that another process is fetching, or a new one.

use std::time::Duration;

use kubex::credentials::StoreIdentity;
use kubex::host::Terminal;
use kubex::{Credential, Error, ErrorKind, Host, Result};
use kubex_exec::ExecRequest;
use kubex_store::{Access, Begun, Client, Flight, Location, Slot, Store, StoredCredential, Unshared};

use super::client;
use crate::output::print_message;

/// The variable with the slots whose plugins this process runs in. A plugin that requests its own credential is recognized by
/// it.
const STACK: &str = "KUBEX_CACHE_STACK";

/// How a credential is shared.
pub(super) struct Sharing {
    identity: Option<StoreIdentity>,
    client: Option<Client>,
    lifetime: Option<Duration>,
    wait: Duration,
}

impl Sharing {
    pub(super) fn new(
        identity: Option<StoreIdentity>,
        request: &ExecRequest,
        lifetime: Option<Duration>,
        wait: Duration,
    ) -> Self {
        Self {
            identity,
            client: client::of(request),
            lifetime,
            wait,
        }
    }

    /// The credential. `fetch` gets the host with the variables of the plugin, and the right to fetch if the result is shared.
    /// It is kept only if `identity_now` is still the identity after the fetch: a file that makes it may have changed.
    pub(super) async fn credential(
        &self,
        host: &Host,
        identity_now: impl AsyncFnOnce() -> Option<StoreIdentity>,
        fetch: impl AsyncFnOnce(&Host, Option<&Flight>) -> Result<Credential>,
    ) -> Result<Credential> {
        let Some(identity) = &self.identity else {
            return fetch(host, None).await;
        };
        let slot = match Self::open(host) {
            Ok(store) => store.slot(identity),
            Err(unshared) => {
                warn(&unshared);
                return fetch(host, None).await;
            }
        };
        let host = &Self::nested(&slot, host)?;
        let access = Access::new(self.wait);
        let access = match &self.client {
            Some(client) => access.for_client(client.clone()),
            None => access,
        };
        match slot.begin(&access) {
            Begun::Hit(stored) => match self.serve(&slot, &stored) {
                Ok(()) => Ok(stored.credential().clone()),
                Err(unshared) => {
                    warn(&unshared);
                    fetch(host, None).await
                }
            },
            Begun::Fetch(flight) => {
                let mut flight = flight.with_lifetime(self.lifetime);
                if host.terminal().is_some_and(Terminal::is_terminal) {
                    flight = flight.asking_its_user();
                }
                match fetch(host, Some(&flight)).await {
                    Ok(credential) => {
                        let now = identity_now().await;
                        if now.is_none_or(|now| now.expose() != identity.expose()) {
                            warn(&Unshared::of_a_changed_identity());
                            return Ok(credential);
                        }
                        let (stored, unshared) = flight.succeed(credential.clone(), identity.description());
                        let served = self.serve(&slot, &stored);
                        if let Some(unshared) = unshared.or(served.err()) {
                            warn(&unshared);
                        }
                        Ok(credential)
                    }
                    Err(error) => match flight.fail(&error) {
                        Some(early) => {
                            print_message(&format!(
                                "warning: the credential is still valid, but could not be renewed: {error}"
                            ));
                            self.serve(&slot, &early).map_err(|_| error)?;
                            Ok(early.credential().clone())
                        }
                        None => Err(error),
                    },
                }
            }
            Begun::Failed(error) => Err(error),
            Begun::Unshared(unshared) => {
                warn(&unshared);
                fetch(host, None).await
            }
            _ => fetch(host, None).await,
        }
    }

    fn open(host: &Host) -> Result<Store, Unshared> {
        let store = Store::open(&Location::of_the_user(host.environment())?)?;
        if let Some(warning) = store.warning() {
            print_message(&format!("warning: {warning}"));
        }
        Ok(store)
    }

    /// The host whose plugins know that this slot is being fetched.
    fn nested(slot: &Slot, host: &Host) -> Result<Host> {
        let stack = host.environment().text(STACK).unwrap_or_default();
        let id = slot.id();
        if stack.split(',').any(|held| held == id) {
            return Err(Error::new(
                ErrorKind::Recursion,
                "the plugin requested the credential that it should provide itself",
            )
            .with_help("give the plugin its own configuration, with a user that does not need the plugin"));
        }
        let stack = if stack.is_empty() {
            id
        } else {
            format!("{stack},{id}")
        };
        Ok(host.clone().with_variable(STACK, Some(stack)))
    }

    fn serve(&self, slot: &Slot, stored: &StoredCredential) -> Result<(), Unshared> {
        match &self.client {
            Some(client) => slot.record_served(stored, client),
            None => Ok(()),
        }
    }
}

fn warn(unshared: &Unshared) {
    print_message(&format!("warning: {}", unshared.warning()));
}
