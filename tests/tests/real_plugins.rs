//! The plugins that people have, through a kubeconfig: `aws`, `gke-gcloud-auth-plugin`, `oci`.
//!
//! Each test runs where its plugin is installed, and prints on stderr that it did not run where it is not:
//!
//! ```sh
//! python3 -m venv /tmp/aws && /tmp/aws/bin/pip install awscli
//! PATH=/tmp/aws/bin:$PATH cargo test -p kubex-tests --test real_plugins
//! ```
//!
//! No account and no network is needed: `aws` signs its token by itself, GKE's plugin prints the token of a file, and
//! without a login each refuses.

#![cfg(unix)]

use std::time::Duration;

use kubex::host::PluginRules;
use kubex::{ClientConfiguration, Error, ErrorKind, ExposeSecret as _, Host, configure_from_kubeconfig};
use kubex_tests::machine::{has_tool, patience};

fn is_installed(plugin: &str) -> bool {
    has_tool(&[plugin, "--version"], &format!("the plugin {plugin}"))
}

/// A kubeconfig in a directory of its own, with this exec block.
async fn configuration(version: &str, exec: &str) -> (tempfile::TempDir, ClientConfiguration) {
    let directory = tempfile::tempdir().unwrap();
    let content = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\nusers:\n- name: u\n  user:\n    exec:\n      \
         apiVersion: client.authentication.k8s.io/{version}\n      interactiveMode: IfAvailable\n      \
         provideClusterInfo: true\n{}",
        exec.replace("$HOME", directory.path().to_str().unwrap())
            .lines()
            .map(|line| format!("      {line}\n"))
            .collect::<String>()
    );
    let path = directory.path().join("config");
    std::fs::write(&path, content).unwrap();
    std::fs::write(directory.path().join("token"), "token-of-a-file\n").unwrap();
    // An interpreter that is started on a busy machine takes its time.
    let rules = PluginRules::new().deadline(patience(Duration::from_secs(30)));
    let host = Host::real().with_plugin_rules(rules);
    let configuration = configure_from_kubeconfig().host(host).path(&path).await.unwrap();
    (directory, configuration)
}

async fn refused(version: &str, exec: &str) -> Error {
    let (_directory, configuration) = configuration(version, exec).await;
    configuration.credentials().current().await.unwrap_err()
}

#[tokio::test]
async fn aws_eks_get_token_with_invalid_keys() {
    if !is_installed("aws") {
        return;
    }
    let exec = "command: aws\nargs: [eks, get-token, --cluster-name, prod, --region, eu-central-1]\n\
                env:\n- {name: AWS_ACCESS_KEY_ID, value: AKIAIOSFODNN7EXAMPLE}\n\
                - {name: AWS_SECRET_ACCESS_KEY, value: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY}";
    for version in ["v1", "v1beta1"] {
        let (_directory, configuration) = configuration(version, exec).await;
        let begun = std::time::Instant::now();
        let credential = configuration.credentials().current().await.unwrap();
        let took = begun.elapsed();
        let token = credential.token().unwrap().expose_secret();
        assert!(token.starts_with("k8s-aws-v1."), "it begins with {}", &token[..4]);
        let left = credential.expires_at().unwrap();
        let left = left.duration_since(std::time::SystemTime::now()).unwrap();
        let least = (14 * 60_u64).saturating_sub(patience(Duration::from_secs(60)).as_secs());
        assert!((least..=14 * 60).contains(&left.as_secs()), "{left:?}");
        println!("aws, {version}: a token in {took:?}, which expires in {left:?}");
    }
    // Without keys it ends with a reason of its own.
    let exec = "command: aws\nargs: [eks, get-token, --cluster-name, prod]\nenv:\n\
                - {name: AWS_ACCESS_KEY_ID, value: ''}\n- {name: AWS_EC2_METADATA_DISABLED, value: 'true'}\n\
                - {name: AWS_CONFIG_FILE, value: $HOME/none}\n- {name: AWS_SHARED_CREDENTIALS_FILE, value: $HOME/none}";
    let error = refused("v1", exec).await;
    println!("aws without keys: {error}");
    assert_eq!(error.kind(), ErrorKind::PluginFailed, "{error}");
    assert!(error.message().contains("exit code"), "{error}");
}

#[tokio::test]
async fn gke_gcloud_auth_plugin_with_the_token_of_a_file() {
    if !is_installed("gke-gcloud-auth-plugin") {
        return;
    }
    let with = |variables: &str| {
        format!(
            "command: gke-gcloud-auth-plugin\ninstallHint: install gke-gcloud-auth-plugin\n\
             env:\n- {{name: HOME, value: $HOME}}\n{variables}"
        )
    };
    let exec = with("- {name: CLOUDSDK_AUTH_ACCESS_TOKEN_FILE, value: $HOME/token}");
    let (_directory, configuration) = configuration("v1beta1", &exec).await;
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "token-of-a-file");
    assert_eq!(credential.expires_at(), None);

    // It speaks v1beta1 only, whatever it is asked for.
    let error = refused("v1", &exec).await;
    println!("gke asked for v1: {error}");
    assert_eq!(error.kind(), ErrorKind::VersionMismatch, "{error}");

    // Without a login its reason is on standard error alone.
    let error = refused("v1beta1", &with("")).await;
    println!("gke without a login: {error}");
    assert_eq!(error.kind(), ErrorKind::PluginFailed, "{error}");
    assert!(error.message().contains("gcloud"), "{error}");
}

#[tokio::test]
async fn oci_ce_cluster_generate_token_without_a_login() {
    if !is_installed("oci") {
        return;
    }
    let exec = "command: oci\nargs: [ce, cluster, generate-token, --cluster-id, ocid1.cluster.oc1..nobody]\n\
                env:\n- {name: OCI_CLI_CONFIG_FILE, value: $HOME/none}";
    let (_directory, configuration) = configuration("v1beta1", exec).await;
    let begun = std::time::Instant::now();
    let error = configuration.credentials().current().await.unwrap_err();
    println!("oci without a login, after {:?}: {error}", begun.elapsed());
    assert_eq!(error.kind(), ErrorKind::PluginFailed, "{error}");
    assert!(begun.elapsed() < patience(Duration::from_secs(30)));
}
