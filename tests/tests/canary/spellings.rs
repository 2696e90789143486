//! A secret that the process holds is shown in no spelling, whatever repeats it; and what a person needs to see is shown.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use kubex::text::{MASKED, Mask, mask_arguments, sanitize};
use kubex::{
    Chain, Cluster, Credential, CredentialSource, Credentials, Error, ErrorKind, FetchRequest, Host, Options,
    Origin, Proxy, Result, SecretString, ServerUrl, Source, Warning,
};
use kubex_core::credentials::SharingKey;
use kubex_core::host::SimulatedHost;
use kubex_core::options::Value;

use super::shown::Shown;
use super::shown_output::disguises;

const SECRET: &str = "Kp9\"held/canary+of the=process";

/// The spellings of the secret in what another program prints.
fn spellings() -> Vec<String> {
    let percent: String = SECRET
        .bytes()
        .flat_map(|byte| format!("%{byte:02x}").into_bytes())
        .map(char::from)
        .collect();
    let json = serde_json::to_string(SECRET).unwrap();
    let json_in_json = serde_json::to_string(&json).unwrap();
    let mut spellings = vec![
        SECRET.to_owned(),
        format!("Proxy-Authorization: {SECRET}"),
        format!("https://login.example/callback?x=1&y={percent};z"),
        json.clone(),
        json_in_json,
        json.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect(),
    ];
    for before in ["", "j", "ja", "jane:"] {
        spellings.push(BASE64_STANDARD.encode(format!("{before}{SECRET}")));
        spellings.push(BASE64_URL_SAFE_NO_PAD.encode(format!("{before}{SECRET}!")));
    }
    spellings
}

#[test]
fn errors_warnings_and_events_show_no_spelling_of_a_held_secret() {
    let shown = Shown::default();
    let guard = shown.listen();
    let held = SecretString::from(SECRET);
    let mut late = Vec::new();
    for spelling in spellings() {
        let origin = Origin::file(format!("/home/{spelling}/config")).key(&spelling);
        let error = Error::new(ErrorKind::PluginFailed, format!("it printed {spelling}"))
            .with_help(format!("try {spelling}"))
            .with_origin(&origin)
            .in_source(&spelling)
            .with_related(Error::not_configured(&spelling));
        shown.error(&error);
        shown.add(error.message());
        shown.add(error.help().unwrap());
        let warning = Warning::new("some-id", &spelling).with_origin(&origin);
        shown.add(format!("{warning} {warning:?} {}", warning.message()));
        tracing::info!(target: "kubex::test", %error, "an event of this project");
        late.push(error);
    }
    drop(held);
    // What was made while the secret was held does not show it later.
    for error in late {
        shown.add(error.message());
    }
    drop(guard);
    let text = shown.text();
    for disguise in disguises(SECRET) {
        assert!(!text.contains(&disguise), "{disguise}");
    }
    assert!(text.matches(MASKED).count() > 50);
}

/// A secret that becomes known after the error was made is not shown either.
#[test]
fn an_error_is_searched_again_when_it_is_shown() {
    let error = Error::new(ErrorKind::PluginFailed, "it printed later-known-secret-1");
    let held = SecretString::from("later-known-secret-1");
    assert!(!error.to_string().contains("later-known"), "{error}");
    assert!(!format!("{error:?}").contains("later-known"));
    drop(held);
}

#[test]
fn the_password_of_a_proxy_is_a_secret_while_the_proxy_exists() {
    let proxy = Proxy::parse("http://jane:p%40ss-of-the-proxy@proxy.example:3128").unwrap();
    for text in ["p@ss-of-the-proxy", "p%40ss-of-the-proxy"] {
        assert_eq!(sanitize(&format!("denied: {text}")), "denied: [masked]");
    }
    assert_eq!(proxy.to_string(), "http://proxy.example:3128/");
    for text in ["http://jane:80/w@proxy:3128", "http://jane:80?w@proxy:3128"] {
        let error = Proxy::parse(text).unwrap_err();
        assert!(
            !error.to_string().contains("jane") && error.to_string().contains("%2F"),
            "{error}"
        );
    }
}

/// What a person needs to see, in every kind of text.
#[test]
fn what_is_not_a_secret_is_shown() {
    let _held = [SECRET, "password", "kubernetes-admin", "https://10.0.0.1:6443"].map(SecretString::from);
    for text in [
        "there is no context \"prod\" (/home/jane/.kube/config:12:5, current-context)",
        "there is no user \"kubernetes-admin\"; did you mean \"kubernetes-admin@prod\"?",
        "cluster \"arn:aws:eks:eu-west-1:123456789012:cluster/prod\" has no server",
        "cluster \"gke_project-1_europe-west1-b_prod\" has no server",
        "kind is \"ConfigMap\", expected \"Config\"",
        "cannot read the certificate authority /etc/kubernetes/pki/ca.crt: permission denied",
        "unknown key \"client-certifcate-data\"",
        "\"token\" and \"password\" are both set",
        "no server at https://10.0.0.1:6443/k8s/clusters/c-m-abcdef",
        "exec plugin aws failed with exit code 255; stderr: Error loading SSO Token: Token for jane does not exist",
        "exec plugin gke-gcloud-auth-plugin: token expired, run: gcloud auth login --no-launch-browser",
        "system:serviceaccount:team-a:deployer is not allowed to list secrets",
        "sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "expected a block that begins with -----BEGIN PRIVATE KEY-----",
        "write it as https://host:port; mail jane@example.com",
        "Bearer token is missing; basic authentication is not supported",
        "the token file /var/run/secrets/kubernetes.io/serviceaccount/token is empty",
        "options: token, token-file, client-key-data, password",
        "AADSTS700082: The refresh token has expired due to inactivity",
    ] {
        assert_eq!(sanitize(text), text);
        assert_eq!(Mask::new().apply(text), text);
        assert_eq!(Error::new(ErrorKind::InvalidValue, text).to_string(), text);
    }
    let arguments = ["eks", "get-token", "--cluster-name", "prod", "--region=eu-west-1"].map(str::to_owned);
    assert_eq!(mask_arguments(&arguments), arguments);
}

#[derive(Debug)]
struct Refusing(Origin);

#[async_trait]
impl CredentialSource for Refusing {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
        Err(Error::new(ErrorKind::Unavailable, "refused").with_origin(&self.0))
    }

    fn describe(&self) -> String {
        "a refusing source".to_owned()
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        Some(SharingKey::new("refusing"))
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.0)
    }
}

fn of(tenant: &str, host: Host) -> Credentials {
    let origin = Origin::file(format!("/srv/{tenant}/kubeconfig")).position(3, 5);
    let cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
    Credentials::live(Arc::new(Refusing(origin)), Arc::new(cluster), host)
}

#[tokio::test]
async fn the_errors_of_a_shared_credential_name_the_file_of_the_one_that_asks() {
    let world = SimulatedHost::new();
    let tenants = ["alpha", "beta", "gamma"];
    let all: Vec<Credentials> = tenants.iter().map(|tenant| of(tenant, world.host())).collect();
    for _ in 0..2 {
        for (tenant, credentials) in tenants.iter().zip(&all) {
            let error = credentials.current().await.unwrap_err();
            for other in tenants {
                assert_eq!(error.to_string().contains(other), other == *tenant, "{error}");
            }
        }
    }
    // The file is still the asker's when the first configuration is gone.
    let mut all = all.into_iter();
    drop(all.next());
    let error = all.next().unwrap().current().await.unwrap_err();
    assert!(error.to_string().contains("/srv/beta/kubeconfig:3:5"), "{error}");
}

#[tokio::test]
async fn the_event_of_a_shared_fetch_names_the_source_and_the_file_of_the_one_that_asked() {
    let world = SimulatedHost::new();
    let tenants = ["alpha", "beta", "gamma"];
    let mut all = Vec::new();
    for tenant in tenants {
        let origin = Origin::file(format!("/srv/{tenant}/kubex.yaml"));
        let mut options = Options::with_origin(origin.clone());
        for (key, value) in [("server", "https://10.0.0.1"), ("command", "/opt/missing")] {
            options.insert(key, Value::new(value, origin.clone()));
        }
        let source = Source::new(tenant).provider("exec").options(options);
        let chain = Chain::builder(kubex::registry().unwrap()).host(world.host());
        all.push(chain.source(source).build().unwrap().resolve().await.unwrap());
    }
    for round in 0..2 {
        for (tenant, configuration) in tenants.iter().zip(&all) {
            // Past the back-off, so that this call starts a fetch.
            world.advance(Duration::from_secs(120));
            let shown = Shown::default();
            let guard = shown.listen();
            configuration.credentials().current().await.unwrap_err();
            drop(guard);
            let text = shown.text();
            assert!(text.contains("fetch failed"), "{round}, {tenant}: {text}");
            for other in tenants {
                assert_eq!(
                    text.contains(other),
                    other == *tenant,
                    "{round}, {tenant}: {text}"
                );
            }
        }
    }
}
