//! What is broken never becomes the answer of the next source, in a pod with a good service account.

use async_trait::async_trait;
use kubex::host::SimulatedHost;
use kubex::{
    BuildContext, Chain, Credential, CredentialSource, Error, ErrorKind, FetchRequest, FromOptions, Host,
    Registration, Registry, Result, Source,
};

const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A credential source that reports `NotConfigured`, at one of the three places where it can.
#[derive(Debug)]
struct Absent(Where);

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Where {
    Building,
    Checking,
    Fetching,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct AbsentOptions {
    at: Where,
}

fn not_there() -> Error {
    Error::not_configured("the vault is not there")
}

impl FromOptions for Absent {
    type Options = AbsentOptions;

    fn from_options(options: AbsentOptions, _: &BuildContext<'_>) -> Result<Self> {
        if options.at == Where::Building {
            return Err(not_there());
        }
        Ok(Self(options.at))
    }
}

#[async_trait]
impl CredentialSource for Absent {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        Err(not_there())
    }

    fn describe(&self) -> String {
        "vault".to_owned()
    }

    async fn check(&self, _: &Host) -> Result<Option<Credential>> {
        if self.0 == Where::Checking {
            return Err(not_there());
        }
        Ok(None)
    }
}

static VAULT: Registration = Registration::source::<Absent>("vault", "").kubeconfig_keys(&["at"]);

fn pod() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    world.write(format!("{POD}/token"), "s3cr3t-pod");
    world
}

async fn resolve_on(host: Host) -> Result<kubex::ClientConfiguration> {
    let registry = Registry::from_registrations(kubex::registry()?.iter().chain([&VAULT]))?;
    let chain = Chain::builder(registry)
        .host(host)
        .source(Source::new("kubeconfig"))
        .source(Source::new("in-cluster"));
    chain.build().unwrap().resolve().await
}

#[tokio::test]
async fn a_source_that_a_kubeconfig_names_must_be_there() {
    for place in ["building", "checking", "fetching"] {
        let world = pod();
        world.write(
            "/home/jane/.kube/config",
            &format!(
                "current-context: prod\nclusters: [{{name: prod, cluster: {{server: 'https://prod'}}}}]\n\
                 contexts: [{{name: prod, context: {{cluster: prod, user: jane}}}}]\n\
                 users: [{{name: jane, user: {{auth-provider: {{name: vault, config: {{at: {place}}}}}}}}}]\n"
            ),
        );
        let error = match resolve_on(world.host()).await {
            Ok(configuration) => configuration.credentials().current().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(
            (error.kind(), error.source_name()),
            (ErrorKind::Unavailable, Some("kubeconfig")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_home_directory_whose_name_is_not_unicode_is_one() {
    let world = pod();
    let home = not_unicode("/home/jane/j");
    let host = world.host().with_variable("HOME", Some(home));
    let configuration = resolve_on(host).await.unwrap();
    let report = configuration.report().to_string();
    assert!(
        report.starts_with("1. kubeconfig: not configured: /home/jane/j"),
        "{report}"
    );
}

#[tokio::test]
async fn a_variable_that_is_set_and_unfit_is_an_error_that_names_it() {
    for (name, value) in [
        ("KUBERNETES_SERVICE_HOST", not_unicode("10.")),
        ("KUBERNETES_SERVICE_PORT", not_unicode("44")),
        ("KUBERNETES_SERVICE_PORT", "tcp://10.0.0.1:443".into()),
        ("KUBERNETES_SERVICE_PORT", "70000".into()),
        ("POD_NAMESPACE", not_unicode("team")),
        ("HTTPS_PROXY", not_unicode("http://")),
    ] {
        let host = pod().host().with_variable(name, Some(value));
        let error = resolve_on(host).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
        assert_eq!(error.origin().unwrap().to_string(), format!("${name}"));
    }
}

fn not_unicode(text: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0xff);
    std::ffi::OsString::from_vec(bytes)
}
