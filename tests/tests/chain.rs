//! The chain's rules, with providers that say what they are told to.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use kubex_core::host::{Input, SimulatedHost};
use kubex_core::report::Outcome;
use kubex_core::resolved_source::Difference;
use kubex_core::{
    Chain, Credential, CredentialProvider, CredentialSource, Error, ErrorKind, FetchRequest, Host, Identity,
    Options, Registration, Registry, ResolveRequest, ResolvedSource, Result, Source, Warning,
};

#[derive(Debug)]
enum Says {
    Yes(&'static str),
    NotHere,
    Broken,
    Nothing,
}

#[async_trait]
impl CredentialProvider for Says {
    async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
        match self {
            Self::Yes(server) => {
                let credential = Credential::bearer("s3cr3t".into())?;
                Ok(ResolvedSource::for_server(server).identity(Identity::from_credential(credential)))
            }
            Self::NotHere => {
                Err(Error::not_configured("there is nothing here").with_help("put something here"))
            }
            Self::Broken => Err(Error::new(ErrorKind::MalformedDocument, "it is broken")),
            Self::Nothing => std::future::pending().await,
        }
    }
}

fn chain(world: &SimulatedHost, sources: impl IntoIterator<Item = (&'static str, Says)>) -> Chain {
    let empty = Chain::builder(Registry::from_registrations([]).unwrap()).host(world.host());
    sources
        .into_iter()
        .fold(empty, |chain, (name, says)| {
            chain.source(Source::from_provider(name, Arc::new(says)))
        })
        .build()
        .unwrap()
}

#[tokio::test]
async fn the_first_source_that_is_configured_wins_and_the_report_lists_all() {
    let world = SimulatedHost::new();
    let sources = [
        ("a", Says::NotHere),
        ("b", Says::Yes("https://b.example")),
        ("c", Says::Yes("https://c.example")),
    ];
    let configuration = chain(&world, sources).resolve().await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://b.example");
    assert_eq!(
        configuration.report().to_string(),
        "1. a: not configured: there is nothing here\n\
         2. b: chosen: https://b.example, namespace default, bearer token\n\
         3. c: not asked"
    );
    assert_eq!(configuration.report().chosen().unwrap().source, "b");
}

#[tokio::test]
async fn a_broken_source_ends_the_chain_with_its_error() {
    let world = SimulatedHost::new();
    let error = chain(
        &world,
        [("a", Says::Broken), ("b", Says::Yes("https://b.example"))],
    )
    .resolve()
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind(), error.source_name()),
        (ErrorKind::MalformedDocument, Some("a"))
    );
    let report = error.report().unwrap();
    assert!(matches!(report.attempts()[0].outcome, Outcome::Failed(_)));
    assert!(matches!(report.attempts()[1].outcome, Outcome::NotAsked));
}

#[tokio::test]
async fn an_exhausted_chain_lists_every_reason_and_what_to_set() {
    let world = SimulatedHost::new();
    let error = chain(&world, [("a", Says::NotHere), ("b", Says::NotHere)])
        .resolve()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    let text = error.to_string();
    assert!(
        text.contains("a: there is nothing here; b: there is nothing here"),
        "{text}"
    );
    assert_eq!(error.help(), Some("put something here"), "{text}");
}

#[tokio::test]
async fn a_source_that_hangs_is_an_error_and_not_a_hang() {
    let world = SimulatedHost::new();
    let chain = chain(
        &world,
        [("slow", Says::Nothing), ("b", Says::Yes("https://b.example"))],
    );
    let resolving = tokio::spawn(async move { chain.resolve().await.map(drop) });
    tokio::task::yield_now().await;
    world.advance(Duration::from_secs(30));
    assert_eq!(resolving.await.unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn an_unencrypted_server_gets_no_credential_unless_asked_for_by_name() {
    let world = SimulatedHost::new();
    let configuration = chain(&world, [("lab", Says::Yes("http://lab.example"))])
        .resolve()
        .await
        .unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert!(credential.is_anonymous());
    assert!(
        configuration
            .report()
            .to_string()
            .contains("credentials-withheld-over-http"),
        "{}",
        configuration.report()
    );

    let options = Options::new()
        .set("server", "http://lab.example")
        .set("token", "t");
    let opted_in = Options::clone(&options).set("allow-credentials-over-http", true);
    for (options, is_sent) in [(options, false), (opted_in, true)] {
        let registry = Registry::from_registrations([&kubex_static::REGISTRATION]).unwrap();
        let chain = Chain::builder(registry)
            .source(Source::new("lab").provider("static").options(options))
            .build()
            .unwrap();
        let configuration = chain.resolve().await.unwrap();
        let credential = configuration.credentials().current().await.unwrap();
        assert_eq!(credential.authorization().is_some(), is_sent);
    }
}

#[test]
fn two_sources_of_one_name_are_an_error() {
    let chain = Chain::builder(Registry::from_registrations([]).unwrap())
        .source(Source::from_provider("a", Arc::new(Says::NotHere)));
    assert_eq!(
        chain
            .source(Source::from_provider("a", Arc::new(Says::NotHere)))
            .build()
            .unwrap_err()
            .kind(),
        ErrorKind::DuplicateName
    );
}

#[test]
fn an_unknown_provider_names_the_known_ones_and_the_way_to_link_another() {
    let registry =
        Registry::from_registrations([&kubex_static::REGISTRATION, &kubex_token_file::REGISTRATION]).unwrap();
    let error = registry.provider("vault", Options::new()).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownProvider);
    let text = error.to_string();
    assert!(
        text.contains("static, token-file") && text.contains("use that_crate as _;"),
        "{text}"
    );
    let text = registry
        .provider("token_file", Options::new())
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(text.contains("did you mean \"token-file\"?"), "{text}");
}

#[test]
fn two_registrations_of_one_name_are_an_error_that_names_both_crates() {
    static OTHER: Registration = Registration::source::<kubex_static::StaticSource>("static", "another one")
        .from_crate("other-crate", "9.9.9");
    let twice =
        Registry::from_registrations([&kubex_static::REGISTRATION, &kubex_static::REGISTRATION]).unwrap();
    assert_eq!(twice.iter().count(), 1, "the same registration counts once");
    let error = Registry::from_registrations([&kubex_static::REGISTRATION, &OTHER])
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateProvider);
    assert!(
        error.to_string().contains("kubex-static") && error.to_string().contains("other-crate 9.9.9"),
        "{error}"
    );
}

#[test]
fn the_schema_of_a_source_has_its_own_options_and_the_clusters() {
    let schema = kubex_static::REGISTRATION.schema();
    let properties = schema.get("properties").unwrap().as_object().unwrap();
    for key in [
        "token",
        "client-certificate-data",
        "server",
        "certificate-authority",
        "as-groups",
    ] {
        assert!(properties.contains_key(key), "{key}");
    }
}

#[tokio::test]
async fn what_a_chain_finds_is_data_that_can_be_compared_with_a_later_answer() {
    const HOME_FILE: &str = "/home/jane/.kube/config";
    let kubeconfig = |server: &str, token: &str| {
        format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{token: {token}}}}}]\n"
        )
    };
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.write(HOME_FILE, &kubeconfig("https://one", "s3cr3t-one"));
    let chain = Chain::builder(kubex::registry().unwrap())
        .source(Source::new("kubeconfig"))
        .host(world.host())
        .build()
        .unwrap();

    let first = chain.find().await.unwrap();
    let is_input = |path: &str| {
        let mut paths = first.inputs().iter().filter_map(Input::path);
        paths.any(|input| input == std::path::Path::new(path))
    };
    assert!(is_input(HOME_FILE), "{:?}", first.inputs());
    let again = chain.find().await.unwrap();
    assert!(first.differences(&again).is_empty() && first.inputs() == again.inputs());

    world.write(HOME_FILE, &kubeconfig("https://one", "s3cr3t-two"));
    let renewed = chain.find().await.unwrap();
    assert_eq!(first.differences(&renewed), [Difference::Credential]);
    assert_ne!(first.inputs(), renewed.inputs());
    world.write(HOME_FILE, &kubeconfig("https://two", "s3cr3t-two"));
    assert_eq!(
        renewed.differences(&chain.find().await.unwrap()),
        [Difference::Server]
    );
    assert!(!format!("{first:?} {renewed:?}").contains("s3cr3t"));

    world.write(HOME_FILE, "contexts: 5\n");
    assert_eq!(chain.find().await.unwrap_err().source_name(), Some("kubeconfig"));
    world.remove(HOME_FILE);
    let error = chain.find().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert_eq!(error.report().unwrap().attempts().len(), 1);
}

/// A token of which only its provider knows when it expires.
#[derive(Clone, Debug)]
struct Dated(Option<SystemTime>);

#[async_trait]
impl CredentialProvider for Dated {
    async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let source = Identity::from_source(Arc::new(self.clone()));
        Ok(ResolvedSource::for_server("https://10.0.0.1").identity(source))
    }
}

#[async_trait]
impl CredentialSource for Dated {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        Ok(Credential::bearer("opaque".into())?.with_expiry(self.0))
    }

    fn describe(&self) -> String {
        "a dated token".to_owned()
    }

    async fn check(&self, _: &Host) -> Result<Option<Credential>> {
        Ok(Some(Credential::bearer("opaque".into())?.with_expiry(self.0)))
    }
}

#[tokio::test]
async fn a_token_whose_provider_knows_that_it_has_expired_is_a_warning() {
    let world = SimulatedHost::new();
    let now = world.host().now().wall;
    let second = Duration::from_secs(1);
    for (end, expected) in [
        (Some(now - second), vec!["token-expired"]),
        (Some(now + second), vec![]),
        (None, vec![]),
    ] {
        let configuration = Chain::builder(Registry::from_registrations([]).unwrap())
            .host(world.host())
            .source(Source::from_provider("dated", Arc::new(Dated(end))))
            .build()
            .unwrap()
            .resolve()
            .await
            .unwrap();
        let found: Vec<&str> = configuration.warnings().iter().map(Warning::id).collect();
        assert_eq!(found, expected);
    }
}
