//! What is put in place of a source's own fields, whichever source answers.

use std::sync::Arc;

use async_trait::async_trait;
use kubex::host::SimulatedHost;
use kubex::options::{Value, ValueKind};
use kubex::{
    Chain, ClientConfiguration, Credential, CredentialProvider, Error, ErrorKind, Identity, Options, Origin,
    ResolveRequest, ResolvedSource, Result, Source, Trust,
};
/// Passes for a certificate as long as there is no connection.
const AUTHORITY: &str = kubex_core::faults::CERTIFICATE;

const POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

const KUBECONFIG: &str = "current-context: prod\n\
    clusters:\n- name: prod\n  cluster:\n    server: https://prod\n    tls-server-name: prod.internal\n    \
    certificate-authority: /missing\n    proxy-url: http://proxy:3128\n\
    users:\n- name: jane\n  user: {token: s3cr3t-own, as: joe, as-groups: [dev], as-user-extra: {a: ['1'], b: ['2']}}\n\
    contexts:\n- name: prod\n  context: {cluster: prod, user: jane, namespace: team-a}\n";

/// A world with a kubeconfig, or a pod without one.
fn world(kubeconfig: Option<&str>) -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    if let Some(content) = kubeconfig {
        world.write("/home/jane/.kube/config", content);
    } else {
        world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        world.set_variable("KUBERNETES_SERVICE_PORT", "443");
        world.write(format!("{POD}/token"), "s3cr3t-pod");
        world.write(format!("{POD}/ca.crt"), AUTHORITY);
        world.write(format!("{POD}/namespace"), "pod-namespace");
    }
    world.write("/ca.crt", AUTHORITY);
    world.write("/token", "s3cr3t-file\n");
    world
}

/// A provider that is not Kubex's, and knows nothing of overrides.
#[derive(Debug)]
struct Foreign;

#[async_trait]
impl CredentialProvider for Foreign {
    async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let cluster = Options::new()
            .set("server", "https://foreign")
            .set("tls-server-name", "foreign.internal");
        let credential = Credential::bearer("s3cr3t-own".into())?;
        Ok(ResolvedSource::new(cluster).identity(Identity::from_credential(credential)))
    }
}

/// One configuration from each kind of source.
async fn from_all(overrides: Options) -> Vec<Result<ClientConfiguration>> {
    let registry = kubex::registry().unwrap();
    let with_cluster = Options::new()
        .set("server", "https://alone")
        .set("token", "s3cr3t-own")
        .set("tls-server-name", "alone.internal");
    let chain = |world: SimulatedHost| Chain::builder(registry.clone()).host(world.host());
    let chains = [
        chain(world(Some(KUBECONFIG))).source(Source::new("kubeconfig")),
        chain(world(None)).source(Source::new("in-cluster")),
        chain(world(None)).source(Source::new("alone").provider("static").options(with_cluster)),
        chain(world(None)).source(Source::from_provider("foreign", Arc::new(Foreign))),
    ];
    let mut found = Vec::new();
    for chain in chains {
        let chain = chain.overrides(overrides.clone()).build().unwrap();
        found.push(chain.resolve().await);
    }
    found
}

async fn all_with(overrides: Options) -> Vec<ClientConfiguration> {
    let found = from_all(overrides).await;
    found
        .into_iter()
        .map(|found| found.unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

fn trusting(overrides: Options) -> Options {
    overrides.set("certificate-authority", "/ca.crt")
}

async fn word(configuration: &ClientConfiguration) -> String {
    let credential = configuration.credentials().current().await.unwrap();
    let header = credential.authorization().unwrap();
    header.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_field_is_replaced_in_every_source() {
    let overrides = Options::new()
        .set("server", "https://other:6443")
        .set("tls-server-name", "other.internal")
        .set("certificate-authority", "/ca.crt")
        .set("proxy-url", "socks5://other:1080")
        .set("disable-compression", true)
        .set("namespace", "team-b")
        .set("as", "ann")
        .set("as-uid", "7")
        .set("token", "s3cr3t-new");
    for configuration in all_with(overrides).await {
        let cluster = configuration.cluster();
        assert_eq!(cluster.server.as_str(), "https://other:6443");
        assert_eq!(cluster.tls_server_name.as_deref(), Some("other.internal"));
        assert!(matches!(cluster.trust, Trust::CaBundle(_)));
        assert_eq!(
            cluster.proxy.as_ref().unwrap().expose_url().as_str(),
            "socks5://other:1080"
        );
        assert!(cluster.disable_compression);
        assert_eq!(configuration.namespace(), "team-b");
        let impersonation = configuration.impersonation().unwrap();
        assert_eq!(
            (impersonation.user.as_str(), impersonation.uid.as_deref()),
            ("ann", Some("7"))
        );
        assert_eq!(word(&configuration).await, "Bearer s3cr3t-new");
        for field in [
            "server",
            "tls-server-name",
            "certificate-authority",
            "namespace",
            "as",
            "token",
        ] {
            let origin = configuration.provenance().origin_of(field).unwrap();
            assert_eq!(origin.to_string(), format!("the program, {field}"));
        }
    }
}

#[tokio::test]
async fn another_server_takes_the_tls_server_name_away() {
    for configuration in all_with(trusting(Options::new().set("server", "https://other"))).await {
        assert_eq!(configuration.cluster().tls_server_name, None);
        assert!(word(&configuration).await.starts_with("Bearer s3cr3t-"));
    }
}

#[tokio::test]
async fn whom_to_trust_is_replaced_as_one() {
    for configuration in all_with(Options::new().set("insecure-skip-tls-verify", true)).await {
        assert!(matches!(configuration.cluster().trust, Trust::Insecure));
        let ids: Vec<_> = configuration.warnings().iter().map(kubex::Warning::id).collect();
        assert!(ids.contains(&"insecure-skip-tls-verify"), "{ids:?}");
        assert!(!ids.contains(&"in-cluster-without-ca"), "{ids:?}");
    }
    for configuration in all_with(trusting(Options::new())).await {
        assert!(matches!(configuration.cluster().trust, Trust::CaBundle(_)));
    }
}

#[tokio::test]
async fn an_override_that_demands_verification_keeps_the_certificate_authority() {
    let strict = Options::new().set("insecure-skip-tls-verify", false);
    let trust_in = async |cluster: Options| {
        let chain = Chain::builder(kubex::registry().unwrap())
            .host(world(None).host())
            .source(
                Source::new("one")
                    .provider("static")
                    .options(cluster.set("server", "https://one")),
            )
            .overrides(strict.clone())
            .build()
            .unwrap();
        chain.resolve().await.unwrap().cluster().trust.clone()
    };
    let own = trust_in(Options::new().set("certificate-authority", "/ca.crt")).await;
    assert!(matches!(own, Trust::CaBundle(_)));
    let insecure = trust_in(Options::new().set("insecure-skip-tls-verify", true)).await;
    assert!(matches!(insecure, Trust::System));
}

/// How much a trust accepts.
fn width(trust: &Trust) -> u8 {
    match trust {
        Trust::CaBundle(_) => 0,
        Trust::System => 1,
        _ => 2,
    }
}

#[tokio::test]
async fn no_overrides_widen_the_trust_that_they_do_not_name() {
    let all: [(&str, ValueKind); 9] = [
        ("server", "https://other".into()),
        ("tls-server-name", "other.internal".into()),
        ("proxy-url", "http://proxy:3128".into()),
        ("insecure-skip-tls-verify", false.into()),
        ("disable-compression", true.into()),
        ("namespace", "other".into()),
        ("as", "ann".into()),
        ("token", "s3cr3t-new".into()),
        ("certificate-authority-data", ValueKind::Null),
    ];
    let sources = [
        Options::new(),
        Options::new().set("certificate-authority", "/ca.crt"),
        Options::new().set("certificate-authority-data", AUTHORITY),
        Options::new().set("insecure-skip-tls-verify", true),
    ];
    for source in sources {
        let trust = async |overrides: Options| {
            let options = source.clone().set("server", "https://one");
            let chain = Chain::builder(kubex::registry().unwrap())
                .host(world(None).host())
                .source(Source::new("one").provider("static").options(options))
                .overrides(overrides)
                .build()
                .unwrap();
            width(&chain.resolve().await.unwrap().cluster().trust)
        };
        let own = trust(Options::new()).await;
        for set in 1..1_u32 << all.len() {
            let mut overrides = Options::new();
            for (index, (key, value)) in all.iter().enumerate() {
                if set & (1 << index) != 0 {
                    overrides.insert(key, Value::new(value.clone(), Origin::code()));
                }
            }
            assert!(trust(overrides.clone()).await <= own, "{source:?} {overrides:?}");
        }
    }
}

#[tokio::test]
async fn an_identity_is_replaced_as_one() {
    for (overrides, expected) in [
        (Options::new().set("token-file", "/token"), "Bearer s3cr3t-file"),
        (
            Options::new()
                .set("username", "ann")
                .set("password", "s3cr3t-pass"),
            "Basic YW5uOnMzY3IzdC1wYXNz",
        ),
    ] {
        for configuration in all_with(trusting(overrides)).await {
            assert_eq!(word(&configuration).await, expected);
        }
    }
}

#[tokio::test]
async fn impersonation_is_replaced_field_by_field() {
    let overrides = Options::new().set("as", "ann").set(
        "as-user-extra",
        vec![("a".to_owned(), list(&["9"])), ("c".to_owned(), list(&["3"]))],
    );
    let configurations = all_with(trusting(overrides)).await;
    let impersonation = configurations[0].impersonation().unwrap();
    assert_eq!(
        (impersonation.user.as_str(), impersonation.groups.as_slice()),
        ("ann", &["dev".to_owned()][..])
    );
    let mut extra = impersonation.extra.clone();
    extra.sort();
    let expected = [("a", "9"), ("b", "2"), ("c", "3")];
    assert_eq!(
        extra,
        expected.map(|(key, value)| (key.to_owned(), vec![value.to_owned()]))
    );
    for configuration in &configurations[1..] {
        assert_eq!(configuration.impersonation().unwrap().extra.len(), 2);
    }
}

fn list(texts: &[&str]) -> kubex::options::Value {
    let items: Vec<&str> = texts.to_vec();
    kubex::options::Value::new(items, kubex::Origin::code())
}

#[tokio::test]
async fn a_key_without_its_certificate_is_not_used_by_a_kubeconfig_and_an_error_of_every_other_source() {
    let mut found = from_all(trusting(Options::new().set("client-key", "/key"))).await;
    let kubeconfig = found.remove(0).unwrap();
    let ids: Vec<_> = kubeconfig.warnings().iter().map(kubex::Warning::id).collect();
    assert!(ids.contains(&"key-without-certificate"), "{ids:?}");
    for found in found {
        assert_eq!(found.unwrap_err().kind(), ErrorKind::IncompleteKeyPair);
    }
}

#[tokio::test]
async fn a_group_without_a_user_is_an_error_and_never_lost() {
    let overrides = trusting(Options::new().set("as-groups", vec!["system:masters"]));
    let mut found = from_all(overrides).await;
    let kubeconfig = found.remove(0).unwrap();
    assert_eq!(kubeconfig.impersonation().unwrap().groups, ["system:masters"]);
    for error in found.into_iter().map(|found| found.unwrap_err()) {
        assert_eq!(error.kind(), ErrorKind::MissingField, "{error}");
    }
}

#[test]
fn a_key_that_overrides_nothing_is_an_error_that_proposes_one() {
    let builder = || Chain::builder(kubex::registry().unwrap());
    let error: Error = builder()
        .overrides(Options::new().set("tokn", "s3cr3t"))
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
    assert_eq!(error.help(), Some("did you mean \"token\"?"));
    let error = builder()
        .overrides(Options::new().set("as-groups", "s3cr3t"))
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert!(!error.to_string().contains("s3cr3t"));
}

#[tokio::test]
async fn a_missing_token_file_among_the_overrides_is_an_error_of_every_source() {
    for found in from_all(trusting(Options::new().set("token-file", "/nowhere"))).await {
        assert_eq!(found.unwrap_err().kind(), ErrorKind::UnreadableFile);
    }
}

#[tokio::test]
async fn the_environments_proxy_is_taken_where_nothing_else_names_one() {
    let resolve = async |variables: &[(&str, &str)], server: &str| {
        let world = world(None);
        for (name, value) in variables {
            world.set_variable(name, value);
        }
        let options = Options::new().set("server", server).set("token", "s3cr3t");
        let chain = Chain::builder(kubex::registry().unwrap()).host(world.host());
        let chain = chain
            .source(Source::new("alone").provider("static").options(options))
            .build()
            .unwrap();
        chain.resolve().await
    };
    let proxy = ("HTTPS_PROXY", "http://jane:s3cr3t@proxy:3128");
    let configuration = resolve(&[proxy], "https://api.example:6443").await.unwrap();
    let found = configuration.cluster().proxy.as_ref().unwrap();
    assert_eq!(found.expose_url().password(), Some("s3cr3t"));
    assert_eq!(found.variable(), Some("HTTPS_PROXY"));
    assert!(!format!("{configuration:?}").contains("s3cr3t@"));
    assert_eq!(
        configuration
            .provenance()
            .origin_of("proxy-url")
            .unwrap()
            .to_string(),
        "$HTTPS_PROXY"
    );
    for (variables, server, expected) in [
        (
            vec![("https_proxy", "proxy:3128")],
            "https://api.example",
            Some("http://proxy:3128/"),
        ),
        (vec![("HTTP_PROXY", "http://proxy")], "https://api.example", None),
        (
            vec![("HTTP_PROXY", "http://proxy")],
            "http://api.example",
            Some("http://proxy/"),
        ),
        (vec![proxy, ("NO_PROXY", "example,")], "https://api.example", None),
        (vec![proxy, ("no_proxy", "*")], "https://api.example", None),
        (vec![proxy], "https://127.0.0.1:6443", None),
        (vec![("HTTPS_PROXY", "")], "https://api.example", None),
    ] {
        let configuration = resolve(&variables, server).await.unwrap();
        let found = configuration
            .cluster()
            .proxy
            .as_ref()
            .map(|proxy| proxy.expose_url().as_str());
        assert_eq!(found, expected, "{variables:?} {server}");
    }
    let error = resolve(&[("HTTPS_PROXY", "gopher://s3cr3t@proxy")], "https://api.example")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert_eq!(error.origin().unwrap().to_string(), "$HTTPS_PROXY");
    assert!(!error.to_string().contains("s3cr3t"));
}

#[test]
fn secrets_stay_out_of_the_debug_of_overrides() {
    let overrides = Options::new().set("token", "s3cr3t");
    let chain = Chain::builder(kubex::registry().unwrap())
        .overrides(overrides)
        .build()
        .unwrap();
    assert!(!format!("{chain:?}").contains("s3cr3t"));
}
