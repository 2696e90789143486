//! The pod's service account, on the simulated host.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use kubex_core::host::SimulatedHost;
use kubex_core::{
    Chain, ClientConfiguration, Error, ErrorKind, ExposeSecret, Options, Registry, Result, Source, Trust,
};
use kubex_tests::api_server::ApiServer;

const ROOT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn pod() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    world.write(format!("{ROOT}/token"), "s3cr3t-token\n");
    world.write(format!("{ROOT}/namespace"), " team-a \n");
    world
}

async fn resolve_with(world: &SimulatedHost, options: Options) -> Result<ClientConfiguration> {
    let registry = Registry::from_registrations([
        &kubex_in_cluster::REGISTRATION,
        &kubex_static::REGISTRATION,
        &kubex_token_file::REGISTRATION,
    ])
    .unwrap();
    let chain = Chain::builder(registry)
        .host(world.host())
        .source(Source::new("in-cluster").provider("in-cluster").options(options))
        .build()?;
    chain.resolve_only().await
}

async fn resolve(world: &SimulatedHost) -> Result<ClientConfiguration> {
    resolve_with(world, Options::new()).await
}

async fn refusal(world: &SimulatedHost) -> Error {
    resolve(world).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn the_pod_gives_server_namespace_and_token() {
    let configuration = resolve(&pod()).await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://10.0.0.1:443");
    assert_eq!(configuration.namespace(), "team-a");
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "s3cr3t-token");
    assert!(matches!(configuration.cluster().trust, Trust::System));
    assert_eq!(configuration.warnings()[0].id(), "in-cluster-without-ca");
}

#[tokio::test]
async fn each_missing_part_means_not_configured_and_is_named() {
    for variable in ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"] {
        for value in [None, Some("")] {
            let world = pod();
            match value {
                None => world.unset_variable(variable),
                Some(value) => world.set_variable(variable, value),
            }
            let error = refusal(&world).await;
            assert!(
                error.is_not_configured() && error.to_string().contains(variable),
                "{error}"
            );
        }
    }
    let world = pod();
    world.remove(format!("{ROOT}/token"));
    let error = refusal(&world).await;
    assert!(
        error.is_not_configured() && error.to_string().contains(ROOT),
        "{error}"
    );
}

#[tokio::test]
async fn a_broken_mount_is_an_error_and_not_a_reason_to_go_on() {
    let world = pod();
    world.write(format!("{ROOT}/token"), " \n");
    assert_eq!(refusal(&world).await.kind(), ErrorKind::EmptyToken);

    let world = pod();
    world.fail(format!("{ROOT}/token"), io::ErrorKind::PermissionDenied);
    assert_eq!(refusal(&world).await.kind(), ErrorKind::UnreadableFile);

    let world = pod();
    world.fail(format!("{ROOT}/ca.crt"), io::ErrorKind::PermissionDenied);
    assert_eq!(refusal(&world).await.kind(), ErrorKind::UnreadableFile);

    let world = pod();
    world.write(format!("{ROOT}/ca.crt"), "no certificate");
    let error = refusal(&world).await;
    assert_eq!(error.kind(), ErrorKind::InvalidPem);
    assert!(error.to_string().contains("ca.crt"), "{error}");
}

#[tokio::test]
async fn a_mounted_file_that_every_user_can_change_is_a_warning() {
    let world = pod();
    world.let_others_write(format!("{ROOT}/token"));
    let configuration = resolve(&world).await.unwrap();
    let warnings = configuration.warnings().iter();
    let found: Vec<_> = warnings
        .filter(|warning| warning.id() == "writable-by-others")
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("/token"), "{}", found[0]);
}

#[tokio::test]
async fn a_mount_of_unknown_generation_is_not_read_by_path() {
    for (kind, expected) in [
        (io::ErrorKind::PermissionDenied, ErrorKind::UnreadableFile),
        (io::ErrorKind::TimedOut, ErrorKind::TimedOut),
    ] {
        let world = pod();
        world.fail(format!("{ROOT}/..data"), kind);
        let error = refusal(&world).await;
        assert_eq!(error.kind(), expected);
        assert!(error.to_string().contains("..data"), "{error}");
    }
    // A directory of that name alone does not make a projected volume, and neither does a volume without it.
    let world = pod();
    world.write(format!("{ROOT}/..data"), "no link");
    assert!(resolve(&world).await.is_ok());
}

#[tokio::test]
async fn a_namespace_file_that_is_not_text_is_an_error() {
    let world = pod();
    world.write_bytes(format!("{ROOT}/namespace"), b"team-\xff");
    let error = refusal(&world).await;
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert!(error.to_string().contains("namespace"), "{error}");

    // Where the variable names one, the file is not asked.
    world.set_variable("POD_NAMESPACE", "team-b");
    assert_eq!(resolve(&world).await.unwrap().namespace(), "team-b");
}

#[tokio::test]
async fn an_ipv6_host_is_bracketed_once() {
    for host in ["fd00::1", "[fd00::1]"] {
        let world = pod();
        world.set_variable("KUBERNETES_SERVICE_HOST", host);
        world.set_variable("KUBERNETES_SERVICE_PORT", "6443");
        assert_eq!(
            resolve(&world).await.unwrap().cluster().server.as_str(),
            "https://[fd00::1]:6443"
        );
    }
}

#[tokio::test]
async fn the_namespace_comes_from_the_variable_then_the_file_then_default() {
    let world = pod();
    world.set_variable("POD_NAMESPACE", "team-b");
    assert_eq!(resolve(&world).await.unwrap().namespace(), "team-b");
    world.unset_variable("POD_NAMESPACE");
    assert_eq!(resolve(&world).await.unwrap().namespace(), "team-a");
    world.remove(format!("{ROOT}/namespace"));
    assert_eq!(resolve(&world).await.unwrap().namespace(), "default");
}

#[tokio::test]
async fn every_path_and_variable_is_an_option() {
    let world = SimulatedHost::new();
    world.set_variable("MY_HOST", "api.example");
    world.set_variable("MY_PORT", "1234");
    world.write("/sa/t", "token");
    world.write("/sa/n", "elsewhere");
    let options = Options::new()
        .set("root", "/sa")
        .set("token", "t")
        .set("namespace", "n")
        .set("ca", "authority")
        .set("host-variable", "MY_HOST")
        .set("port-variable", "MY_PORT");
    let configuration = resolve_with(&world, options).await.unwrap();
    assert_eq!(
        configuration.cluster().server.as_str(),
        "https://api.example:1234"
    );
    assert_eq!(configuration.namespace(), "elsewhere");

    let error = resolve_with(&world, Options::new().set("rot", "/sa"))
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
    assert!(error.to_string().contains("did you mean \"root\"?"), "{error}");
}

#[tokio::test]
async fn token_authority_and_namespace_are_read_inside_one_generation_of_the_mount() {
    let server = ApiServer::builder().start().await.unwrap();
    let world = pod();
    for file in ["token", "ca.crt", "namespace"] {
        world.link(format!("{ROOT}/{file}"), format!("..data/{file}"));
    }
    let data = format!("{ROOT}/..2030_01_01");
    world.write(format!("{data}/token"), "of-2030");
    world.write(format!("{data}/namespace"), "team-2030");
    world.write(format!("{data}/ca.crt"), &server.ca_pem());
    world.link(format!("{ROOT}/..data"), "..2030_01_01");

    let configuration = resolve(&world).await.unwrap();
    assert_eq!(configuration.namespace(), "team-2030");
    assert!(matches!(configuration.cluster().trust, Trust::CaBundle(_)));
    let reads: Vec<PathBuf> = world.reads().into_iter().take(3).collect();
    assert!(reads.iter().all(|path| path.starts_with(&data)), "{reads:?}");
    server.shutdown().await;
}

#[tokio::test]
async fn without_the_token_file_provider_the_error_names_the_missing_one() {
    let registry = Registry::from_registrations([&kubex_in_cluster::REGISTRATION]).unwrap();
    let chain = Chain::builder(registry)
        .host(pod().host())
        .source(Source::new("in-cluster"))
        .build()
        .unwrap();
    let error = chain.resolve().await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownProvider);
    assert!(
        error.to_string().contains("token-file") && error.to_string().contains("cargo feature"),
        "{error}"
    );
}

#[tokio::test]
async fn a_credential_bundle_is_the_identity_of_a_pod_without_a_token() {
    let server = ApiServer::builder().start().await.unwrap();
    let world = pod();
    world.remove(format!("{ROOT}/token"));
    world.write(format!("{ROOT}/ca.crt"), &server.ca_pem());
    // As the kubelet writes it: the key first.
    let bundle_of = |user: &str| {
        let pem = server.issue_client_certificate(user, &[]);
        (format!("{}{}", pem.key, pem.certificate), pem.key)
    };
    let (bundle, key) = bundle_of("pod-one");
    world.write("/var/run/pod-certificate/bundle.pem", &bundle);
    let options = Options::new().set("credential-bundle", "/var/run/pod-certificate/bundle.pem");
    let configuration = resolve_with(&world, options).await.unwrap();
    let certificate = async || {
        let credential = configuration.credentials().current().await.unwrap();
        assert!(credential.token().is_none());
        credential.certificate().unwrap().chain()[0].clone()
    };
    let first = certificate().await;
    assert_eq!(
        world
            .reads()
            .iter()
            .filter(|path| path.ends_with("bundle.pem"))
            .count()
            % 2,
        0,
        "one read each for the check and for the fetch"
    );

    world.write("/var/run/pod-certificate/bundle.pem", &bundle_of("pod-two").0);
    world.advance(Duration::from_secs(61));
    assert_ne!(certificate().await, first);

    // A key alone, as a writer that is not atomic leaves for a moment.
    world.write("/var/run/pod-certificate/bundle.pem", &key);
    world.advance(Duration::from_secs(61));
    assert_ne!(certificate().await, first);
    server.shutdown().await;
}

#[tokio::test]
async fn a_credential_bundle_that_is_missing_is_an_error_that_names_it() {
    let world = pod();
    let options = Options::new().set("credential-bundle", "bundle.pem");
    let error = resolve_with(&world, options).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile);
    assert!(
        error.to_string().contains(&format!("{ROOT}/bundle.pem")),
        "{error}"
    );
}
