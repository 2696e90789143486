//! Secrets in the configuration: in files, where they do not belong, in variables, in the program's own options, and
//! in whatever a typing error makes of them.

use kubex::config::Configuration;
use kubex::{ExposeSecret as _, Options, Result};
use kubex_core::host::SimulatedHost;

use super::case::{live, world};
use super::shown::{Canary as _, FALLBACK, KEY, PASSWORD, PROXY, Shown, TOKEN, UNKNOWN_FIELD};

const FILES: [&str; 2] = ["/etc/kubex/config.yaml", "/etc/kubex/config.toml"];

/// Loads, looks at and asks what is configured, and shows all of it.
async fn run(what: &str, world: &SimulatedHost, code: Options) {
    let shown = Shown::default();
    let guard = shown.listen();
    shown.add(format!(
        "the case is: {what}; what follows is everything that it shows\n"
    ));
    shown.debug(&code);
    if let Err(error) = show(&shown, world, code).await {
        shown.error(&error);
    }
    drop(guard);
    shown.assert_clean(what);
}

async fn show(shown: &Shown, world: &SimulatedHost, code: Options) -> Result<()> {
    let registry = kubex::registry()?;
    let configuration = Configuration::load(&world.host()).await?.with(code)?;
    shown.debug(&configuration);
    shown.debug(&configuration.sources());
    for entry in configuration.entries(&registry) {
        shown.add(format!("{entry}\n"));
        shown.debug(&entry);
    }
    if let Err(error) = configuration.check(&registry) {
        shown.error(&error);
    }
    let chain = configuration.chain(registry)?;
    shown.debug(&chain);
    let configuration = chain.build()?.resolve().await?;
    live(shown, world, &configuration).await;
    Ok(())
}

/// Where a file may contain a secret, rightly or not.
fn documents() -> Vec<String> {
    let source = |options: &str| {
        format!("chain: [a]\nsources:\n  a: {{provider: static, server: 'https://10.0.0.1', {options}}}\n")
    };
    vec![
        source(&format!("token: {TOKEN}")),
        source(&format!("token: [{TOKEN}]")),
        source(&format!("token: {{{TOKEN}: {TOKEN}}}")),
        source(&format!("token: \"{TOKEN}\\n\"")),
        source(&format!("token: !{TOKEN} x")),
        source(&format!("token: *{TOKEN}")),
        source(&format!("token: &{TOKEN} x")),
        source(&format!("tokn: {UNKNOWN_FIELD}")),
        source(&format!("username: jane, password: {PASSWORD}")),
        source(&format!("client-certificate-data: {KEY}, client-key-data: {KEY}")),
        source(&format!("proxy-url: 'http://jane:{PROXY}@proxy:3128'")),
        source(&format!("proxy-url: 'ftp://jane:{PROXY}@proxy'")),
        source(&format!("token-env: {TOKEN}")),
        source(&format!("token-env: [{TOKEN}]")),
        source(&format!("token-file: {TOKEN}")).replace(TOKEN, "nowhere"),
        source(&format!("enabled: {UNKNOWN_FIELD}")),
        source(&format!("timeout: {UNKNOWN_FIELD}")),
        source(&format!("server: 'https://jane:{PASSWORD}@h'")),
        source(&format!("token: {TOKEN}, token: {TOKEN}")),
        source(&format!("token: {TOKEN}"))
            .trim_end_matches("}\n")
            .to_owned(),
        source("").replace("https://10.0.0.1", &format!("https://jane:{PASSWORD}@h")),
        format!("chain: {UNKNOWN_FIELD}\n"),
        format!("sources: {UNKNOWN_FIELD}\n"),
        format!("sources: {{a: {UNKNOWN_FIELD}}}\n"),
        format!("exec: {{deadline: {UNKNOWN_FIELD}}}\n"),
        format!("exec: {{environment: [{UNKNOWN_FIELD}]}}\n"),
        format!("overrides: {{token: {TOKEN}, password: {PASSWORD}}}\n"),
        format!("overrides: {{proxy-url: 'http://jane:{PROXY}@proxy'}}\n"),
        format!("profiles: {{ci: {{overrides: {{token: {TOKEN}}}}}}}\n"),
        format!("profiles: {UNKNOWN_FIELD}\n"),
        format!("- {TOKEN}\n"),
        format!("{{\"overrides\": {{\"token\": \"{TOKEN}\"\n"),
        format!("overrides:\n\ttoken: {TOKEN}\n"),
        format!("overrides:\n  token: {TOKEN}\n password: {PASSWORD}\n"),
        format!(
            "chain: [a]\nsources:\n  a: {{provider: exec, server: 'https://h', command: login, args: [--token, {TOKEN}], \
             env: [{{name: A, value: {PASSWORD}}}]}}\n"
        ),
        format!("chain: [a]\nsources: {{a: {{provider: unheard-of, api-key: {TOKEN}}}}}\n"),
    ]
}

#[tokio::test]
async fn a_secret_in_a_yaml_file_is_never_shown() {
    for document in documents() {
        let world = world();
        world.write(FILES[0], &document);
        run(
            document.split(&[' ', ':'][..]).next().unwrap_or_default(),
            &world,
            Options::new(),
        )
        .await;
    }
}

#[tokio::test]
async fn a_secret_in_a_toml_file_is_never_shown() {
    for document in [
        format!("[overrides]\ntoken = \"{TOKEN}\"\n"),
        format!("[overrides]\ntoken = {TOKEN}\n"),
        format!("[overrides]\ntoken = \"{TOKEN}\n"),
        format!("[overrides]\ntoken = \"{TOKEN}\\q\"\n"),
        format!("[overrides]\ntoken = '{TOKEN}' '{TOKEN}'\n"),
        format!("[overrides]\ntoken = '{TOKEN}'\ntoken = '{TOKEN}'\n"),
        format!("[overrides]\ntoken = ['{TOKEN}'\n"),
        format!("[overrides]\ntoken = {{ x = '{TOKEN}' }}\n"),
        format!("chain = '{UNKNOWN_FIELD}'\n"),
        format!("[sources]\na = '{UNKNOWN_FIELD}'\n"),
        format!("[sources.a]\nprovider = 'static'\nenabled = '{UNKNOWN_FIELD}'\n"),
        format!(
            "chain = ['a']\n[sources.a]\nprovider = 'static'\nserver = 'https://h'\ntokn = '{UNKNOWN_FIELD}'\n"
        ),
    ] {
        let world = world();
        world.write(FILES[1], &document);
        run("toml", &world, Options::new()).await;
    }
}

#[tokio::test]
async fn a_secret_in_a_variable_or_of_the_program_is_used_and_never_shown() {
    let sources = "chain: [a]\nsources:\n  a: {provider: static, server: 'https://10.0.0.1'}\n  b: {provider: static, server: 'https://10.0.0.1', token-env: PLANTED}\n";
    for (name, value) in [
        ("KUBEX_SOURCES__A__TOKEN", TOKEN.to_owned()),
        ("KUBEX_SOURCES__A__TOKEN", format!("{TOKEN}\n")),
        ("KUBEX_SOURCES__A__TOKN", UNKNOWN_FIELD.to_owned()),
        ("KUBEX_SOURCES__A__PASSWORD", PASSWORD.to_owned()),
        ("KUBEX_SOURCES__A__ENABLED", UNKNOWN_FIELD.to_owned()),
        ("KUBEX_SOURCES__A__TIMEOUT", UNKNOWN_FIELD.to_owned()),
        (
            "KUBEX_SOURCES__A__PROXY_URL",
            format!("http://jane:{PROXY}@proxy:3128"),
        ),
        ("KUBEX_SOURCES__A__CLIENT_KEY_DATA", KEY.to_owned()),
        ("KUBEX_OVERRIDES__TOKEN", TOKEN.to_owned()),
        ("KUBEX_EXEC__DEADLINE", UNKNOWN_FIELD.to_owned()),
        ("KUBEX_UNHEARD_OF", UNKNOWN_FIELD.to_owned()),
        ("PLANTED", FALLBACK.to_owned()),
        ("PLANTED", format!("{FALLBACK}\u{7}")),
    ] {
        for chain in ["a", "b"] {
            let world = world();
            world.write(FILES[0], sources);
            world.set_variable(name, &value);
            world.set_variable("KUBEX_CHAIN", chain);
            run(name, &world, Options::new()).await;
        }
    }
    for code in [
        Options::new().set("sources.a.token", TOKEN),
        Options::new().set("sources.a.tokn", UNKNOWN_FIELD),
        Options::new().set("sources.a", UNKNOWN_FIELD),
        Options::new().set("overrides.token", TOKEN),
        Options::new().set("overrides.proxy-url", format!("http://jane:{PROXY}@proxy:3128")),
        Options::new().set("chain", UNKNOWN_FIELD),
    ] {
        let world = world();
        world.write(FILES[0], sources);
        run("code", &world, code).await;
    }
}

/// What the cases above rest on: where nothing is wrong, the secret has arrived.
#[tokio::test]
async fn the_secrets_that_are_not_shown_are_used() {
    let world = world();
    world.write(
        FILES[0],
        "chain: [a]\nsources: {a: {provider: static, server: 'https://10.0.0.1', token-env: PLANTED}}\n",
    );
    world.set_variable("PLANTED", TOKEN);
    let configuration = Configuration::load(&world.host()).await.unwrap();
    let chain = configuration
        .chain(kubex::registry().unwrap())
        .unwrap()
        .build()
        .unwrap();
    let credential = chain
        .resolve()
        .await
        .unwrap()
        .credentials()
        .current()
        .await
        .unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), TOKEN);
}
