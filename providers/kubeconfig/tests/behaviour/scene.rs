//! A world with a kubeconfig in it, and providers that tell what they were asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::host::SimulatedHost;
use kubex_core::{
    BuildContext, Chain, ClientConfiguration, Credential, CredentialProvider, CredentialSource, Error,
    FetchRequest, FromOptions, Host, Options, Registration, Registry, Result, Source,
};
use serde_json::Value;

pub(crate) const HOME_FILE: &str = "/home/jane/.kube/config";

/// What every secret of these tests begins with.
pub(crate) const SECRET: &str = "s3cr3t-";

/// The base64 of a certificate in PEM.
pub(crate) const PEM: &str = include_str!("certificate.base64");

/// A provider that takes any option and tells them all, under its name.
#[derive(Debug)]
struct Telling<const NAME: char>(BTreeMap<String, Value>);

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
struct Anything(BTreeMap<String, Value>);

impl<const NAME: char> FromOptions for Telling<NAME> {
    type Options = Anything;

    fn from_options(options: Anything, _: &BuildContext<'_>) -> Result<Self> {
        Ok(Self(options.0))
    }
}

#[async_trait]
impl<const NAME: char> CredentialSource for Telling<NAME> {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        Ok(Credential::anonymous())
    }

    fn describe(&self) -> String {
        serde_json::json!({"provider": NAME, "options": self.0}).to_string()
    }
}

static STATIC: Registration = Registration::source::<Telling<'s'>>("static", "");
static TOKEN_FILE: Registration = Registration::source::<Telling<'t'>>("token-file", "");
static EXEC: Registration = Registration::source::<Telling<'e'>>("exec", "").kubeconfig_keys(&[
    "command",
    "args",
    "env",
    "api-version",
    "install-hint",
    "provide-cluster-info",
    "interactive-mode",
]);
static VAULT: Registration =
    Registration::source::<Telling<'v'>>("vault", "").kubeconfig_keys(&["role", "a"]);

/// The provider with others that only tell their options.
pub(crate) fn telling() -> Registry {
    let own = [
        &kubex_kubeconfig::REGISTRATION,
        &STATIC,
        &TOKEN_FILE,
        &EXEC,
        &VAULT,
    ];
    Registry::from_registrations(own).unwrap()
}

/// The provider with the real others.
pub(crate) fn real() -> Registry {
    Registry::from_registrations([
        &kubex_kubeconfig::REGISTRATION,
        &kubex_static::REGISTRATION,
        &kubex_token_file::REGISTRATION,
        &kubex_exec::REGISTRATION,
    ])
    .unwrap()
}

/// A kubeconfig of one context, whose user is what the case wants.
pub(crate) fn with_user(user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
         clusters: [{{name: prod, cluster: {{server: 'https://prod.example:6443'}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: prod, user: jane, namespace: team-a}}}}]\n\
         users: [{{name: jane, user: {user}}}]\n"
    )
}

/// A kubeconfig of one context, whose cluster is what the case wants.
pub(crate) fn with_cluster(cluster: &str) -> String {
    with_user("{token: s3cr3t-token}").replace("{server: 'https://prod.example:6443'}", cluster)
}

/// A home with this kubeconfig.
pub(crate) fn home(content: &str) -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.write(HOME_FILE, content);
    world
}

pub(crate) async fn resolve_with(
    registry: Registry,
    world: &SimulatedHost,
    options: Options,
) -> Result<ClientConfiguration> {
    let chain = Chain::builder(registry)
        .host(world.host())
        .source(Source::new("kubeconfig").options(options))
        .build()?;
    chain.resolve_only().await
}

/// What a provider made by the program resolves to.
pub(crate) async fn resolve_by(
    provider: impl CredentialProvider + 'static,
    host: Host,
) -> Result<ClientConfiguration> {
    let chain = Chain::builder(telling())
        .host(host)
        .source(Source::from_provider("kubeconfig", Arc::new(provider)))
        .build()?;
    chain.resolve_only().await
}

pub(crate) async fn resolve(world: &SimulatedHost) -> Result<ClientConfiguration> {
    resolve_with(telling(), world, Options::new()).await
}

/// What a kubeconfig in the home directory resolves to.
pub(crate) async fn read(content: &str) -> ClientConfiguration {
    match resolve(&home(content)).await {
        Ok(configuration) => configuration,
        Err(error) => panic!("{error}\n{content}"),
    }
}

/// The error of a kubeconfig in the home directory; the real providers find what only they can know.
pub(crate) async fn error_of(content: &str) -> Error {
    let error = resolve_with(real(), &home(content), Options::new()).await;
    let error = error.err().unwrap_or_else(|| panic!("no error for:\n{content}"));
    assert_shows_no_secret(&error);
    error
}

/// The provider that was named for the user, by its first letter, and its options.
pub(crate) fn named(configuration: &ClientConfiguration) -> (char, Value) {
    let told: Value = serde_json::from_str(&configuration.credentials().describe()).unwrap();
    let name = told["provider"]
        .as_str()
        .and_then(|name| name.chars().next())
        .unwrap();
    (name, told["options"].clone())
}

/// The ids of the warnings.
pub(crate) fn warnings(configuration: &ClientConfiguration) -> Vec<&'static str> {
    let warnings = configuration.warnings().iter();
    warnings.map(kubex_core::Warning::id).collect()
}

/// Whether the texts are all in what a person is told.
pub(crate) fn assert_tells(error: &Error, texts: &[&str]) {
    let told = error.to_string();
    for text in texts {
        assert!(told.contains(text), "{text:?} is not in: {told}");
    }
}

pub(crate) fn assert_shows_no_secret(error: &Error) {
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        // Writing to a String cannot fail.
        let _ = write!(shown, " {next} {next:?}");
        cause = next.source();
    }
    assert!(!shown.contains(SECRET), "{shown}");
}
