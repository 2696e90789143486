//! Each piece of YAML in `docs/configuration.md` is a configuration that does what the page says.

use std::fs;
use std::path::Path;

use kubex::config::Configuration;
use kubex::{ErrorKind, ExposeSecret as _};
use kubex_core::host::{Exit, ProcessOutput, SimulatedHost};

use super::{MACHINE, answer, kubeconfig, resolve, world};

const AUTHORITY: &str = kubex_core::faults::CERTIFICATE;

pub(super) fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md")).unwrap()
}

/// The YAML under a heading.
fn recipe(heading: &str) -> String {
    let page = page();
    let section = page.split("\n## ").flat_map(|part| part.split("\n### "));
    let section = section
        .into_iter()
        .find(|section| section.trim_start_matches("## ").starts_with(heading));
    let section = section.unwrap_or_else(|| panic!("there is no \"{heading}\" on the page"));
    let yaml = section
        .split("```yaml\n")
        .nth(1)
        .unwrap_or_else(|| panic!("no YAML under \"{heading}\""));
    yaml.split("```").next().unwrap().to_owned()
}

/// A world that is configured by the recipe.
fn following(heading: &str) -> SimulatedHost {
    let world = world();
    world.write(MACHINE, &recipe(heading));
    world
}

#[tokio::test]
async fn every_recipe_of_the_page_is_a_configuration_without_a_fault() {
    let page = page();
    let recipes: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .map(|text| text.split("```").next().unwrap())
        .collect();
    assert!(recipes.len() >= 8, "{} recipes", recipes.len());
    let world = world();
    world.set_variable("CI_PROJECT_DIR", "/builds/x");
    for recipe in recipes {
        world.write(MACHINE, recipe);
        let configuration = Configuration::load(&world.host())
            .await
            .unwrap_or_else(|error| panic!("{error}\n{recipe}"));
        match configuration.check(&kubex::registry().unwrap()) {
            Ok(()) => {}
            // The one whose provider is not part of this program.
            Err(error) if recipe.contains("my-vault") && error.kind() == ErrorKind::UnknownProvider => {}
            Err(error) => panic!("{error}\n{recipe}"),
        }
    }
}

#[tokio::test]
async fn every_key() {
    let world = following("Every key");
    world.write("/home/jane/.kube/config.d/more.yaml", &kubeconfig("more"));
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://home-prod");
    assert_eq!(configuration.namespace(), "team-a");
    assert_eq!(
        configuration.cluster().tls_server_name.as_deref(),
        Some("api.internal")
    );
    assert_eq!(configuration.impersonation().unwrap().user, "jane");
}

#[tokio::test]
async fn two_clusters() {
    let world = following("Two clusters");
    assert_eq!(answer(&world).await.1, "https://home-prod");
    world.write("/home/jane/.kube/staging.yaml", &kubeconfig("staging"));
    world.set_variable("KUBEX_CHAIN", "staging");
    assert_eq!(answer(&world).await.1, "https://staging-dev");
}

#[tokio::test]
async fn the_plugins_of_the_clouds_and_no_others() {
    let world = following("EKS, GKE, AKS");
    world.set_variable("PATH", "/usr/bin");
    for (source, program) in [
        ("eks", "aws"),
        ("gke", "gke-gcloud-auth-plugin"),
        ("aks", "kubelogin"),
    ] {
        world.write(format!("/etc/kubex/{source}-ca.pem"), AUTHORITY);
        world.install_program(format!("/usr/bin/{program}"));
        world.set_variable("KUBEX_CHAIN", source);
        world.run_processes(move |process| {
            assert!(process.program.path().ends_with(program), "{process:?}");
            let answer = r#"{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": "cloud"}}"#;
            Ok(ProcessOutput { exit: Exit::Status(0), output: answer.as_bytes().to_vec().into(), error: Vec::new().into() })
        });
        let configuration = resolve(&world).await.unwrap();
        let credential = configuration.credentials().current().await.unwrap();
        assert_eq!(credential.token().unwrap().expose_secret(), "cloud", "{source}");
    }
    world.install_program("/usr/bin/other");
    world.set_variable("KUBEX_SOURCES__AKS__COMMAND", "other");
    let error = resolve(&world)
        .await
        .unwrap()
        .credentials()
        .current()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn pinned_to_the_pod() {
    let world = following("Pinned to the pod");
    assert_eq!(answer(&world).await.2, "pod-token");
    world.unset_variable("KUBERNETES_SERVICE_HOST");
    assert_eq!(resolve(&world).await.unwrap_err().kind(), ErrorKind::Exhausted);
}

#[tokio::test]
async fn break_glass() {
    let world = following("Break-glass");
    assert_eq!(answer(&world).await.0, "kubeconfig");
    world.set_variable("KUBEX_SOURCES__BREAK_GLASS__ENABLED", "true");
    world.write("/run/secrets/break-glass", "break-glass-token");
    world.write("/etc/kubex/ca.crt", AUTHORITY);
    assert_eq!(
        answer(&world).await,
        (
            "break-glass".into(),
            "https://10.0.0.1:6443".into(),
            "break-glass-token".into()
        )
    );
    world.remove("/run/secrets/break-glass");
    let error = resolve(&world).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.source_name()),
        (ErrorKind::UnreadableFile, Some("break-glass"))
    );
}

#[tokio::test]
async fn an_untrusted_kubeconfig() {
    let world = following("An untrusted kubeconfig");
    world.install_program("/usr/bin/evil");
    world.write(
        "/srv/uploads/kubeconfig",
        "current-context: c\nclusters: [{name: c, cluster: {server: 'https://c'}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n\
         users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: evil, interactiveMode: Never}}}]\n",
    );
    let error = resolve(&world)
        .await
        .unwrap()
        .credentials()
        .current()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(world.runs(), 0);
    world.write("/srv/uploads/kubeconfig", &kubeconfig("theirs"));
    assert_eq!(answer(&world).await.1, "https://theirs-dev");
}

#[tokio::test]
async fn a_provider_of_your_own_that_is_not_named_in_the_program() {
    let world = following("A provider of your own");
    let error = resolve(&world).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownProvider);
    assert!(error.to_string().contains("use that_crate as _;"), "{error}");
}

#[tokio::test]
async fn per_environment() {
    let world = following("Per environment");
    assert_eq!(answer(&world).await.1, "https://home-dev");
    world.set_variable("KUBEX_PROFILE", "production");
    assert_eq!(answer(&world).await.2, "pod-token");
    world.set_variable("KUBEX_PROFILE", "ci");
    world.set_variable("CI_PROJECT_DIR", "/builds/x");
    world.write(
        "/builds/x/kubeconfig",
        &kubeconfig("ci")
            .replace("{name: prod", "{name: ci")
            .replace("cluster: prod, user: prod", "cluster: ci, user: ci"),
    );
    assert_eq!(answer(&world).await.1, "https://ci-prod");
}

/// The page tells once what `-env` and `-data` mean.
fn stem(key: &str) -> &str {
    let key = key.strip_suffix("-env").unwrap_or(key);
    key.strip_suffix("-data").unwrap_or(key)
}

/// What the page says of keys is what the types say.
#[test]
fn the_page_names_every_key_of_every_provider() {
    let page = page();
    for registration in kubex::registry().unwrap().iter() {
        let schema = kubex::config::schema(&kubex::registry().unwrap());
        let properties = schema["definitions"][registration.name()]["properties"]
            .as_object()
            .unwrap();
        for key in properties.keys() {
            let stem = stem(key);
            assert!(
                page.contains(&format!("`{key}`")) || page.contains(&format!("`{stem}`")),
                "{key} of {}",
                registration.name()
            );
        }
    }
    let schema = kubex::config::schema(&kubex::registry().unwrap());
    for section in ["exec-rules", "overrides"] {
        for key in schema["definitions"][section]["properties"]
            .as_object()
            .unwrap()
            .keys()
        {
            let stem = stem(key);
            assert!(page.contains(&format!("`{stem}`")), "{key} of {section}");
        }
    }
}
