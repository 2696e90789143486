//! The login `azurecli`, with scripts in place of the Azure CLI.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use kubex::host::{PluginPolicy, PluginRules};
use kubex::{ErrorKind, Host, Options};

use crate::scene::{AKS, TENANT, credential, machine, options, resolve, token, write};

/// Installs an `az` that runs these lines of the shell, after it has written its arguments to the file `calls`.
pub(crate) fn install(home: &Path, lines: &str) {
    let script = format!(
        "#!/bin/bash\nline=$1; for word in \"${{@:2}}\"; do line=\"$line|$word\"; done\necho \"$line\" >> {}\n{lines}\n",
        home.join("calls").display()
    );
    let file = write(home, "bin/az", &script);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The lines of an `az` that prints a token. The local time in `expiresOn` is not the expiry.
pub(crate) fn prints(token: &str, expires_on: u64) -> String {
    let answer = serde_json::json!({
        "accessToken": token,
        "expiresOn": "2020-01-02 03:04:05.000000",
        "expires_on": expires_on,
        "subscription": "s",
        "tenant": TENANT,
        "tokenType": "Bearer",
    });
    format!("/bin/cat <<'END'\n{answer}\nEND")
}

/// In an hour, in seconds since 1970.
pub(crate) fn in_an_hour() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_secs() + 3600
}

/// The calls of `az` so far, the arguments divided by bars.
pub(crate) fn calls(home: &Path) -> Vec<String> {
    let calls = std::fs::read_to_string(home.join("calls")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

/// The `PATH` with the test's own `az` first.
pub(crate) fn path(home: &Path) -> String {
    format!("{}:/usr/bin:/bin", home.join("bin").display())
}

fn host(home: &Path, variables: &[(&str, &str)]) -> Host {
    machine(home, variables).with_variable("PATH", Some(path(home)))
}

fn cli() -> Options {
    options("azurecli")
}

#[tokio::test]
async fn the_azure_cli_gets_the_arguments_of_the_sdk() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), &prints("of-jane", in_an_hour()));
    let basic = format!("account|get-access-token|-o|json|--scope|{AKS}/.default");
    let mine = "account|get-access-token|-o|json|--scope|api://mine/.default";
    let tenant = [("AZURE_TENANT_ID", "contoso.example")];
    for (options, variables, expected) in [
        (cli(), &[][..], basic.clone()),
        (cli().set("server-id", "api://mine"), &[], mine.to_owned()),
        (
            cli().set("tenant-id", TENANT),
            &tenant,
            format!("{basic}|--tenant|{TENANT}"),
        ),
        (cli(), &tenant, format!("{basic}|--tenant|contoso.example")),
        // The Azure CLI does not accept both.
        (
            cli().set("subscription", "Team A 1.0"),
            &tenant,
            format!("{basic}|--subscription|Team A 1.0"),
        ),
    ] {
        let _ = std::fs::remove_file(home.path().join("calls"));
        assert_eq!(
            token(host(home.path(), variables), options).await.unwrap(),
            "of-jane"
        );
        assert_eq!(calls(home.path()), [expected]);
    }
}

#[tokio::test]
async fn it_is_a_child_of_this_process_with_a_group_and_no_input() {
    let home = tempfile::tempdir().unwrap();
    let lines =
        "echo \"$PPID $$ $(ps -o pgid= -p $$ | tr -d ' ') $(readlink /proc/$$/fd/0) $AZURE_CONFIG_DIR\" >&2";
    install(home.path(), &format!("{lines}; exit 3"));
    let host = host(home.path(), &[("AZURE_CONFIG_DIR", "/nonexistent/azure")]);
    let error = credential(host, cli()).await.unwrap_err();
    let message = error.message();
    let words: Vec<&str> = message.rsplit(": ").next().unwrap().split(' ').collect();
    let [parent, own, group, input, directory] = words[..] else {
        panic!("{message}");
    };
    assert_eq!(parent, std::process::id().to_string(), "{message}");
    assert_eq!(own, group, "{message}");
    assert_eq!((input, directory), ("/dev/null", "/nonexistent/azure"));
}

#[tokio::test]
async fn the_expiry_is_the_time_and_not_the_local_text() {
    let home = tempfile::tempdir().unwrap();
    let expiry = in_an_hour();
    install(home.path(), &prints("t", expiry));
    let host = host(home.path(), &[("TZ", "Asia/Tokyo")]);
    let credential = credential(host, cli()).await.unwrap();
    assert_eq!(
        credential.expires_at(),
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(expiry))
    );
}

#[tokio::test]
async fn resolving_does_not_run_it() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), &prints("t", in_an_hour()));
    let configuration = resolve(host(home.path(), &[]), cli()).await.unwrap();
    let verdict = configuration.credentials().plugin_verdict().await.unwrap();
    assert_eq!(
        (verdict.command.as_str(), verdict.refusal.is_none()),
        ("az", true)
    );
    assert_eq!(calls(home.path()), [""; 0]);
    // As for a plugin, the rules may change until it runs.
    let nowhere = machine(home.path(), &[]).with_variable("PATH", Some("/nonexistent"));
    let configuration = resolve(nowhere, cli()).await.unwrap();
    let verdict = configuration.credentials().plugin_verdict().await.unwrap();
    assert_eq!(verdict.refusal.unwrap().kind(), ErrorKind::PluginNotFound);
}

#[tokio::test]
async fn each_way_to_fail_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let login = "run `az login` in a terminal";
    let what_it_needs = "run `az account get-access-token` in a terminal to see what it needs";
    let which =
        "run `az account get-access-token -o json` in a terminal, and check which az is first in PATH";
    let answer = |answer: &str| format!("echo '{answer}'");
    for (lines, kind, message, help) in [
        (
            "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1".to_owned(),
            ErrorKind::PluginFailed,
            "the Azure CLI (az) failed with exit code 1; stderr: ERROR: Please run 'az login' to setup account.",
            login,
        ),
        (
            "echo 'ERROR: AADSTS50020: no such user in tenant' >&2; exit 1".to_owned(),
            ErrorKind::PluginFailed,
            "the Azure CLI (az) failed with exit code 1; stderr: ERROR: AADSTS50020: no such user in tenant",
            what_it_needs,
        ),
        (
            "exit 2".to_owned(),
            ErrorKind::PluginFailed,
            "the Azure CLI (az) failed with exit code 2; it printed nothing to stderr",
            what_it_needs,
        ),
        (
            "kill -9 $$".to_owned(),
            ErrorKind::PluginFailed,
            "the Azure CLI (az) was killed by signal 9 (SIGKILL); it printed nothing to stderr",
            what_it_needs,
        ),
        (
            "true".to_owned(),
            ErrorKind::EmptyOutput,
            "the Azure CLI (az) exited successfully but printed no credential; it printed nothing to stderr",
            what_it_needs,
        ),
        (
            "head -c 2000000 /dev/zero".to_owned(),
            ErrorKind::OutputTooLarge,
            "the Azure CLI (az) printed more than 1048576 bytes and was killed",
            what_it_needs,
        ),
        (
            answer("<html>s3cret"),
            ErrorKind::MalformedOutput,
            "the Azure CLI (az) printed something that is not a token",
            which,
        ),
        (
            answer(r#"{"accessToken": "", "expires_on": 4102444800, "tokenType": "Bearer"}"#),
            ErrorKind::MalformedOutput,
            "the Azure CLI (az) printed something that is not a token",
            which,
        ),
        (
            answer(r#"{"accessToken": "s3cret", "expires_on": 99999999999999999, "tokenType": "Bearer"}"#),
            ErrorKind::MalformedOutput,
            "the Azure CLI (az) printed something that is not a token",
            which,
        ),
        (
            answer(
                r#"{"accessToken": "s3cret", "expiresOn": "2040-01-02 03:04:05.000000", "tokenType": "Bearer"}"#,
            ),
            ErrorKind::Unsupported,
            "the Azure CLI (az) does not print when the token expires as \"expires_on\"",
            "update the Azure CLI to 2.54 or newer",
        ),
    ] {
        install(home.path(), &lines);
        let error = credential(host(home.path(), &[]), cli()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{lines}: {error}");
        assert_eq!(error.message(), message, "{lines}");
        assert_eq!(error.help(), Some(help), "{lines}");
        assert!(
            !format!("{error:?} {error:#}").contains("s3cret"),
            "{lines}: {error}"
        );
        assert!(error.origin().is_some(), "{lines}");
    }
}

#[tokio::test]
async fn an_azure_cli_that_cannot_be_run_is_an_error_that_says_why() {
    let home = tempfile::tempdir().unwrap();
    let error = async |host: Host| credential(host, cli()).await.unwrap_err();
    let nowhere = |path: &str| machine(home.path(), &[]).with_variable("PATH", Some(path));
    let found = error(nowhere("/nonexistent")).await;
    assert_eq!(found.kind(), ErrorKind::PluginNotFound);
    assert_eq!(
        found.message(),
        "the Azure CLI (az) was not found in any directory of PATH"
    );
    let relative = error(nowhere(":/nonexistent")).await;
    assert!(
        relative.message().contains("relative and empty entries"),
        "{relative}"
    );

    let file = write(home.path(), "bin/az", "#!/nonexistent/python\n");
    let found = error(host(home.path(), &[])).await;
    assert_eq!(found.kind(), ErrorKind::PluginNotExecutable);
    assert!(found.message().contains("bin/az is not executable"), "{found}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let found = error(host(home.path(), &[])).await;
    assert_eq!(found.kind(), ErrorKind::PluginNotExecutable);
    assert!(found.message().contains("its interpreter"), "{found}");
    assert_eq!(found.help(), Some("install the Azure CLI again"));
}

#[tokio::test]
async fn the_plugin_policy_decides_about_it() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), &prints("t", in_an_hour()));
    let program = home.path().join("bin/az").display().to_string();
    for (policy, is_allowed) in [
        (PluginPolicy::allow_all(), true),
        (PluginPolicy::deny_all(), false),
        (PluginPolicy::allowlist(["az"]).unwrap(), true),
        (PluginPolicy::allowlist([program.as_str()]).unwrap(), true),
        (PluginPolicy::allowlist(["/usr/bin/az"]).unwrap(), false),
        (PluginPolicy::allowlist(["kubelogin", "sh"]).unwrap(), false),
    ] {
        let _ = std::fs::remove_file(home.path().join("calls"));
        let host = host(home.path(), &[]).with_plugin_rules(PluginRules::new().policy(policy));
        let configuration = resolve(host, cli()).await.unwrap();
        let verdict = configuration.credentials().plugin_verdict().await.unwrap();
        assert_eq!(verdict.refusal.is_none(), is_allowed);
        let fetched = configuration.credentials().current().await;
        assert_eq!(calls(home.path()).len(), usize::from(is_allowed));
        if let Err(error) = fetched {
            assert!(!is_allowed, "{error}");
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            assert!(
                error.message().contains("\"az\"") || error.message().contains("/az\""),
                "{error}"
            );
        }
    }
}

/// Whether the process runs, and is not only waiting to be reaped.
fn is_running(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

#[tokio::test]
async fn an_azure_cli_that_hangs_is_ended_with_all_that_it_has_started() {
    let home = tempfile::tempdir().unwrap();
    let ids = home.path().join("ids");
    install(
        home.path(),
        &format!(
            "echo 'waiting for the token' >&2\nsleep 600 & echo $! >> {0}\necho $$ >> {0}\nsleep 600",
            ids.display()
        ),
    );
    let rules = PluginRules::new().deadline(Duration::from_secs(3));
    let host = host(home.path(), &[]).with_plugin_rules(rules);
    let began = Instant::now();
    let error = credential(host, cli()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_mins(1));
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert_eq!(
        error.message(),
        "the Azure CLI (az) did not finish within 3 s and was killed; stderr: waiting for the token"
    );
    assert!(error.help().unwrap().contains("\"deadline\""), "{error}");
    let ids = std::fs::read_to_string(ids).unwrap();
    assert_eq!(ids.lines().count(), 2);
    for _ in 0..100 {
        if !ids.lines().any(is_running) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a process of the Azure CLI still runs: {ids}");
}

#[tokio::test]
async fn a_token_that_has_expired_on_arrival_is_not_asked_for_in_a_loop() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), &prints("t", 1_000_000_000));
    let configuration = resolve(host(home.path(), &[]), cli()).await.unwrap();
    let mut fetched = 0;
    for _ in 0..5 {
        fetched += usize::from(configuration.credentials().current().await.is_ok());
    }
    assert!(fetched > 0);
    assert_eq!(calls(home.path()).len(), 1);
}

#[tokio::test]
async fn equal_sources_run_it_once_and_a_rejection_runs_it_again() {
    let home = tempfile::tempdir().unwrap();
    install(home.path(), &prints("t", in_an_hour()));
    let host = host(home.path(), &[]);
    let one = resolve(host.clone(), cli()).await.unwrap();
    let other = resolve(host, cli()).await.unwrap();
    let (first, second) = tokio::join!(one.credentials().current(), other.credentials().current());
    assert_eq!(first.unwrap().generation(), second.unwrap().generation());
    assert_eq!(calls(home.path()).len(), 1);
    let rejected = one.credentials().current().await.unwrap().generation();
    install(home.path(), &prints("another", in_an_hour()));
    one.credentials().invalidate(rejected);
    assert_ne!(
        other.credentials().current().await.unwrap().generation(),
        rejected
    );
    assert_eq!(calls(home.path()).len(), 2);
}

/// Each option of another login, and each pair that the Azure CLI refuses.
#[tokio::test]
async fn an_option_that_it_does_not_use_is_an_error_of_resolving() {
    let home = tempfile::tempdir().unwrap();
    for (key, value) in [
        ("client-id", "c"),
        ("client-secret", "s"),
        ("identity-resource-id", "/i"),
        ("federated-token-file", "/f"),
        ("environment", "AzurePublicCloud"),
        ("authority-host", "https://login.microsoftonline.com/"),
        ("issuer-certificate-authority", "/c"),
        ("issuer-certificate-authority-data", "YQ=="),
    ] {
        let error = resolve(host(home.path(), &[]), cli().set(key, value))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConflictingFields, "{key}: {error}");
        assert!(error.message().contains(key), "{error}");
    }
    let both = cli().set("tenant-id", "t").set("subscription", "s");
    let error = resolve(host(home.path(), &[]), both).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConflictingFields, "{error}");
    for (key, value) in [
        ("subscription", "a\"; id; \""),
        ("subscription", "-x"),
        ("tenant-id", "$(id)"),
        ("tenant-id", "--debug"),
        ("server-id", "a b"),
    ] {
        let error = resolve(host(home.path(), &[]), cli().set(key, value))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{key}: {error}");
        assert!(!error.to_string().contains("id;"), "{error}");
    }
    let variable = [("AZURE_TENANT_ID", "$(id)")];
    let error = resolve(host(home.path(), &variable), cli()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
    let unused = options("msi").set("subscription", "s");
    let error = resolve(host(home.path(), &[]), unused).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConflictingFields, "{error}");
}
