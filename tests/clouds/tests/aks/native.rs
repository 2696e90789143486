//! Kubeconfigs whose exec plugin is kubelogin: which of their calls are served natively, each decision pinned.
//!
//! The `kubelogin` in `PATH` is a script that prints a token of its own. A call that is served natively would ask Microsoft,
//! so no token of it is fetched here; `command` does it for a managed identity.

use std::path::Path;

use kubex::host::PluginRules;
use kubex::{ClientConfiguration, ExposeSecret as _, Host};

use crate::scene::{machine, write};
use crate::shared;

pub(crate) const NATIVE: &str = "served natively";

/// A kubeconfig with this exec block, one line each.
pub(crate) fn kubeconfig(exec: &str) -> String {
    shared::kubeconfig("v1beta1", exec)
}

/// Installs a `kubelogin` that prints a token of its own.
pub(crate) fn install(home: &Path) {
    shared::install(home, "kubelogin", "v1beta1");
}

pub(crate) fn rules() -> PluginRules {
    PluginRules::new().native(["kubelogin"])
}

pub(crate) async fn resolve(home: &Path, exec: &str, host: Host) -> kubex::Result<ClientConfiguration> {
    shared::resolve_kubeconfig(home, &kubeconfig(exec), host).await
}

/// What happens to a call: [`NATIVE`], or the reason in the warning.
pub(crate) async fn decision(home: &Path, exec: &str, host: Host) -> String {
    let configuration = resolve(home, exec, host).await.unwrap();
    let is_native = configuration
        .credentials()
        .describe()
        .contains("in place of the plugin kubelogin");
    let mut warnings = configuration
        .warnings()
        .iter()
        .filter(|it| it.id() == "plugin-not-replaced");
    match warnings.next() {
        None => {
            assert!(is_native, "{exec}: the plugin runs without a warning");
            NATIVE.to_owned()
        }
        Some(warning) => {
            assert!(!is_native, "{exec}: served natively in spite of the warning");
            let credential = configuration.credentials().current().await.unwrap();
            assert_eq!(credential.token().unwrap().expose_secret(), "printed", "{exec}");
            assert!(warning.origin().is_some(), "{exec}");
            let (_, why) = warning.message().split_once("lists it: ").unwrap();
            why.to_owned()
        }
    }
}

pub(crate) fn args(args: &str) -> String {
    format!("command: kubelogin\nargs: [{args}]")
}

pub(crate) const SPN: &str =
    "get-token, --login, spn, --server-id, s, --tenant-id, t, --client-id, c, --client-secret, x";
pub(crate) const MSI: &str = "get-token, --login, msi, --server-id, s";

#[tokio::test]
async fn each_call_of_kubelogin_is_served_natively_or_runs_for_a_reason() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    crate::azure_cli::install(home.path(), "exit 1");
    let file = write(home.path(), "token", "assertion");
    let workload = format!(
        "get-token, -l, workloadidentity, --server-id, s, -t, t, --client-id, c, --federated-token-file, {file}"
    );
    let env = |call: &str, env: &str| format!("{}\nenv: [{env}]", args(call));
    let not = |what: &str| format!("{what} is not supported");
    let flag = |flag: &str| not(&format!("the argument \"--{flag}\""));
    let value = |flag: &str| not(&format!("the value of \"--{flag}\""));
    let variable = |name: &str| not(&format!("the variable \"{name}\""));
    let native = || NATIVE.to_owned();
    let person = |login: &str| format!("the login \"{login}\" needs a person to log in");
    let cli = "get-token, --login, azurecli, --server-id, s";
    let differs = || "versions of kubelogin use this address of Microsoft Entra differently".to_owned();
    let aks = "get-token, --environment, AzurePublicCloud, --server-id, 6dae42f8-4368-4678-94ff-3960e28e3630, \
               --client-id, 80faf920-1908-4b52-b5ef-a8e7bedfc67a, --tenant-id, 11111111-2222-3333-4444-555555555555";
    let resource =
        "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
    let cases = [
        // Written by `az aks get-credentials` and `kubelogin convert-kubeconfig`, and by hand.
        (args(&format!("{aks}, --login, devicecode")), person("devicecode")),
        (args(aks), person("devicecode")),
        (
            args(&format!("{aks}, --login, interactive")),
            person("interactive"),
        ),
        (args(&format!("{aks}, --login, msi")), native()),
        (args(MSI), native()),
        (args("get-token, --login=msi, --server-id=s"), native()),
        (
            args("get-token, -l, msi, --server-id, s, -e, AzureChinaCloud"),
            native(),
        ),
        (args(&format!("{MSI}, --client-id, c")), native()),
        (
            args(&format!("{MSI}, --identity-resource-id, {resource}")),
            native(),
        ),
        (args(SPN), native()),
        (
            args(&format!("{SPN}, --environment, AzureUSGovernmentCloud")),
            native(),
        ),
        (args(&format!("{SPN}, --environment, azurepubliccloud")), native()),
        (args(&workload), native()),
        (
            args(&format!(
                "{workload}, --authority-host, 'https://login.microsoftonline.com/'"
            )),
            native(),
        ),
        (format!("{}\nprovideClusterInfo: false", args(MSI)), native()),
        (format!("{}\ninstallHint: install it", args(MSI)), native()),
        (format!("{}\nenv: null", args(MSI)), native()),
        (
            env(
                "get-token, --server-id, s",
                "{name: AAD_LOGIN_METHOD, value: msi}",
            ),
            native(),
        ),
        (env(MSI, "{name: AZURE_CLIENT_ID, value: c}"), native()),
        (
            env(
                "get-token, --login, spn, --server-id, s",
                "{name: AAD_SERVICE_PRINCIPAL_CLIENT_ID, value: c}, \
                 {name: AAD_SERVICE_PRINCIPAL_CLIENT_SECRET, value: x}, {name: AZURE_TENANT_ID, value: t}",
            ),
            native(),
        ),
        (
            env(SPN, "{name: HTTPS_PROXY, value: 'http://127.0.0.1:1'}"),
            native(),
        ),
        // The Azure CLI.
        (args(cli), native()),
        (args("get-token, -l, azurecli, --server-id, s"), native()),
        (
            args("get-token, --login=azurecli, --server-id=s, -t, t"),
            native(),
        ),
        (args(&format!("{aks}, --login, azurecli")), native()),
        (env(aks, "{name: AAD_LOGIN_METHOD, value: azurecli}"), native()),
        (env(cli, "{name: AZURE_CONFIG_DIR, value: /azure}"), native()),
        (env(cli, "{name: AZURE_TENANT_ID, value: t}"), native()),
        (
            env(cli, "{name: HTTPS_PROXY, value: 'http://127.0.0.1:1'}"),
            native(),
        ),
        (
            env(cli, "{name: AZURE_CONFIG_DIR, value: azure}"),
            "the variable \"AZURE_CONFIG_DIR\" is not an absolute path".to_owned(),
        ),
        (
            env(cli, "{name: AZURE_CLI_TIMEOUT, value: 60s}"),
            variable("AZURE_CLI_TIMEOUT"),
        ),
        (
            env(cli, "{name: AZURE_CORE_OUTPUT, value: table}"),
            variable("AZURE_CORE_OUTPUT"),
        ),
        (
            env(cli, "{name: AZURE_EXTENSION_DIR, value: /x}"),
            variable("AZURE_EXTENSION_DIR"),
        ),
        (env(cli, "{name: PATH, value: /x}"), variable("PATH")),
        (env(cli, "{name: PYTHONPATH, value: /x}"), variable("PYTHONPATH")),
        (args(&format!("{cli}, --timeout, 60s")), flag("timeout")),
        (
            args(&format!("{cli}, --azure-config-dir, /azure")),
            flag("azure-config-dir"),
        ),
        (
            args(&format!("{cli}, --pop-enabled, --pop-claims, u=x")),
            flag("pop-enabled"),
        ),
        (args(&format!("{cli}, --subscription, x")), flag("subscription")),
        (args(&format!("{cli}, --tenant-id, 'a b'")), value("tenant-id")),
        (args(&format!("{cli}, --tenant-id=-x")), value("tenant-id")),
        (
            env(cli, "{name: AZURE_TENANT_ID, value: 'a;b'}"),
            "the value contains a character that is not allowed in an id".to_owned(),
        ),
        // Other logins, other commands, and the kubelogin for OpenID Connect.
        (
            args(&format!("{aks}, --login, ropc")),
            "the login \"ropc\" needs a person's password".to_owned(),
        ),
        (
            args("get-token, -l, azd, --server-id, s"),
            "the login \"azd\" needs the Azure Developer CLI, which this provider does not run".to_owned(),
        ),
        (
            args("get-token, -l, azurepipelines, --server-id, s"),
            "the login \"azurepipelines\" is for a job of Azure Pipelines".to_owned(),
        ),
        (
            args("get-token, -l, manual, --server-id, s"),
            "\"manual\" is not a login of kubelogin".to_owned(),
        ),
        (
            env(MSI, "{name: AAD_LOGIN_METHOD, value: devicecode}"),
            person("$AAD_LOGIN_METHOD"),
        ),
        (
            "command: kubelogin".to_owned(),
            not("a command other than \"get-token\""),
        ),
        (
            args("convert-kubeconfig, -l, msi"),
            not("a command other than \"get-token\""),
        ),
        (
            args("--login, msi, get-token, --server-id, s"),
            not("a command other than \"get-token\""),
        ),
        (
            args("oidc-login, get-token"),
            not("a command other than \"get-token\""),
        ),
        (
            args("get-token, '--oidc-issuer-url=https://127.0.0.1', --oidc-client-id=c"),
            flag("oidc-issuer-url"),
        ),
        (args("get-token"), not("a call without \"--server-id\"")),
        (
            args("get-token, --login, msi"),
            not("a call without \"--server-id\""),
        ),
        // Arguments that mean something else.
        (args(&format!("{SPN}, --legacy")), flag("legacy")),
        (
            args(&format!("{SPN}, --pop-enabled, --pop-claims, u=x")),
            flag("pop-enabled"),
        ),
        (
            args(&format!("{SPN}, --use-azurerm-env-vars")),
            flag("use-azurerm-env-vars"),
        ),
        (
            args(&format!("{SPN}, --disable-environment-override")),
            flag("disable-environment-override"),
        ),
        (
            args(&format!("{SPN}, --disable-instance-discovery")),
            flag("disable-instance-discovery"),
        ),
        (
            args(&format!("{SPN}, --client-certificate, /c.pfx")),
            flag("client-certificate"),
        ),
        (args(&format!("{SPN}, --timeout, 5s")), flag("timeout")),
        (
            args(&format!("{SPN}, --token-cache-dir, /c")),
            flag("token-cache-dir"),
        ),
        (args(&format!("{SPN}, --v, '5'")), flag("v")),
        (args(&format!("{SPN}, -v, '5'")), not("argument 12")),
        (args(&format!("{SPN}, extra")), not("argument 12")),
        (args(&format!("{SPN}, --")), flag("")),
        (args("get-token, -lmsi, --server-id, s"), not("argument 2")),
        (args("get-token, -l=msi, --server-id, s"), not("argument 2")),
        (
            args(&format!("{MSI}, --login, spn")),
            not("the argument \"--login\", which is given twice,"),
        ),
        (
            args(&format!("{MSI}, -l, spn")),
            not("the argument \"--login\", which is given twice,"),
        ),
        (args(&format!("{MSI}, --client-id")), value("client-id")),
        (args(&format!("{MSI}, --client-id, ''")), value("client-id")),
        (args(&format!("{MSI}, --client-id, 'a b'")), value("client-id")),
        (args("get-token, --login, --server-id, s"), value("login")),
        (args("get-token, -l, MSI, --server-id, s"), value("login")),
        (
            args(&format!("{SPN}, -e, AzureGermanCloud")),
            value("environment"),
        ),
        (
            args(&format!("{workload}, --authority-host, 'https://127.0.0.1/'")),
            value("authority-host"),
        ),
        (
            args(&format!(
                "{workload}, --authority-host, 'https://login.microsoftonline.com'"
            )),
            value("authority-host"),
        ),
        (
            args(&format!(
                "{SPN}, --authority-host, 'https://login.microsoftonline.com/'"
            )),
            differs(),
        ),
        (
            args(&workload.replace(&file, "token")),
            value("federated-token-file"),
        ),
        (
            args(&format!(
                "{MSI}, --client-id, c, --identity-resource-id, {resource}"
            )),
            "both a client id and a resource id name the managed identity".to_owned(),
        ),
        // Variables.
        (
            env(MSI, "{name: AZURE_CLIENT_ID, value: ''}"),
            variable("AZURE_CLIENT_ID"),
        ),
        (
            env(SPN, "{name: AZURE_CLIENT_CERTIFICATE_PATH, value: /c.pfx}"),
            variable("AZURE_CLIENT_CERTIFICATE_PATH"),
        ),
        (
            env(SPN, "{name: AZURE_ENVIRONMENT, value: AzurePublicCloud}"),
            variable("AZURE_ENVIRONMENT"),
        ),
        (
            env(MSI, "{name: IDENTITY_ENDPOINT, value: 'http://127.0.0.1:1'}"),
            variable("IDENTITY_ENDPOINT"),
        ),
        (
            env(
                MSI,
                "{name: AZURE_POD_IDENTITY_AUTHORITY_HOST, value: 'http://127.0.0.1:1'}",
            ),
            variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"),
        ),
        (
            env(MSI, "{name: SSL_CERT_FILE, value: /x}"),
            variable("SSL_CERT_FILE"),
        ),
        (env(MSI, "{name: HOME, value: /x}"), variable("HOME")),
        (env(MSI, "{name: ANYTHING, value: x}"), variable("ANYTHING")),
        (
            env(
                SPN,
                "{name: AZURE_AUTHORITY_HOST, value: 'https://login.microsoftonline.com/'}",
            ),
            differs(),
        ),
        (
            env(
                &workload,
                "{name: AZURE_AUTHORITY_HOST, value: 'https://127.0.0.1/'}",
            ),
            differs(),
        ),
        (
            env(SPN, "{name: AZURE_TENANT_ID, value: s3.cret/x}"),
            "the value contains a character that is not allowed in an id".to_owned(),
        ),
        // What is missing.
        (
            args("get-token, --login, spn, --server-id, s, --tenant-id, t, --client-id, c"),
            "\"client-secret\" is not set".to_owned(),
        ),
        (
            args("get-token, --login, spn, --server-id, s, --client-id, c"),
            "\"tenant-id\" is not set".to_owned(),
        ),
        (
            args("get-token, --login, workloadidentity, --server-id, s, -t, t, --client-id, c"),
            "\"federated-token-file\" is not set".to_owned(),
        ),
        // A path is a program that was chosen.
        (
            args(MSI).replace("kubelogin", &format!("{}/bin/kubelogin", home.path().display())),
            "its command is a path".to_owned(),
        ),
        (
            args(MSI).replace("kubelogin", "./bin/kubelogin"),
            "its command is a path".to_owned(),
        ),
    ];
    let mut natives = 0;
    for (exec, expected) in &cases {
        let host = machine(home.path(), &[]).with_plugin_rules(rules());
        let decided = decision(home.path(), exec, host).await;
        assert_eq!(&decided, expected, "{exec}");
        natives += usize::from(decided == NATIVE);
    }
    assert_eq!(
        crate::azure_cli::calls(home.path()),
        [""; 0],
        "a decision runs nothing"
    );
    println!("{} kubeconfigs, {natives} of them served natively", cases.len());
}
