//! From a user entry to the provider of its credential.

use kubex_core::{ErrorKind, ExposeSecret as _, Options, Registry};
use serde_json::{Value, json};

use crate::scene::{
    HOME_FILE, PEM, SECRET, assert_shows_no_secret, assert_tells, error_of, home, named, read, real,
    resolve_with, telling, warnings, with_user,
};

async fn of(user: &str) -> (char, Value, Vec<&'static str>) {
    let configuration = read(&with_user(user)).await;
    let (name, options) = named(&configuration);
    (name, options, warnings(&configuration))
}

#[tokio::test]
async fn what_is_written_down_is_a_static_identity() {
    for (user, expected) in [
        ("{token: abc}", json!({"token": "abc"})),
        (
            "{username: jane, password: x}",
            json!({"username": "jane", "password": "x"}),
        ),
        ("{username: jane}", json!({"username": "jane"})),
        (
            "{client-certificate: c, client-key: k}",
            json!({"client-certificate": "/home/jane/.kube/c", "client-key": "/home/jane/.kube/k"}),
        ),
        (
            "{client-certificate-data: YQ==, client-key-data: YQ==, token: abc}",
            json!({"client-certificate-data": "YQ==", "client-key-data": "YQ==", "token": "abc"}),
        ),
    ] {
        assert_eq!(of(user).await, ('s', expected, vec![]), "{user}");
    }
}

#[tokio::test]
async fn a_user_without_a_credential_is_anonymous_with_a_warning() {
    for (user, expected) in [
        (
            "{password: x}",
            &["password-without-username", "no-credential"][..],
        ),
        ("~", &["no-credential"]),
        ("{}", &["no-credential"]),
    ] {
        let configuration = read(&with_user(user)).await;
        assert_eq!(configuration.credentials().describe(), "no credential", "{user}");
        assert_eq!(warnings(&configuration), expected, "{user}");
    }
}

#[tokio::test]
async fn a_token_file_is_read_by_its_provider_with_the_token_to_fall_back_on() {
    let expected = json!({"token-file": "/home/jane/.kube/t", "token": "abc"});
    assert_eq!(of("{tokenFile: t, token: abc}").await, ('t', expected, vec![]));
    let expected = json!({"token-file": "/t", "client-certificate": "/c", "client-key": "/k"});
    let user = "{tokenFile: /t, client-certificate: /c, client-key: /k}";
    assert_eq!(of(user).await, ('t', expected, vec![]));
}

const EXEC: &str = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never";

#[tokio::test]
async fn an_exec_block_becomes_the_exec_provider_s_options() {
    let user = format!(
        "{{exec: {{{EXEC}, command: aws, args: [eks, ./x], env: [{{name: A, value: b, more: c}}, {{name: D}}], \
         installHint: get it, provideClusterInfo: true, unknown: 1}}}}"
    );
    let expected = json!({
        "api-version": "client.authentication.k8s.io/v1", "interactive-mode": "Never", "command": "aws",
        "args": ["eks", "./x"], "env": [{"name": "A", "value": "b"}, {"name": "D", "value": ""}],
        "install-hint": "get it", "provide-cluster-info": true,
    });
    assert_eq!(of(&user).await, ('e', expected, vec![]));
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: ~, env: ~}}";
    let expected = json!({"api-version": "client.authentication.k8s.io/v1beta1", "command": "aws"});
    assert_eq!(of(user).await, ('e', expected, vec![]));
}

#[tokio::test]
async fn a_command_with_a_separator_is_relative_to_its_file() {
    for (command, resolved) in [
        ("aws", "aws"),
        ("./aws", "/home/jane/.kube/aws"),
        ("../bin/aws", "/home/jane/bin/aws"),
        ("bin/aws", "/home/jane/.kube/bin/aws"),
        ("/usr/bin/aws", "/usr/bin/aws"),
    ] {
        let (_, options, _) = of(&format!("{{exec: {{{EXEC}, command: '{command}'}}}}")).await;
        assert_eq!(options["command"], resolved, "{command}");
    }
}

#[tokio::test]
async fn another_auth_provider_is_the_registered_one_of_its_name() {
    let user = "{auth-provider: {name: vault, config: {role: deployer, blank: ''}}}";
    assert_eq!(of(user).await, ('v', json!({"role": "deployer"}), vec![]));
}

#[tokio::test]
async fn an_auth_provider_gets_no_option_that_its_provider_does_not_leave_to_kubeconfigs() {
    let user = "{auth-provider: {name: vault, config: {deadline: 24h, role: deployer, policy: allow-all}}}";
    assert_eq!(of(user).await, ('v', json!({"role": "deployer"}), vec![]));

    let refused = [
        (
            "{name: exec, config: {deadline: 24h, command: /bin/x}}",
            "write an \"exec\" block",
        ),
        ("{name: exec}", "write an \"exec\" block"),
        (
            "{name: static, config: {token: s3cr3t-}}",
            "may not use the provider \"static\"",
        ),
    ];
    for (auth_provider, said) in refused {
        let world = home(&with_user(&format!("{{auth-provider: {auth_provider}}}")));
        let error = resolve_with(real(), &world, Options::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
}

#[tokio::test]
async fn an_auth_provider_with_very_many_keys_is_refused() {
    let keys: Vec<String> = (0..300).map(|key| format!("k{key}: v")).collect();
    let world = home(&with_user(&format!(
        "{{auth-provider: {{name: vault, config: {{{}}}}}}}",
        keys.join(", ")
    )));
    let error = resolve_with(telling(), &world, Options::new()).await.unwrap_err();
    assert!(error.message().contains("more than 256 keys"), "{error}");
}

#[tokio::test]
async fn what_an_auth_provider_does_not_know_in_its_config_is_let_be() {
    let world = home(&with_user(
        "{auth-provider: {name: token-file, config: {token-file: /t, expires-on: '1', access-token: s3cr3t-}}}",
    ));
    world.write("/t", "abc");
    let configuration = resolve_with(real(), &world, Options::new()).await.unwrap();
    assert_eq!(configuration.credentials().describe(), "token file /t");

    // The same keys in the chain's own options are a mistake.
    let own = Options::new()
        .set("server", "https://10.0.0.1")
        .set("token-file", "/t")
        .set("expires-on", "1");
    let error = real().provider("token-file", own).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::UnknownField, "{error}");
}

#[tokio::test]
async fn a_static_identity_keeps_the_plugin_from_running_and_the_report_shows_it() {
    let exec = format!("exec: {{{EXEC}, command: aws}}");
    for (user, name) in [
        ("token: abc", 's'),
        ("tokenFile: /t", 't'),
        ("username: jane", 's'),
        ("client-certificate: /c, client-key: /k", 's'),
    ] {
        let (found, _, warnings) = of(&format!("{{{user}, {exec}}}")).await;
        assert_eq!((found, warnings), (name, vec!["exec-ignored"]), "{user}");
    }
    let (found, _, warnings) = of(&format!("{{client-key: /k, {exec}}}")).await;
    assert_eq!((found, warnings), ('e', vec!["key-without-certificate"]));
    let (found, _, warnings) = of("{token: abc, auth-provider: {name: vault}}").await;
    assert_eq!((found, warnings), ('s', vec!["auth-provider-ignored"]));
}

#[tokio::test]
async fn a_key_without_a_certificate_is_not_used_and_warned_about() {
    let (name, options, warnings) = of("{client-key-data: YWJj, token: abc}").await;
    assert_eq!((name, options), ('s', json!({"token": "abc"})));
    assert_eq!(warnings, ["key-without-certificate"]);
}

/// Each user entry is an error of this kind, which names this field.
async fn assert_each_fails(cases: &[(&str, ErrorKind, &str)]) {
    for (user, kind, field) in cases {
        let error = error_of(&with_user(user)).await;
        assert_eq!(error.kind(), *kind, "{user}: {error}");
        assert_tells(&error, &[HOME_FILE, "users[jane].user", field]);
    }
}

#[tokio::test]
async fn a_problem_of_a_token_names_its_field_and_shows_no_secret() {
    assert_each_fails(&[
        (
            "{token: s3cr3t-t, username: jane}",
            ErrorKind::ConflictingFields,
            "username",
        ),
        (
            "{tokenFile: /t, username: jane}",
            ErrorKind::ConflictingFields,
            "username",
        ),
        ("{token: \"s3cr3t-\\r\"}", ErrorKind::InvalidToken, "token"),
        ("{token: {a: s3cr3t-t}}", ErrorKind::InvalidValue, "token"),
        ("{tokenFile: missing}", ErrorKind::UnreadableFile, "tokenFile"),
        (
            "{token: s3cr3t-t, as-groups: [a]}",
            ErrorKind::MissingField,
            "as-groups",
        ),
        ("{token: s3cr3t-t, as-uid: a}", ErrorKind::MissingField, "as-uid"),
        (
            "{token: s3cr3t-t, as-user-extra: {a: [s3cr3t-b]}}",
            ErrorKind::MissingField,
            "as-user-extra",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_problem_of_a_certificate_names_its_field_and_shows_no_secret() {
    for (more, kind, field) in [
        (
            "client-certificate: /c",
            ErrorKind::ConflictingFields,
            "client-certificate-data",
        ),
        (
            "client-key: /k, client-key-data: czNjcjN0",
            ErrorKind::ConflictingFields,
            "client-key-data",
        ),
        (
            "token: s3cr3t-t",
            ErrorKind::IncompleteKeyPair,
            "client-certificate-data",
        ),
        (
            "client-key-data: 's3cr3t-!'",
            ErrorKind::InvalidBase64,
            "client-key-data",
        ),
        (
            "client-key-data: \"-----BEGIN PRIVATE KEY-----\\ns3cr3t-\\n\"",
            ErrorKind::InvalidBase64,
            "client-key-data",
        ),
        (
            "client-key-data: czNjcjN0",
            ErrorKind::InvalidPem,
            "client-key-data",
        ),
    ] {
        let user = format!("{{client-certificate-data: {PEM}, {more}}}");
        assert_each_fails(&[(&user, kind, field)]).await;
    }
}

#[tokio::test]
async fn a_problem_of_a_plugin_names_its_field_and_shows_no_secret() {
    const V1: &str = "command: aws, apiVersion: client.authentication.k8s.io/v1";
    for (block, kind, field) in [
        (EXEC.to_owned(), ErrorKind::MissingField, "exec.command"),
        (
            "command: aws".to_owned(),
            ErrorKind::MissingField,
            "exec.apiVersion",
        ),
        (V1.to_owned(), ErrorKind::MissingField, "exec.interactiveMode"),
        (
            format!("{V1}, interactiveMode: never"),
            ErrorKind::InvalidValue,
            "exec.interactiveMode",
        ),
        (
            format!("{EXEC}, command: aws, args: s3cr3t-"),
            ErrorKind::InvalidValue,
            "exec.args",
        ),
        (
            format!("{EXEC}, command: aws, args: [5]"),
            ErrorKind::InvalidValue,
            "exec.args[0]",
        ),
    ] {
        let user = format!("{{exec: {{{block}, env: [{{name: A, value: s3cr3t-env}}]}}}}");
        assert_each_fails(&[(&user, kind, field)]).await;
    }
    for (env, kind, field) in [
        ("[{value: s3cr3t-}]", ErrorKind::MissingField, "exec.env[0].name"),
        ("{A: s3cr3t-}", ErrorKind::InvalidValue, "exec.env"),
    ] {
        let user = format!("{{exec: {{{EXEC}, command: aws, env: {env}}}}}");
        assert_each_fails(&[(&user, kind, field)]).await;
    }
    assert_each_fails(&[
        ("{exec: {}}", ErrorKind::MissingField, "exec.command"),
        ("{exec: [s3cr3t-]}", ErrorKind::InvalidValue, "exec"),
        (
            "{token: s3cr3t-, exec: {command: aws}}",
            ErrorKind::MissingField,
            "exec.apiVersion",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_problem_of_an_auth_provider_names_its_field_and_shows_no_secret() {
    assert_each_fails(&[
        (
            "{exec: {}, auth-provider: {name: x}}",
            ErrorKind::ConflictingFields,
            "auth-provider",
        ),
        (
            "{auth-provider: {config: {a: s3cr3t-}}}",
            ErrorKind::MissingField,
            "auth-provider.name",
        ),
        (
            "{auth-provider: {name: gcp}}",
            ErrorKind::UnknownProvider,
            "gke-gcloud-auth-plugin",
        ),
        (
            "{auth-provider: {name: azure}}",
            ErrorKind::UnknownProvider,
            "kubelogin",
        ),
        (
            "{auth-provider: {name: keystone, config: {a: s3cr3t-}}}",
            ErrorKind::UnknownProvider,
            "linked providers: exec",
        ),
        (
            "{auth-provider: {name: kubeconfig}}",
            ErrorKind::UnknownProvider,
            "kubeconfig",
        ),
    ])
    .await;
}

#[tokio::test]
async fn impersonation_comes_from_the_user() {
    let user = "{token: abc, as: joe, as-uid: u, as-groups: [a, b], as-user-extra: {k: [v, w], none: ~}}";
    let configuration = read(&with_user(user)).await;
    let joe = configuration.impersonation().unwrap();
    assert_eq!((joe.user.as_str(), joe.uid.as_deref()), ("joe", Some("u")));
    assert_eq!(joe.groups, ["a", "b"]);
    assert_eq!(
        joe.extra,
        [("k".to_owned(), vec!["v".to_owned(), "w".to_owned()])]
    );
}

#[tokio::test]
async fn a_provider_that_is_not_linked_in_is_named_with_the_user_that_needs_it() {
    let registry = Registry::from_registrations([&kubex_kubeconfig::REGISTRATION]).unwrap();
    for user in [
        "{token: s3cr3t-t}",
        "{tokenFile: t}",
        &format!("{{exec: {{{EXEC}, command: aws}}}}"),
    ] {
        let world = home(&with_user(user));
        let error = resolve_with(registry.clone(), &world, Options::new())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownProvider);
        assert_tells(&error, &[HOME_FILE, "users[jane].user"]);
        assert_shows_no_secret(&error);
    }
}

#[tokio::test]
async fn resolving_runs_no_plugin() {
    let world = home(&with_user(&format!("{{exec: {{{EXEC}, command: aws}}}}")));
    resolve_with(real(), &world, Options::new()).await.unwrap();
    assert_eq!(world.runs(), 0);
}

#[tokio::test]
async fn an_unencrypted_server_gets_no_credential_but_the_impersonation() {
    let content = with_user("{tokenFile: /missing, as: joe}").replace("https://", "http://");
    let configuration = resolve_with(real(), &home(&content), Options::new())
        .await
        .unwrap();
    assert_eq!(warnings(&configuration), ["credentials-withheld-over-http"]);
    assert!(
        configuration
            .credentials()
            .current()
            .await
            .unwrap()
            .is_anonymous()
    );
    assert_eq!(configuration.impersonation_headers()["impersonate-user"], "joe");
}

#[tokio::test]
async fn the_token_arrives_as_it_is_written() {
    let configuration = resolve_with(real(), &home(&with_user("{token: ' abc'}")), Options::new()).await;
    let credential = configuration.unwrap().credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), " abc");
}
