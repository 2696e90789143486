//! One case: a chain in a simulated world, from its building to credentials that expire, and all that is shown.

use std::time::Duration;

use kubex::{Chain, ClientConfiguration, Options, Result, Source};
use kubex_core::host::SimulatedHost;

use super::shown::{Canary as _, Shown};

/// Builds the chain, resolves it, asks for credentials, lets them be rejected and expire, and shows all of it.
pub(super) async fn run(what: &str, world: &SimulatedHost, build: impl FnOnce() -> Result<Chain>) {
    let shown = Shown::default();
    let guard = shown.listen();
    shown.add(format!(
        "the case is: {what}; what follows is everything that it shows\n"
    ));
    match build() {
        Ok(chain) => {
            shown.debug(&chain);
            match chain.resolve().await {
                Ok(configuration) => live(&shown, world, &configuration).await,
                Err(error) => shown.error(&error),
            }
        }
        Err(error) => shown.error(&error),
    }
    drop(guard);
    shown.assert_clean(what);
}

pub(super) async fn live(shown: &Shown, world: &SimulatedHost, configuration: &ClientConfiguration) {
    shown.configuration(configuration);
    let credentials = configuration.credentials();
    for _ in 0..3 {
        match credentials.current().await {
            Ok(credential) => {
                shown.debug(&credential);
                shown.debug(&credential.authorization());
                shown.debug(&credential.token());
                shown.debug(&credential.basic_pair().map(|(_, password)| password));
                shown.debug(&credential.certificate());
                credentials.invalidate(credential.generation());
            }
            Err(error) => shown.error(&error),
        }
        world.advance(Duration::from_secs(7200));
    }
    shown.configuration(configuration);
}

pub(super) fn world() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.set_variable("PATH", "/usr/bin");
    world
}

/// A chain of one source.
pub(super) fn one(world: &SimulatedHost, provider: &str, options: Options) -> Result<Chain> {
    Chain::builder(kubex::registry()?)
        .host(world.host())
        .source(Source::new("source").provider(provider).options(options))
        .build()
}

pub(super) fn with_server() -> Options {
    Options::new().set("server", "https://10.0.0.1")
}
