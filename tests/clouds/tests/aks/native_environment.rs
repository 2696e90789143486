//! What else decides whether a call of kubelogin is served natively: the environment, the plugin rules, and where the
//! kubeconfig comes from.

use kubex::host::{PluginEnvironment, PluginPolicy};
use kubex::{ErrorKind, ExposeSecret as _};

use crate::native::{MSI, NATIVE, SPN, args, decision, install, kubeconfig, resolve, rules};
use crate::scene::{machine, write};
use crate::shared;

#[tokio::test]
async fn the_environment_decides_too() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    let file = write(home.path(), "token", "assertion");
    let workload = "get-token, --login, workloadidentity, --server-id, s";
    let pod = [
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_FEDERATED_TOKEN_FILE", file.as_str()),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/"),
    ];
    let with = |more: &[(&'static str, &'static str)]| machine(home.path(), more);
    let in_pod = |more: &[(&'static str, &'static str)]| machine(home.path(), &[&pod[..], more].concat());
    let differs = "versions of kubelogin use this address of Microsoft Entra differently";
    for (call, host, expected) in [
        (workload, in_pod(&[]), NATIVE),
        (MSI, in_pod(&[]), NATIVE),
        (SPN, in_pod(&[]), differs),
        (
            MSI,
            with(&[("AZURE_SUBSCRIPTION_ID", "s"), ("AZURE_CONFIG_DIR", "/a")]),
            NATIVE,
        ),
        (MSI, with(&[("AZURE_CLIENT_CERTIFICATE_PATH", "/c")]), NATIVE),
        (
            SPN,
            with(&[("AZURE_CLIENT_CERTIFICATE_PATH", "/c")]),
            "the variable \"AZURE_CLIENT_CERTIFICATE_PATH\" is not supported",
        ),
        (
            MSI,
            with(&[("AZURE_SOMETHING_NEW", "x")]),
            "the variable \"AZURE_SOMETHING_NEW\" is not supported",
        ),
        (
            SPN,
            with(&[("AZURE_REGIONAL_AUTHORITY_NAME", "x")]),
            "the variable \"AZURE_REGIONAL_AUTHORITY_NAME\" is not supported",
        ),
        (
            MSI,
            with(&[("AZURE_ENVIRONMENT", "AzureChinaCloud")]),
            "the variable \"AZURE_ENVIRONMENT\" is not supported",
        ),
        (
            SPN,
            with(&[("AZURE_ENVIRONMENT", "AzureStackCloud")]),
            "the variable \"AZURE_ENVIRONMENT\" is not supported",
        ),
        (
            MSI,
            with(&[("AZURE_CLIENT_ID", "")]),
            "the variable \"AZURE_CLIENT_ID\" is empty, which kubelogin does not treat as unset",
        ),
        (
            MSI,
            with(&[("AAD_LOGIN_METHOD", "azurecli")]),
            "the Azure CLI (az) was not found in any directory of PATH",
        ),
        (
            MSI,
            with(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")]),
            "the variable \"AZURE_POD_IDENTITY_AUTHORITY_HOST\" is not supported",
        ),
        (
            MSI,
            with(&[("IDENTITY_ENDPOINT", "http://127.0.0.1:1")]),
            "the variable IDENTITY_ENDPOINT has another value in the environment of the process, where the Azure SDK \
             reads it",
        ),
        (
            MSI,
            with(&[("HTTP_PROXY", "http://127.0.0.1:1")]),
            "kubelogin asks for the managed identity through the proxy of the environment",
        ),
        (
            MSI,
            with(&[
                ("HTTP_PROXY", "http://127.0.0.1:1"),
                ("NO_PROXY", "169.254.169.254"),
            ]),
            NATIVE,
        ),
        (SPN, with(&[("HTTP_PROXY", "http://127.0.0.1:1")]), NATIVE),
        (
            workload,
            in_pod(&[("AZURE_AUTHORITY_HOST", "https://127.0.0.1/")]),
            differs,
        ),
        (
            workload,
            in_pod(&[("AZURE_FEDERATED_TOKEN_FILE", "Cargo.toml")]),
            "the federated token file does not contain a token",
        ),
        (
            workload,
            in_pod(&[
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://127.0.0.1"),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"),
            ]),
            "the variable \"ACTIONS_ID_TOKEN_REQUEST_TOKEN\" is not supported",
        ),
        (
            workload,
            in_pod(&[("AZURE_KUBERNETES_TOKEN_PROXY", "https://127.0.0.1")]),
            "the variable AZURE_KUBERNETES_TOKEN_PROXY names a token proxy, which the Azure SDK does not support",
        ),
    ] {
        let decided = decision(home.path(), &args(call), host.with_plugin_rules(rules())).await;
        assert_eq!(decided, expected, "{call}");
    }
    // The agent of Azure Arc where it is on Windows.
    let programs = home.path().join("programs");
    write(home.path(), "programs/AzureConnectedMachineAgent/himds.exe", "");
    for (call, expected) in [(MSI, "the agent of Azure Arc is installed"), (SPN, NATIVE)] {
        let host = machine(home.path(), &[]).with_variable("ProgramFiles", Some(&programs));
        let decided = decision(home.path(), &args(call), host.with_plugin_rules(rules())).await;
        assert_eq!(decided, expected, "{call}");
    }
    for (name, pattern) in [
        ("AZURE_CLIENT_ID", "AZURE_CLIENT_*"),
        ("AAD_LOGIN_METHOD", "AAD_*"),
        ("HTTPS_PROXY", "HTTPS_PROXY"),
    ] {
        let environment = PluginEnvironment::inherit().dropping([pattern]);
        let value = if name == "AAD_LOGIN_METHOD" { "msi" } else { "c" };
        let host = machine(home.path(), &[(name, value)]);
        let host = host.with_plugin_rules(rules().environment(environment));
        assert_eq!(
            decision(home.path(), &args(MSI), host).await,
            format!("the plugin rules remove the variable \"{name}\"")
        );
    }
}

#[tokio::test]
async fn the_plugin_policy_decides_as_if_the_plugin_ran() {
    let home = tempfile::tempdir().unwrap();
    for (policy, is_allowed) in [
        (PluginPolicy::allow_all(), true),
        (PluginPolicy::deny_all(), false),
        (PluginPolicy::allowlist(["kubelogin"]).unwrap(), true),
        (PluginPolicy::allowlist(["aws"]).unwrap(), false),
    ] {
        let host = machine(home.path(), &[]).with_plugin_rules(rules().policy(policy));
        let configuration = resolve(home.path(), &args(MSI), host).await.unwrap();
        let verdict = configuration.credentials().plugin_verdict().await.unwrap();
        assert_eq!(verdict.command, "kubelogin");
        assert_eq!(verdict.refusal.is_none(), is_allowed);
        if !is_allowed {
            // Nothing is asked.
            let error = configuration.credentials().current().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        }
    }
}

#[tokio::test]
async fn without_the_rule_the_plugin_runs_and_nothing_is_said() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    let configuration = resolve(home.path(), &args(MSI), machine(home.path(), &[]))
        .await
        .unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "printed");
    assert!(configuration.warnings().is_empty());
}

#[tokio::test]
async fn a_kubeconfig_that_came_as_bytes_gets_no_token() {
    let home = tempfile::tempdir().unwrap();
    let host = machine(home.path(), &[]).with_plugin_rules(rules());
    let error = shared::refused_as_bytes(kubeconfig(&args(MSI)), host).await;
    assert_eq!(error.kind(), ErrorKind::Refused);
}
