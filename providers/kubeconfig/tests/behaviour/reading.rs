//! What a document and its fields mean.

use kubex_core::{ErrorKind, Trust};
use serde_json::json;

use crate::scene::{
    HOME_FILE, PEM, assert_tells, error_of, home, named, read, resolve, warnings, with_cluster, with_user,
};

#[tokio::test]
async fn yaml_and_json_mean_the_same() {
    let json = json!({
        "kind": "Config", "apiVersion": "v1", "current-context": "prod",
        "clusters": [{"name": "prod", "cluster": {"server": "https://prod.example:6443"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "jane", "namespace": "team-a"}}],
        "users": [{"name": "jane", "user": {"token": "abc"}}],
    })
    .to_string();
    let yaml = with_user("{token: abc}");
    for content in [
        json.clone(),
        format!("\u{feff}{json}"),
        yaml.clone(),
        yaml.replace('\n', "\r\n"),
    ] {
        let configuration = read(&content).await;
        assert_eq!(
            configuration.cluster().server.as_str(),
            "https://prod.example:6443"
        );
        assert_eq!(configuration.namespace(), "team-a");
        assert_eq!(named(&configuration), ('s', json!({"token": "abc"})));
        assert!(warnings(&configuration).is_empty());
    }
}

#[tokio::test]
async fn of_several_documents_the_first_is_read_and_of_a_repeated_key_the_last() {
    let one = with_user("{token: abc}");
    let configuration = read(&format!("{one}---\nkind: Secret\n")).await;
    assert_eq!(warnings(&configuration), ["several-documents"]);
    let configuration = read(&with_user("{token: first, token: last}")).await;
    assert_eq!(named(&configuration).1, json!({"token": "last"}));
    assert_eq!(warnings(&configuration), ["duplicate-key"]);
    assert!(
        configuration.warnings()[0]
            .to_string()
            .contains("users[0].user.token")
    );
}

#[tokio::test]
async fn merge_keys_and_aliases_work() {
    let content =
        with_user("*jane").replace("apiVersion", "x-jane: &jane {<<: &base {token: abc}}\napiVersion");
    assert_eq!(named(&read(&content).await).1, json!({"token": "abc"}));
}

#[tokio::test]
async fn another_kind_or_version_is_not_a_kubeconfig() {
    let good = with_user("{token: s3cr3t-token}");
    for (from, to) in [
        ("kind: Config", "kind: Pod"),
        ("apiVersion: v1", "apiVersion: v2"),
        ("apiVersion: v1", "apiVersion: 1"),
    ] {
        let error = error_of(&good.replace(from, to)).await;
        assert_eq!(error.kind(), ErrorKind::MalformedDocument);
        assert_tells(&error, &[HOME_FILE, from.split(':').next().unwrap()]);
    }
    read(&good.replace("apiVersion: v1\nkind: Config\n", "")).await;
    let error = error_of("users: s3cr3t-x\nkind: Secret\n").await;
    assert_eq!(error.kind(), ErrorKind::MalformedDocument);
}

#[tokio::test]
async fn what_is_malformed_is_an_error_with_its_place() {
    for content in [
        "users: [ {token: s3cr3t-x",
        "users: s3cr3t-x",
        "- s3cr3t-x",
        "users: [s3cr3t-x]",
        "users: [{name: jane, user: s3cr3t-x}]\ncurrent-context: a\n\
         contexts: [{name: a, context: {cluster: b, user: jane}}]\nclusters: [{name: b, cluster: {server: 'https://h'}}]",
        "users:\n\t- name: s3cr3t-x",
        "current-context: [s3cr3t-x]",
    ] {
        let error = error_of(content).await;
        assert!(
            matches!(
                error.kind(),
                ErrorKind::MalformedDocument | ErrorKind::InvalidValue
            ),
            "{error}"
        );
        assert_tells(&error, &[HOME_FILE]);
    }
}

#[tokio::test]
async fn twenty_thousand_levels_and_bombs_are_errors_at_once() {
    let flow = format!("users: {}{}", "[".repeat(20_000), "]".repeat(20_000));
    let object = "{\"a\":".repeat(20_000);
    let block = "- ".repeat(20_000);
    let bomb: Vec<String> = (1..20)
        .map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}, *a{0}]\n", level - 1))
        .collect();
    for content in [flow, object, block, format!("a0: &a0 x\n{}", bomb.concat())] {
        let error = error_of(&content).await;
        assert_eq!(error.kind(), ErrorKind::MalformedDocument, "{error}");
    }
}

#[tokio::test]
async fn a_name_or_token_that_is_a_number_must_be_quoted() {
    let good = with_user("{token: 's3cr3t-token'}");
    for (content, place) in [
        (with_user("{token: 31337}"), "users[jane].user.token"),
        (with_user("{token: 1e3}"), "users[jane].user.token"),
        (with_user("{token: true}"), "users[jane].user.token"),
        (with_user("{username: 0x1F}"), "users[jane].user.username"),
        (good.replace("name: jane", "name: 5"), "users[0].name"),
        (
            good.replace("current-context: prod", "current-context: 5"),
            "current-context",
        ),
        (
            good.replace("user: jane,", "user: 5,"),
            "contexts[prod].context.user",
        ),
        (
            good.replace("namespace: team-a", "namespace: 5"),
            "contexts[prod].context.namespace",
        ),
        (
            with_user("{token: abc, as: jane, as-groups: [5]}"),
            "users[jane].user.as-groups[0]",
        ),
        (
            with_user("{token: abc, as: jane, as-user-extra: {k: [5]}}"),
            "users[jane].user.as-user-extra.k[0]",
        ),
    ] {
        let error = error_of(&content).await;
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{error}");
        assert_tells(&error, &[HOME_FILE, place, "put the value in quotes"]);
        assert!(!error.to_string().contains("31337"));
    }
}

#[tokio::test]
async fn the_booleans_of_yaml_1_1_are_booleans_where_one_is_asked_for_and_texts_elsewhere() {
    for (word, insecure) in [
        ("yes", true),
        ("On", true),
        ("y", true),
        ("true", true),
        ("no", false),
        ("OFF", false),
        ("n", false),
    ] {
        let content = with_cluster(&format!(
            "{{server: 'https://h', insecure-skip-tls-verify: {word}}}"
        ));
        let configuration = read(&content).await;
        assert_eq!(
            matches!(configuration.cluster().trust, Trust::Insecure),
            insecure,
            "{word}"
        );
    }
    assert_eq!(
        named(&read(&with_user("{token: yes}")).await).1,
        json!({"token": "yes"})
    );
    for value in ["1", "'yes'", "'true'", "yEs"] {
        let content = format!("{{server: 'https://h', insecure-skip-tls-verify: {value}}}");
        let error = error_of(&with_cluster(&content)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{value}");
    }
}

#[tokio::test]
async fn blank_fields_are_absent_fields() {
    let content = with_cluster(
        "{server: 'https://h', certificate-authority: '', certificate-authority-data: ~, tls-server-name: null, \
         proxy-url: '', insecure-skip-tls-verify: ~, disable-compression: '', extensions: ~}",
    )
    .replace(
        "{token: s3cr3t-token}",
        "{token: abc, tokenFile: '', username: ~, client-certificate: '', client-key-data: '', exec: ~, \
         auth-provider: null, as: '', as-uid: ~, as-groups: [], as-user-extra: ~}",
    )
    .replace("namespace: team-a", "namespace: ''");
    let configuration = read(&content).await;
    assert_eq!(configuration.namespace(), "default");
    assert_eq!(named(&configuration), ('s', json!({"token": "abc"})));
    assert!(configuration.impersonation().is_none() && warnings(&configuration).is_empty());
}

#[tokio::test]
async fn every_field_of_a_cluster_arrives() {
    let content = with_cluster(&format!(
        "{{server: 'https://h/p?x#y', certificate-authority-data: {PEM}, tls-server-name: name.example, \
         proxy-url: 'socks5://proxy:1080', disable-compression: true, \
         extensions: [{{name: a, extension: {{b: [1]}}}}, {{name: none, extension: ~}}]}}"
    ));
    let configuration = read(&content).await;
    let cluster = configuration.cluster();
    assert_eq!(cluster.server.as_str(), "https://h/p");
    assert!(matches!(cluster.trust, Trust::CaBundle(_)));
    assert_eq!(cluster.tls_server_name.as_deref(), Some("name.example"));
    assert_eq!(cluster.proxy.as_ref().unwrap().to_string(), "socks5://proxy:1080");
    assert!(cluster.disable_compression);
    let [(name, extension)] = cluster.extensions.as_slice() else {
        panic!("{:?}", cluster.extensions);
    };
    assert!(name == "a" && extension.get("b").is_some());
}

#[tokio::test]
async fn a_problem_of_a_cluster_names_its_field() {
    let data = format!("certificate-authority-data: {PEM}");
    for (cluster, kind, field) in [
        ("{tls-server-name: a}".to_owned(), ErrorKind::MissingCluster, "server"),
        ("{server: h}".to_owned(), ErrorKind::InvalidValue, "server"),
        ("{server: 'https://h', proxy-url: 'ftp://s3cr3t-user:s3cr3t-password@h'}".to_owned(), ErrorKind::InvalidValue, "proxy-url"),
        (format!("{{server: 'https://h', certificate-authority: /ca, {data}}}"), ErrorKind::ConflictingFields, "certificate-authority"),
        (format!("{{server: 'https://h', insecure-skip-tls-verify: true, {data}}}"), ErrorKind::ConflictingFields, "insecure-skip-tls-verify"),
        ("{server: 'https://h', certificate-authority: ca.crt}".to_owned(), ErrorKind::UnreadableFile, "certificate-authority"),
        ("{server: 'https://h', certificate-authority-data: 's3cr3t-!'}".to_owned(), ErrorKind::InvalidBase64, "certificate-authority-data"),
        ("{server: 'https://h', certificate-authority-data: \"-----BEGIN CERTIFICATE-----\\nMA==\\n-----END CERTIFICATE-----\\n\"}".to_owned(), ErrorKind::InvalidBase64, "certificate-authority-data"),
        ("{server: 'https://h', certificate-authority-data: czNjcjN0}".to_owned(), ErrorKind::InvalidPem, "certificate-authority-data"),
        ("{server: 'https://h', extensions: [{name: a, extension: 1}, {name: a}]}".to_owned(), ErrorKind::DuplicateName, "extensions"),
    ] {
        let error = error_of(&with_cluster(&cluster)).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert_tells(&error, &[HOME_FILE, "clusters[prod].cluster", field]);
    }
}

#[tokio::test]
async fn only_what_is_chosen_is_looked_at() {
    let content = with_user("{token: abc}")
        .replace(
            "clusters: [",
            "clusters: [{name: bad, cluster: {certificate-authority-data: '!'}}, ",
        )
        .replace(
            "users: [",
            "users: [{name: bad, user: {token: 5, client-key-data: '!'}}, ~, {name: no, user: 7}, ",
        );
    read(&content).await;
}

#[tokio::test]
async fn names_from_outside_are_shown_clean() {
    let content =
        with_user("{token: abc}").replace("current-context: prod", "current-context: \"a\\e[31mb\\u202e\"");
    let error = resolve(&home(&content)).await.unwrap_err();
    assert_tells(&error, &["aU+001B[31mbU+202E"]);
}
