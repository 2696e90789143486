//! Calls of kubelogin with the login `azurecli`: what serves them, with scripts in place of kubelogin and of the Azure CLI.

use std::time::Duration;

use kubex::host::{AllowedPlugin, PluginEnvironment, PluginPolicy};
use kubex::{ErrorKind, ExposeSecret as _};

use crate::azure_cli::{calls, in_an_hour, install, prints};
use crate::native::{NATIVE, args, decision, install as install_kubelogin, resolve, rules};
use crate::scene::machine;

const CALL: &str = "get-token, --login, azurecli, --server-id, s, --tenant-id, t";

async fn token(configuration: &kubex::ClientConfiguration) -> String {
    let credential = configuration.credentials().current().await.unwrap();
    credential.token().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn the_token_is_that_of_the_azure_cli_and_kubelogin_need_not_be_installed() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), &prints("of-jane", in_an_hour()));
    let variables = [("AZURE_CONFIG_DIR", "/azure")];
    let host = machine(home.path(), &variables).with_plugin_rules(rules());
    let configuration = resolve(home.path(), &args(CALL), host).await.unwrap();
    assert_eq!(calls(home.path()), [""; 0]);
    assert_eq!(token(&configuration).await, "of-jane");
    assert_eq!(
        calls(home.path()),
        ["account|get-access-token|-o|json|--scope|s/.default|--tenant|t"]
    );
}

#[tokio::test]
async fn the_variables_of_the_kubeconfig_reach_the_azure_cli() {
    let home = tempfile::tempdir().unwrap();
    install(
        home.path(),
        &format!(
            "echo \"$AZURE_CONFIG_DIR\" >> {}/seen; exit 1",
            home.path().display()
        ),
    );
    let exec = format!("{}\nenv: [{{name: AZURE_CONFIG_DIR, value: /azure}}]", args(CALL));
    let host = machine(home.path(), &[]).with_plugin_rules(rules());
    let configuration = resolve(home.path(), &exec, host).await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert!(
        error
            .message()
            .starts_with("the Azure CLI (az) failed with exit code 1"),
        "{error}"
    );
    assert_eq!(
        std::fs::read_to_string(home.path().join("seen")).unwrap(),
        "/azure\n"
    );
}

#[tokio::test]
async fn kubelogin_runs_if_the_azure_cli_may_not_or_cannot() {
    let home = tempfile::tempdir().unwrap();
    install_kubelogin(home.path());
    let machine = || machine(home.path(), &[]);
    let decide = async |host| decision(home.path(), &args(CALL), host).await;
    assert_eq!(
        decide(machine().with_plugin_rules(rules())).await,
        "the Azure CLI (az) was not found in any directory of PATH"
    );
    install(home.path(), "exit 1");
    assert_eq!(decide(machine().with_plugin_rules(rules())).await, NATIVE);
    let allow = |names: &[&str]| {
        let policy = PluginPolicy::allowlist(names.iter().copied()).unwrap();
        machine().with_plugin_rules(rules().policy(policy))
    };
    assert_eq!(decide(allow(&["kubelogin", "az"])).await, NATIVE);
    let program = home.path().join("bin/az");
    assert_eq!(
        decide(allow(&["kubelogin"])).await,
        format!(
            "the plugin \"{}\" is not on the plugin allowlist",
            program.display()
        )
    );
    for (dropped, value) in [("AZURE_CONFIG_DIR", "/azure"), ("PATH", "")] {
        let environment = PluginEnvironment::inherit().dropping([dropped]);
        let host = machine().with_plugin_rules(rules().environment(environment));
        let host = if value.is_empty() {
            host
        } else {
            host.with_variable(dropped, Some(value))
        };
        assert_eq!(
            decide(host).await,
            format!("the plugin rules remove the variable \"{dropped}\"")
        );
    }
    let timeout = machine()
        .with_variable("AZURE_CLI_TIMEOUT", Some("60s"))
        .with_plugin_rules(rules());
    assert_eq!(
        decide(timeout).await,
        "the variable \"AZURE_CLI_TIMEOUT\" is not supported"
    );
    assert_eq!(calls(home.path()), [""; 0]);
}

/// Under an allowlist, a kubeconfig chooses the files of the Azure CLI only if the entries of both programs say so.
#[tokio::test]
async fn an_allowlist_limits_the_variables_of_the_azure_cli_too() {
    let home = tempfile::tempdir().unwrap();
    install_kubelogin(home.path());
    install(home.path(), "exit 1");
    let exec = format!("{}\nenv: [{{name: AZURE_CONFIG_DIR, value: /azure}}]", args(CALL));
    let entry = |command: &str, env: &[&str]| AllowedPlugin {
        command: command.to_owned(),
        env: env.iter().map(ToString::to_string).collect(),
        ..AllowedPlugin::default()
    };
    let both = &["AZURE_CONFIG_DIR"][..];
    for (of_az, is_native) in [(&[][..], false), (both, true)] {
        let list = vec![entry("kubelogin", both), entry("az", of_az)];
        let policy = PluginPolicy::allowlist_of(list).unwrap();
        let host = machine(home.path(), &[]).with_plugin_rules(rules().policy(policy));
        let decided = decision(home.path(), &exec, host).await;
        assert_eq!(decided == NATIVE, is_native, "{decided}");
        assert!(is_native || decided.contains("AZURE_CONFIG_DIR"), "{decided}");
    }
}

#[tokio::test]
async fn an_azure_cli_that_hangs_is_named_and_kubelogin_does_not_run_too() {
    let home = tempfile::tempdir().unwrap();
    install_kubelogin(home.path());
    install(home.path(), "/bin/sleep 600");
    let exec = "command: kubelogin\nargs: [get-token, --server-id, s]\nenv: [{name: AAD_LOGIN_METHOD, value: azurecli}]";
    let rules = rules().deadline(Duration::from_secs(2));
    let host = machine(home.path(), &[]).with_plugin_rules(rules);
    let configuration = resolve(home.path(), exec, host).await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(
        error
            .message()
            .starts_with("the Azure CLI (az) did not finish within 2 s and was killed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_later_fetch_that_cannot_be_served_runs_kubelogin() {
    let home = tempfile::tempdir().unwrap();
    install_kubelogin(home.path());
    let az = home.path().join("bin/az");
    for what in ["removed", "old"] {
        install(home.path(), "exit 1");
        let host = machine(home.path(), &[]).with_plugin_rules(rules());
        let configuration = resolve(home.path(), &args(CALL), host).await.unwrap();
        assert!(configuration.warnings().is_empty(), "{what}");
        if what == "removed" {
            std::fs::remove_file(&az).unwrap();
        } else {
            let old =
                r#"{"accessToken": "t", "expiresOn": "2040-01-02 03:04:05.000000", "tokenType": "Bearer"}"#;
            install(home.path(), &format!("echo '{old}'"));
        }
        assert_eq!(token(&configuration).await, "printed", "{what}");
    }
}
