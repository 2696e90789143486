//! Kubeconfigs whose exec plugin is gke-gcloud-auth-plugin: which of their calls are served natively, each decision pinned.
//!
//! The plugin in `PATH` is a script that prints a token of its own, so that it shows which of the two answered.

use std::path::Path;

use kubex::host::{PluginEnvironment, PluginPolicy, PluginRules};
use kubex::{ClientConfiguration, ErrorKind, Host};
use serde_json::json;

use crate::scene::{METADATA, WELL_KNOWN, external, machine, service_account, text, user, write};
use crate::shared;
use crate::stand_in::StandIn;

const NATIVE: &str = "served natively";

const PLUGIN: &str = "gke-gcloud-auth-plugin";

const FLAG: &str = "--use_application_default_credentials";

/// A kubeconfig with this exec block, one line each.
pub(crate) fn kubeconfig(exec: &str) -> String {
    shared::kubeconfig("v1beta1", exec)
}

/// Installs a plugin that prints a token of its own.
pub(crate) fn install(home: &Path) {
    shared::install(home, PLUGIN, "v1beta1");
}

fn rules() -> PluginRules {
    PluginRules::new().native([PLUGIN])
}

pub(crate) async fn resolve(home: &Path, exec: &str, host: Host) -> kubex::Result<ClientConfiguration> {
    shared::resolve_kubeconfig(home, &kubeconfig(exec), host).await
}

/// What happens to a call: [`NATIVE`], or the reason in the warning.
async fn decision(home: &Path, exec: &str, host: Host) -> String {
    let configuration = resolve(home, exec, host).await.unwrap();
    let credential = configuration.credentials().current().await;
    let token = text(&credential.unwrap_or_else(|error| panic!("{exec}: {error}")));
    let mut warnings = configuration
        .warnings()
        .iter()
        .filter(|it| it.id() == "plugin-not-replaced");
    match warnings.next() {
        None => {
            assert!(
                token.starts_with("ya29."),
                "{exec}: the plugin ran without a warning"
            );
            let described = configuration.credentials().describe();
            assert!(
                described.contains("in place of the plugin gke-gcloud-auth-plugin"),
                "{described}"
            );
            NATIVE.to_owned()
        }
        Some(warning) => {
            assert_eq!(
                token, "printed",
                "{exec}: served natively in spite of the warning"
            );
            assert!(warning.origin().is_some(), "{exec}");
            let (_, why) = warning.message().split_once("lists it: ").unwrap();
            why.to_owned()
        }
    }
}

pub(crate) fn args(args: &str) -> String {
    format!("command: {PLUGIN}\nargs: [{args}]")
}

fn env(env: &str) -> String {
    format!("{}\nenv: [{env}]", args(FLAG))
}

#[tokio::test]
async fn each_call_of_the_plugin_is_served_natively_or_runs_for_a_reason() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    install(home.path());
    google.token(METADATA, "ya29.machine");
    google.token("/token", "ya29.user");
    write(home.path(), "user.json", &user(&google).to_string());
    write(home.path(), "key.json", &service_account(&google).to_string());
    let from_a_program = external(&google, &json!({"executable": {"command": "/bin/false"}}));
    write(home.path(), "program.json", &from_a_program.to_string());
    let old_key = service_account(&google)
        .to_string()
        .replace("BEGIN PRIVATE", "BEGIN RSA PRIVATE");
    write(home.path(), "old-key.json", &old_key);
    write(home.path(), "unknown.json", r#"{"type": "gdch_service_account"}"#);
    let file = |name: &str| {
        let path = home.path().join(name).display().to_string();
        env(&format!(
            "{{name: GOOGLE_APPLICATION_CREDENTIALS, value: '{path}'}}"
        ))
    };
    let not = |what: &str| format!("{what} is not supported");
    let flag = |flag: &str| not(&format!("the argument \"--{flag}\""));
    let variable = |name: &str| not(&format!("the variable \"{name}\""));
    let value = || not(&format!("the value of \"{FLAG}\""));
    let of_gcloud = || {
        not(&format!(
            "a call without \"{FLAG}\", which uses the login of gcloud,"
        ))
    };
    let native = || NATIVE.to_owned();
    let cases = [
        // As gcloud writes them if it is told to use the application default credentials.
        (args(FLAG), native()),
        (args(&format!("{FLAG}=true")), native()),
        (format!("{}\nprovideClusterInfo: true", args(FLAG)), native()),
        (format!("{}\ninstallHint: install it", args(FLAG)), native()),
        (format!("{}\nenv: null", args(FLAG)), native()),
        (file("user.json"), native()),
        (file("key.json"), native()),
        (env("{name: HTTPS_PROXY, value: 'http://127.0.0.1:1'}"), native()),
        // The login of gcloud is another identity.
        (format!("command: {PLUGIN}"), of_gcloud()),
        (args(""), of_gcloud()),
        (
            format!("command: {PLUGIN}\nargs: null\nprovideClusterInfo: true"),
            of_gcloud(),
        ),
        // Arguments that mean something else, or may.
        (args(&format!("{FLAG}=false")), value()),
        (args(&format!("{FLAG}=T")), value()),
        (args(&format!("{FLAG}=")), value()),
        (args(&format!("{FLAG}, 'true'")), not("argument 2")),
        (
            args(&format!("{FLAG}, {FLAG}")),
            not(&format!("the argument \"{FLAG}\", which is given twice,")),
        ),
        (args("-use_application_default_credentials"), not("argument 1")),
        (
            args("--use-application-default-credentials"),
            flag("use-application-default-credentials"),
        ),
        (
            args("--use_application_default_credential"),
            flag("use_application_default_credential"),
        ),
        (
            args(&format!("{FLAG}, --impersonate_service_account, s@p.iam")),
            flag("impersonate_service_account"),
        ),
        (
            args(&format!("{FLAG}, --impersonate_service_account=s@p.iam")),
            flag("impersonate_service_account"),
        ),
        (
            args(&format!("{FLAG}, --account, jane@example.com")),
            flag("account"),
        ),
        (args(&format!("{FLAG}, --project=p")), flag("project")),
        (
            args("--use_edge_cloud, --location, l, --cluster, c"),
            flag("use_edge_cloud"),
        ),
        (args(&format!("{FLAG}, --v=9")), flag("v")),
        (args(&format!("{FLAG}, -v, '9'")), not("argument 2")),
        (args(&format!("{FLAG}, --version")), flag("version")),
        (args(&format!("{FLAG}, --help")), flag("help")),
        (args(&format!("{FLAG}, --")), flag("")),
        (args(&format!("extra, {FLAG}")), not("argument 1")),
        // Variables.
        (
            env("{name: CLOUDSDK_CORE_PROJECT, value: p}"),
            variable("CLOUDSDK_CORE_PROJECT"),
        ),
        (
            env("{name: CLOUDSDK_CONFIG, value: /x}"),
            variable("CLOUDSDK_CONFIG"),
        ),
        (
            env("{name: CLOUDSDK_AUTH_ACCESS_TOKEN, value: x}"),
            variable("CLOUDSDK_AUTH_ACCESS_TOKEN"),
        ),
        (
            env("{name: GCE_METADATA_HOST, value: '127.0.0.1:1'}"),
            variable("GCE_METADATA_HOST"),
        ),
        (
            env("{name: GOOGLE_APPLICATION_CREDENTIALS, value: ''}"),
            variable("GOOGLE_APPLICATION_CREDENTIALS"),
        ),
        (env("{name: HOME, value: /x}"), variable("HOME")),
        (env("{name: SSL_CERT_FILE, value: /x}"), variable("SSL_CERT_FILE")),
        (env("{name: ANYTHING, value: x}"), variable("ANYTHING")),
        // What the credentials file needs.
        (
            file("program.json"),
            "the credentials file names a program, which this provider does not start".to_owned(),
        ),
        (
            file("old-key.json"),
            "the \"private_key\" of the service account is not a key in PKCS#8".to_owned(),
        ),
        (
            file("unknown.json"),
            "the type \"gdch_service_account\" of the credentials file is not supported".to_owned(),
        ),
        // A path is a program that was chosen.
        (
            args(FLAG).replace(PLUGIN, &format!("{}/bin/{PLUGIN}", home.path().display())),
            "its command is a path".to_owned(),
        ),
        (
            args(FLAG).replace(PLUGIN, &format!("./bin/{PLUGIN}")),
            "its command is a path".to_owned(),
        ),
    ];
    let mut natives = 0;
    for (exec, expected) in &cases {
        let host = machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]).with_plugin_rules(rules());
        let decided = decision(home.path(), exec, host).await;
        assert_eq!(&decided, expected, "{exec}");
        natives += usize::from(decided == NATIVE);
    }
    println!("{} kubeconfigs, {natives} of them served natively", cases.len());
}

#[tokio::test]
async fn the_environment_decides_too() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    install(home.path());
    google.token(METADATA, "ya29.machine");
    let exec = args(FLAG);
    let machine = |more: &[(&str, &str)]| {
        machine(
            home.path(),
            &[&[("GCE_METADATA_HOST", google.host.as_str())], more].concat(),
        )
    };
    for (name, expected) in [
        ("GOOGLE_CLOUD_PROJECT", NATIVE),
        ("CLOUDSDK_CORE_PROJECT", NATIVE),
        ("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", NATIVE),
        (
            "CLOUDSDK_AUTH_ACCESS_TOKEN",
            "the variable \"CLOUDSDK_AUTH_ACCESS_TOKEN\" is not supported",
        ),
        (
            "GOOGLE_API_SOMETHING_NEW",
            "the variable \"GOOGLE_API_SOMETHING_NEW\" is not supported",
        ),
        (
            "GCE_SOMETHING_NEW",
            "the variable \"GCE_SOMETHING_NEW\" is not supported",
        ),
    ] {
        let host = machine(&[(name, "x")]).with_plugin_rules(rules());
        assert_eq!(decision(home.path(), &exec, host).await, expected, "{name}");
    }
    let homeless = machine(&[])
        .with_variable("HOME", None::<&str>)
        .with_plugin_rules(rules());
    assert_eq!(
        decision(home.path(), &exec, homeless).await,
        "no variable contains the home directory, so the plugin would ask the system for it"
    );
    for pattern in ["HOME", "GCE_*"] {
        let environment = PluginEnvironment::inherit().dropping([pattern]);
        let host = machine(&[]).with_plugin_rules(rules().environment(environment));
        let decided = decision(home.path(), &exec, host).await;
        let name = if pattern == "HOME" {
            "HOME"
        } else {
            "GCE_METADATA_HOST"
        };
        assert_eq!(
            decided,
            format!("the plugin rules remove the variable \"{name}\"")
        );
    }
}

#[tokio::test]
async fn the_credentials_file_of_the_call_is_the_identity() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token(METADATA, "ya29.machine");
    google.token("/token", "ya29.of-the-call");
    write(home.path(), "user.json", &user(&google).to_string());
    let path = home.path().join("user.json").display().to_string();
    let exec = env(&format!(
        "{{name: GOOGLE_APPLICATION_CREDENTIALS, value: '{path}'}}"
    ));
    let host = machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]).with_plugin_rules(rules());
    let configuration = resolve(home.path(), &exec, host).await.unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(text(&credential), "ya29.of-the-call");
}

#[tokio::test]
async fn a_fetch_that_finds_something_new_that_is_not_supported_runs_the_plugin() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    install(home.path());
    google.token("/token", "ya29.user");
    write(home.path(), WELL_KNOWN, &user(&google).to_string());
    let host = machine(home.path(), &[]).with_plugin_rules(rules());
    let configuration = resolve(home.path(), &args(FLAG), host).await.unwrap();
    assert!(configuration.warnings().is_empty());
    let credentials = configuration.credentials();
    let native = credentials.current().await.unwrap();
    assert_eq!(text(&native), "ya29.user");
    let from_a_program = external(&google, &json!({"executable": {"command": "/bin/false"}}));
    write(home.path(), WELL_KNOWN, &from_a_program.to_string());
    credentials.invalidate(native.generation());
    assert_eq!(text(&credentials.current().await.unwrap()), "printed");
}

#[tokio::test]
async fn a_refusal_of_google_is_an_error_and_never_the_login_of_gcloud() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    install(home.path());
    write(home.path(), WELL_KNOWN, &user(&google).to_string());
    let host = machine(home.path(), &[]).with_plugin_rules(rules());
    let configuration = resolve(home.path(), &args(FLAG), host).await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn the_plugin_policy_decides_as_if_the_plugin_ran() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token(METADATA, "ya29.machine");
    for (policy, is_allowed) in [
        (PluginPolicy::allow_all(), true),
        (PluginPolicy::deny_all(), false),
        (PluginPolicy::allowlist([PLUGIN]).unwrap(), true),
        (PluginPolicy::allowlist(["aws"]).unwrap(), false),
    ] {
        let host = machine(home.path(), &[("GCE_METADATA_HOST", &google.host)]);
        let host = host.with_plugin_rules(rules().policy(policy));
        let configuration = resolve(home.path(), &args(FLAG), host).await.unwrap();
        let verdict = configuration.credentials().plugin_verdict().await.unwrap();
        assert_eq!(
            (&*verdict.command, verdict.refusal.is_none()),
            (PLUGIN, is_allowed)
        );
        match configuration.credentials().current().await {
            Ok(credential) => assert!(is_allowed && text(&credential) == "ya29.machine"),
            Err(error) => assert!(!is_allowed && error.kind() == ErrorKind::Refused, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_kubeconfig_that_came_as_bytes_gets_no_token() {
    let home = tempfile::tempdir().unwrap();
    let host = machine(home.path(), &[]).with_plugin_rules(rules());
    let error = shared::refused_as_bytes(kubeconfig(&args(FLAG)), host).await;
    assert_eq!(error.kind(), ErrorKind::Refused);
}
