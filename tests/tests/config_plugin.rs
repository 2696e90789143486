//! A provider of a third-party crate: linked by one `use`, configured by name, known to the schema and to errors.

use kubex::config::Configuration;
use kubex::{
    BuildContext, Chain, Credential, CredentialSource, ErrorKind, ExposeSecret as _, FetchRequest,
    FromOptions, Registration, Registry, Result, Source,
};
use kubex_core::host::SimulatedHost;
use kubex_third_party as _;

fn world(configuration: &str) -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.write("/etc/kubex/config.yaml", configuration);
    world
}

async fn token(world: &SimulatedHost) -> Result<String> {
    let configuration = Configuration::load(&world.host()).await?;
    let configuration = configuration
        .chain(kubex::registry()?)?
        .build()?
        .resolve()
        .await?;
    let credential = configuration.credentials().current().await?;
    Ok(credential.token().unwrap().expose_secret().to_owned())
}

const VAULT: &str = "chain: [vault]
sources:
  vault:
    provider: my-vault
    server: https://10.0.0.1
    role: deployer
    api-key-env: VAULT_KEY
    socket: run/vault.sock
";

#[tokio::test]
async fn its_options_are_read_by_their_marks_from_files_and_variables() {
    let world = world(VAULT);
    world.set_variable("VAULT_KEY", "k3y");
    assert_eq!(
        token(&world).await.unwrap(),
        "deployer/k3y//etc/kubex/run/vault.sock/0/false/"
    );
    world.set_variable("KUBEX_SOURCES__VAULT__ATTEMPTS", "3");
    world.set_variable("KUBEX_SOURCES__VAULT__WRAPPED", "true");
    world.set_variable("KUBEX_SOURCES__VAULT__POLICIES", "read,write");
    assert_eq!(
        token(&world).await.unwrap(),
        "deployer/k3y//etc/kubex/run/vault.sock/3/true/read+write"
    );
}

#[tokio::test]
async fn their_problems_are_reported_with_the_location_and_without_the_value() {
    for (was, is, kind, said) in [
        (
            "role:",
            "rle:",
            ErrorKind::UnknownField,
            "/etc/kubex/config.yaml:6:5, sources.vault.rle); did you mean \"role\"?",
        ),
        (
            "deployer",
            "[s3cr3t]",
            ErrorKind::InvalidValue,
            "expected a string, found a list (/etc/kubex/config.yaml:6:5",
        ),
        (
            "    role: deployer\n",
            "",
            ErrorKind::MissingField,
            "\"role\" is missing (/etc/kubex/config.yaml:3:3, sources.vault)",
        ),
        (
            "api-key-env: VAULT_KEY",
            "api-key: s3cr3t",
            ErrorKind::InvalidValue,
            "api-key-env: MY_VARIABLE",
        ),
        (
            "my-vault",
            "my-valt",
            ErrorKind::UnknownProvider,
            "did you mean \"my-vault\"?",
        ),
    ] {
        let world = world(&VAULT.replace(was, is));
        world.set_variable("VAULT_KEY", "s3cr3t");
        let error = token(&world).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().contains(said) && !error.to_string().contains("s3cr3t"),
            "{error}"
        );
    }
    let world = world(VAULT);
    world.set_variable("VAULT_KEY", "k3y");
    world.set_variable("KUBEX_SOURCES__VAULT__ATTEMPTS", "s3cr3t");
    let error = token(&world).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "vault: expected a number, found a string ($KUBEX_SOURCES__VAULT__ATTEMPTS); write a number, without quotes"
    );
}

#[tokio::test]
async fn it_is_in_the_registry_in_the_schema_and_masked_in_what_is_shown() {
    let registry = kubex::registry().unwrap();
    let registration = registry.get("my-vault").unwrap();
    assert_eq!(registration.crate_name(), "kubex-third-party");
    let schema = kubex::config::schema(&registry);
    assert_eq!(
        schema["definitions"]["my-vault"]["properties"]["role"]["description"],
        "The role to ask a token for."
    );
    assert_eq!(
        schema["definitions"]["my-vault"]["properties"]["api-key-env"]["type"],
        serde_json::json!(["string", "null"])
    );
    assert_eq!(
        schema["definitions"]["my-vault"]["properties"]["server"]["type"],
        serde_json::json!(["string", "null"])
    );

    let world = world(VAULT);
    world.set_variable("KUBEX_SOURCES__VAULT__API_KEY", "s3cr3t");
    let entries = Configuration::load(&world.host())
        .await
        .unwrap()
        .entries(&registry);
    let entry = entries
        .iter()
        .find(|entry| entry.key == "sources.vault.api-key")
        .unwrap();
    assert_eq!(entry.shown, "[masked]");
}

/// A provider that is registered by hand, in a registry of its own.
#[tokio::test]
async fn a_registry_made_by_the_program_works_the_same() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct HandOptions {
        word: String,
    }

    #[derive(Debug)]
    struct Hand(String);

    impl FromOptions for Hand {
        type Options = HandOptions;
        fn from_options(options: HandOptions, _: &BuildContext<'_>) -> Result<Self> {
            Ok(Self(options.word))
        }
    }

    #[async_trait::async_trait]
    impl CredentialSource for Hand {
        async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
            Credential::bearer(self.0.clone().into())
        }
        fn describe(&self) -> String {
            "by hand".into()
        }
    }

    static BY_HAND: Registration = Registration::source::<Hand>("by-hand", "made by the program");

    let registry = Registry::from_registrations([&BY_HAND]).unwrap();
    let world = world("chain: [by-hand]\nsources: {by-hand: {server: 'https://a', word: hello}}\n");
    let configuration = Configuration::load(&world.host()).await.unwrap();
    let configuration = configuration
        .chain(registry.clone())
        .unwrap()
        .build()
        .unwrap()
        .resolve()
        .await
        .unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "hello");
    assert!(kubex::config::schema(&registry)["definitions"]["by-hand"].is_object());
    assert!(
        Chain::builder(registry)
            .source(Source::new("x").provider("kubeconfig"))
            .build()
            .is_err()
    );
}
