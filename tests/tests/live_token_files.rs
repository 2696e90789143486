//! A token in a file that is rotated by another program, on the simulated clock.

use std::time::Duration;

use kubex_core::host::SimulatedHost;
use kubex_core::{
    Chain, ClientConfiguration, Credentials, ErrorKind, ExposeSecret, Options, Registry, Result, Source,
};

const SECOND: Duration = Duration::from_secs(1);

async fn token(credentials: &Credentials) -> String {
    let credential = credentials.current().await.unwrap();
    credential.token().unwrap().expose_secret().to_owned()
}

/// Lets the tasks of the current-thread runtime run until they wait for something.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

const TOKEN_FILE: &str = "/var/run/secrets/tokens/api";

async fn from_token_file(world: &SimulatedHost) -> Result<ClientConfiguration> {
    let registry = Registry::from_registrations([&kubex_token_file::REGISTRATION]).unwrap();
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("token-file", TOKEN_FILE);
    let chain = Chain::builder(registry)
        .host(world.host())
        .source(Source::new("sidecar").provider("token-file").options(options))
        .build()
        .unwrap();
    chain.resolve().await
}

#[tokio::test]
async fn a_program_that_starts_while_the_file_is_being_written_reads_it_again() {
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "");
    world.after_read(TOKEN_FILE, |world| world.write(TOKEN_FILE, "one"));
    let configuration = from_token_file(&world).await.unwrap();
    assert_eq!(token(configuration.credentials()).await, "one");

    // A file that stays empty is an error.
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "\n");
    let error = from_token_file(&world).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EmptyToken, "{error}");
}

#[tokio::test]
async fn a_token_file_replaced_by_rename_is_used_within_sixty_seconds() {
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "  one\r\n");
    let configuration = from_token_file(&world).await.unwrap();
    let credentials = configuration.credentials();
    assert_eq!(token(credentials).await, "one");

    world.write(TOKEN_FILE, "\u{feff}two\n");
    world.advance(30 * SECOND);
    assert_eq!(
        token(credentials).await,
        "one",
        "the file is not read on every request"
    );
    world.advance(30 * SECOND);
    assert_eq!(
        token(credentials).await,
        "two",
        "after 60 s no caller is given the old one"
    );

    world.write(TOKEN_FILE, "three");
    world.advance(50 * SECOND);
    assert_eq!(token(credentials).await, "two");
    settle().await;
    assert_eq!(token(credentials).await, "three", "the background read was early");
}

#[tokio::test]
async fn an_empty_or_missing_token_file_keeps_the_last_good_token() {
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "good");
    let configuration = from_token_file(&world).await.unwrap();
    let credentials = configuration.credentials();
    assert_eq!(token(credentials).await, "good");

    for breakage in [Some(""), Some(" \n"), None] {
        match breakage {
            Some(content) => world.write(TOKEN_FILE, content),
            None => world.remove(TOKEN_FILE),
        }
        for _ in 0..20 {
            world.advance(61 * SECOND);
            assert_eq!(token(credentials).await, "good");
        }
    }
    world.write(TOKEN_FILE, "better");
    world.advance(61 * SECOND);
    assert_eq!(token(credentials).await, "better");
}

#[tokio::test]
async fn a_file_that_is_gone_after_resolving_leaves_the_token_beside_it() {
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "in-the-file");
    let registry = Registry::from_registrations([&kubex_token_file::REGISTRATION]).unwrap();
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("token-file", TOKEN_FILE)
        .set("token", "beside-it");
    let chain = Chain::builder(registry)
        .host(world.host())
        .source(Source::new("sidecar").provider("token-file").options(options))
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    world.remove(TOKEN_FILE);
    assert_eq!(token(configuration.credentials()).await, "beside-it");

    // Once the file gave one, that one is newer than what was written down.
    world.write(TOKEN_FILE, "in-the-file");
    world.advance(61 * SECOND);
    assert_eq!(token(configuration.credentials()).await, "in-the-file");
    world.remove(TOKEN_FILE);
    world.advance(61 * SECOND);
    assert_eq!(token(configuration.credentials()).await, "in-the-file");
}

#[tokio::test]
async fn a_rejected_token_is_read_again_at_once() {
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "old");
    let configuration = from_token_file(&world).await.unwrap();
    let credentials = configuration.credentials();
    let old = credentials.current().await.unwrap();
    world.write(TOKEN_FILE, "new");
    credentials.invalidate(old.generation());
    assert_eq!(token(credentials).await, "new");
}

#[tokio::test]
async fn a_token_expires_by_its_own_claim_and_the_last_good_one_is_not_served_past_it() {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    let world = SimulatedHost::new();
    let expires = kubex::time::unix_seconds(world.host().now().wall + 30 * SECOND);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{expires}}}"));
    world.write(TOKEN_FILE, &format!("eyJhbGciOiJub25lIn0.{claims}.x"));
    let configuration = from_token_file(&world).await.unwrap();
    let credentials = configuration.credentials();
    assert_eq!(
        kubex::time::unix_seconds(credentials.current().await.unwrap().expires_at().unwrap()),
        expires
    );

    world.remove(TOKEN_FILE);
    world.advance(31 * SECOND);
    assert_eq!(
        credentials.current().await.unwrap_err().kind(),
        ErrorKind::UnreadableFile
    );
}
