//! The default chain: the kubeconfig, then the pod; and bad input, which never becomes the next place.

use std::io;

use kubex::{ClientConfiguration, Credential, Error, ErrorKind, ExposeSecret, Result};
use kubex_core::host::{Exit, ProcessOutput, SimulatedHost};
use std::sync::Arc;

const HOME_FILE: &str = "/home/jane/.kube/config";
const ROOT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A pod with a service account, and a home directory without a kubeconfig.
fn pod() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.set_variable("PATH", "/usr/bin");
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    world.write(format!("{ROOT}/token"), "pod-token");
    world
}

async fn resolve(world: &SimulatedHost) -> Result<ClientConfiguration> {
    kubex::default_chain()
        .unwrap()
        .host(world.host())
        .build()?
        .resolve()
        .await
}

/// A kubeconfig of one context, whose user is what the case wants.
fn kubeconfig(user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
         clusters: [{{name: prod, cluster: {{server: 'https://prod.example:6443'}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: prod, user: jane, namespace: team-a}}}}]\n\
         users: [{{name: jane, user: {user}}}]\n"
    )
}

async fn token(configuration: &ClientConfiguration) -> Result<String> {
    let credential: Arc<Credential> = configuration.credentials().current().await?;
    Ok(credential.token().unwrap().expose_secret().to_owned())
}

#[tokio::test]
async fn a_kubeconfig_wins_over_the_pod() {
    let world = pod();
    world.write(HOME_FILE, &kubeconfig("{token: kubeconfig-token}"));
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(
        configuration.cluster().server.as_str(),
        "https://prod.example:6443"
    );
    assert_eq!(configuration.namespace(), "team-a");
    assert_eq!(token(&configuration).await.unwrap(), "kubeconfig-token");
    assert_eq!(configuration.report().chosen().unwrap().source, "kubeconfig");
}

#[tokio::test]
async fn without_a_kubeconfig_the_pod_is_used_and_the_report_contains_both() {
    let configuration = resolve(&pod()).await.unwrap();
    assert_eq!(token(&configuration).await.unwrap(), "pod-token");
    let report = configuration.report().to_string();
    assert!(
        report.contains("1. kubeconfig: not configured") && report.contains(HOME_FILE),
        "{report}"
    );
    assert!(
        report.contains("2. in-cluster: chosen: https://10.0.0.1:443"),
        "{report}"
    );
}

#[tokio::test]
async fn a_kubeconfig_without_entries_counts_as_missing() {
    for content in [
        "",
        " \n",
        "# only a comment\n",
        "---\n",
        "null\n",
        "apiVersion: v1\nkind: Config\n",
        "users: []\n",
    ] {
        let world = pod();
        world.write(HOME_FILE, content);
        assert_eq!(
            token(&resolve(&world).await.unwrap()).await.unwrap(),
            "pod-token",
            "{content:?}"
        );
    }
}

#[tokio::test]
async fn with_neither_there_is_one_error_with_every_reason_and_what_to_set() {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    let error = resolve(&world).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    let text = error.to_string();
    for part in [
        "kubeconfig: ",
        HOME_FILE,
        "in-cluster: ",
        "KUBERNETES_SERVICE_HOST",
        "set KUBECONFIG",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[tokio::test]
async fn without_home_and_variable_no_file_of_the_working_directory_is_read() {
    let world = pod();
    world.unset_variable("HOME");
    world.write("/.kube/config", &kubeconfig("{token: planted}"));
    assert_eq!(token(&resolve(&world).await.unwrap()).await.unwrap(), "pod-token");
}

/// What is wrong, the kind of error, and what its text must name.
struct Case {
    what: &'static str,
    kind: ErrorKind,
    names: &'static [&'static str],
    world: SimulatedHost,
}

fn case(what: &'static str, kind: ErrorKind, names: &'static [&'static str], content: &str) -> Case {
    let world = pod();
    world.write(HOME_FILE, content);
    Case {
        what,
        kind,
        names,
        world,
    }
}

fn cases() -> Vec<Case> {
    let good = kubeconfig("{token: s3cr3t}");
    let user = |user: &str| kubeconfig(user);
    let pem = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
    let mut cases = vec![
        case(
            "malformed YAML",
            ErrorKind::MalformedDocument,
            &[HOME_FILE],
            "clusters: [ {name: s3cr3t",
        ),
        case(
            "another kind",
            ErrorKind::MalformedDocument,
            &[HOME_FILE, "kind"],
            "kind: Pod\napiVersion: v1\nusers: [x]\n",
        ),
        case(
            "no current context",
            ErrorKind::MissingContext,
            &[HOME_FILE, "current-context"],
            &good.replace("current-context: prod", "current-context: ''"),
        ),
        case(
            "missing context",
            ErrorKind::MissingContext,
            &[HOME_FILE, "prodd", "did you mean \"prod\"?"],
            &good.replace("current-context: prod", "current-context: prodd"),
        ),
        case(
            "missing cluster",
            ErrorKind::MissingCluster,
            &[HOME_FILE, "elsewhere", "contexts[prod]"],
            &good.replace("cluster: prod, user", "cluster: elsewhere, user"),
        ),
        case(
            "missing user",
            ErrorKind::MissingUser,
            &[HOME_FILE, "janet", "contexts[prod]"],
            &good.replace("user: jane,", "user: janet,"),
        ),
        case(
            "no server",
            ErrorKind::MissingCluster,
            &[HOME_FILE, "clusters[prod]", "server"],
            &good.replace("server: 'https://prod.example:6443'", "server: ''"),
        ),
        case(
            "bad base64",
            ErrorKind::InvalidBase64,
            &[HOME_FILE, "users[jane]", "client-certificate-data"],
            &user("{client-certificate-data: 's3cr3t!', client-key-data: 's3cr3t!'}"),
        ),
        case(
            "bad PEM",
            ErrorKind::InvalidPem,
            &[HOME_FILE, "users[jane]", "client-certificate-data"],
            &user(&format!(
                "{{client-certificate-data: {pem}, client-key-data: czNjcjN0}}"
            )),
        ),
        case(
            "certificate without key",
            ErrorKind::IncompleteKeyPair,
            &[HOME_FILE, "users[jane]", "client-certificate-data", "client-key"],
            &user(&format!("{{client-certificate-data: {pem}}}")),
        ),
        case(
            "certificate file that is not there",
            ErrorKind::UnreadableFile,
            &["/home/jane/.kube/c.crt", "users[jane]", "client-certificate"],
            &user("{client-certificate: c.crt, client-key: c.key}"),
        ),
        case(
            "token with a line break",
            ErrorKind::InvalidToken,
            &[HOME_FILE, "users[jane]", "token"],
            &user("{token: \"s3cr3t\\nx\"}"),
        ),
        case(
            "unquoted number as token",
            ErrorKind::InvalidValue,
            &[HOME_FILE, "users[jane]", "token", "quot"],
            &user("{token: 31337}"),
        ),
        case(
            "token and user name",
            ErrorKind::ConflictingFields,
            &[HOME_FILE, "users[jane]", "username"],
            &user("{token: s3cr3t, username: jane}"),
        ),
        case(
            "empty token file",
            ErrorKind::EmptyToken,
            &["/home/jane/.kube/empty", "users[jane]", "tokenFile"],
            &user("{tokenFile: empty}"),
        ),
        case(
            "groups without user to act as",
            ErrorKind::MissingField,
            &[HOME_FILE, "users[jane]", "as"],
            &user("{token: s3cr3t, as-groups: [dev]}"),
        ),
        case(
            "exec without a command",
            ErrorKind::MissingField,
            &[HOME_FILE, "users[jane]", "command"],
            &user("{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}"),
        ),
        case(
            "auth-provider that is gone",
            ErrorKind::UnknownProvider,
            &[HOME_FILE, "users[jane]", "gke-gcloud-auth-plugin"],
            &user("{auth-provider: {name: gcp}}"),
        ),
        case(
            "server without scheme",
            ErrorKind::InvalidValue,
            &[HOME_FILE, "clusters[prod]", "server", "https://"],
            &good.replace("https://prod.example:6443", "prod.example:6443"),
        ),
        case(
            "duplicate name",
            ErrorKind::DuplicateName,
            &[HOME_FILE, "jane"],
            &good.replace("users: [", "users: [{name: jane, user: {token: s3cr3t}}, "),
        ),
    ];
    let unreadable = pod();
    unreadable.fail(HOME_FILE, io::ErrorKind::PermissionDenied);
    cases.push(Case {
        what: "unreadable file",
        kind: ErrorKind::UnreadableFile,
        names: &[HOME_FILE],
        world: unreadable,
    });
    let directory = pod();
    directory.write(format!("{HOME_FILE}/x"), "");
    cases.push(Case {
        what: "a directory",
        kind: ErrorKind::UnreadableFile,
        names: &[HOME_FILE],
        world: directory,
    });
    for case in &cases {
        case.world.write("/home/jane/.kube/empty", " \n");
    }
    cases
}

fn assert_tells(case: &Case, error: &Error) {
    assert_eq!(error.kind(), case.kind, "{}: {error}", case.what);
    let text = error.to_string();
    for name in case.names {
        assert!(text.contains(name), "{}: {name:?} is not in: {text}", case.what);
    }
    assert_shows_no_secret(case.what, error);
}

fn assert_shows_no_secret(what: &str, error: &Error) {
    let mut shown = format!("{error} {error:?} {:?}", error.report());
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        shown.push_str(&format!("{next} {next:?}"));
        cause = next.source();
    }
    assert!(
        !shown.contains("s3cr3t") && !shown.contains("31337"),
        "{what}: {shown}"
    );
}

#[tokio::test]
async fn a_broken_kubeconfig_never_becomes_the_pod_identity() {
    for case in cases() {
        let error = match resolve(&case.world).await {
            Err(error) => error,
            Ok(configuration) => panic!("{} went through: {}", case.what, configuration.report()),
        };
        assert_tells(&case, &error);
        assert_eq!(error.source_name(), Some("kubeconfig"), "{}", case.what);
        assert_eq!(case.world.runs(), 0, "{}: resolving runs nothing", case.what);
    }
}

const EXEC: &str = "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login, \
                    env: [{name: PASSWORD, value: s3cr3t-password}]}}";

#[tokio::test]
async fn resolving_runs_no_plugin_and_the_first_request_for_a_credential_runs_it_once() {
    let world = pod();
    world.write(HOME_FILE, &kubeconfig(EXEC));
    world.install_program("/usr/bin/login");
    world.run_processes(|_| {
        let answer = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin"}}"#;
        Ok(ProcessOutput {
            exit: Exit::Status(0),
            output: answer.as_bytes().to_vec().into(),
            error: Vec::new().into(),
        })
    });
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(world.runs(), 0);
    for _ in 0..10 {
        assert_eq!(token(&configuration).await.unwrap(), "plugin");
    }
    assert_eq!(world.runs(), 1);
}

#[tokio::test]
async fn what_a_plugin_does_wrong_is_an_error_of_its_own_kind_without_a_secret() {
    let answer = |status: &str| {
        format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{status}}}"#
        )
    };
    let cases = [
        (ErrorKind::EmptyOutput, 0, String::new()),
        (ErrorKind::MalformedOutput, 0, "s3cr3t garbage".to_owned()),
        (
            ErrorKind::VersionMismatch,
            0,
            answer(r#"{"token":"s3cr3t"}"#).replace("/v1", "/v1beta1"),
        ),
        (ErrorKind::MissingCredential, 0, answer("{}")),
        (
            ErrorKind::MalformedOutput,
            0,
            answer(r#"{"token":"s3cr3t","expirationTimestamp":"s3cr3t"}"#),
        ),
        (ErrorKind::PluginFailed, 3, "s3cr3t".to_owned()),
    ];
    for (kind, status, output) in cases {
        let world = pod();
        world.write(HOME_FILE, &kubeconfig(EXEC));
        world.install_program("/usr/bin/login");
        world.run_processes(move |_| {
            Ok(ProcessOutput {
                exit: Exit::Status(status),
                output: output.clone().into_bytes().into(),
                error: b"login: s3cr3t-password was refused\n".to_vec().into(),
            })
        });
        let configuration = resolve(&world).await.unwrap();
        let error = token(&configuration).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("login"), "{error}");
        assert_eq!(error.source_name(), Some("kubeconfig"));
        assert_shows_no_secret("a plugin", &error);
        if kind == ErrorKind::PluginFailed {
            assert!(
                error.to_string().contains("was refused"),
                "standard error is the reason: {error}"
            );
        }
    }

    let world = pod();
    world.write(HOME_FILE, &kubeconfig(EXEC));
    let error = token(&resolve(&world).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginNotFound, "{error}");
}
