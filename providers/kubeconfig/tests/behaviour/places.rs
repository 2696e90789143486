//! Where everything was written down: in errors, in warnings and in the provenance.

use kubex_core::ErrorKind;

use crate::scene::{HOME_FILE, error_of, home, read, resolve, warnings};

/// The same kubeconfig, in which the user's token is a number, in each form that people and tools write.
const FORMS: &[(&str, &str, (u32, u32))] = &[
    (
        "kubectl's",
        "apiVersion: v1\nclusters:\n- cluster:\n    server: https://prod\n  name: prod\ncontexts:\n- context:\n    \
         cluster: prod\n    user: jane\n  name: prod\ncurrent-context: prod\nkind: Config\npreferences: {}\nusers:\n\
         - name: jane\n  user:\n    token: 123\n",
        (17, 12),
    ),
    (
        "indented lists, comments and blank lines",
        "# mine\n---\n\ncurrent-context: prod # the one\nclusters:\n\n  - name: prod\n    # where\n    cluster:\n      \
         server: https://prod\ncontexts:\n  - name: prod\n    context: {cluster: prod, user: jane}\nusers:\n  -\n    \
         name: jane\n    user:\n      token:   123   # a number\n",
        (18, 16),
    ),
    (
        "quoted keys, block scalars and texts over several lines",
        "\"current-context\": 'prod'\nclusters:\n- name: prod\n  cluster:\n    server: \"https://prod\"\n    extensions:\n    \
         - name: note\n      extension: |\n        users:\n        - token: x\n    - name: other\n      extension: \"a\n  \
         b: c\"\ncontexts:\n- {name: prod, context: {cluster: prod, user: jane}}\nusers:\n- name: jane\n  user:\n    \
         'token': 123\n",
        (19, 14),
    ),
    (
        "an anchor",
        "current-context: prod\nclusters: [{name: prod, cluster: {server: 'https://prod'}}]\ncontexts: [{name: prod, \
         context: {cluster: prod, user: jane}}]\nusers:\n- name: jane\n  user: &jane\n    token: 123\n- name: joe\n  \
         user: *jane\n",
        (7, 12),
    ),
    (
        "JSON",
        "{\n  \"current-context\": \"prod\",\n  \"clusters\": [{\"name\": \"prod\", \"cluster\": {\"server\": \
         \"https://prod\"}}],\n  \"contexts\": [{\"name\": \"prod\", \"context\": {\"cluster\": \"prod\", \"user\": \
         \"jane\"}}],\n  \"users\": [\n    {\n      \"name\": \"jane\",\n      \"user\": {\"token\": 123}\n    }\n  ]\n}\n",
        (8, 25),
    ),
];

#[tokio::test]
async fn an_error_has_the_line_and_column_of_its_node() {
    for (form, content, place) in FORMS {
        let error = error_of(content).await;
        let origin = error.origin().unwrap();
        assert_eq!(origin.line_and_column(), Some(*place), "{form}: {error}");
        assert_eq!(origin.keys(), "users[jane].user.token", "{form}");
    }
}

#[tokio::test]
async fn line_ends_and_byte_order_marks_change_no_place() {
    for (form, content, place) in FORMS {
        let content = format!("\u{feff}{}", content.replace('\n', "\r\n"));
        let error = error_of(&content).await;
        assert_eq!(
            error.origin().unwrap().line_and_column(),
            Some(*place),
            "{form}: {error}"
        );
    }
}

#[tokio::test]
async fn in_an_unusual_form_the_position_is_known_too() {
    let content = "%YAML 1.1\n---\ncurrent-context: prod\nclusters: [{name: prod, cluster: {server: 'https://prod'}}]\n\
        contexts: [{name: prod, context: {cluster: prod, user: jane}}]\nusers: [{name: jane, user: {token: 123}}]\n";
    let error = error_of(content).await;
    let origin = error.origin().unwrap();
    assert_eq!(
        origin.to_string(),
        format!("{HOME_FILE}:6:36, users[jane].user.token")
    );
}

#[tokio::test]
async fn a_missing_field_points_at_the_mapping_that_lacks_it() {
    let error = error_of(
        "current-context: prod\ncontexts:\n- name: prod\n  context:\n    cluster: prod\nclusters:\n- name: prod\n  cluster:\n    \
         tls-server-name: x\n",
    )
    .await;
    assert_eq!(error.kind(), ErrorKind::MissingCluster);
    assert_eq!(error.origin().unwrap().line_and_column(), Some((9, 5)), "{error}");
}

#[tokio::test]
async fn two_entries_of_one_name_are_reported_with_both_lines() {
    let error = error_of(
        "users:\n- name: jane\n  user: {token: s3cr3t-1}\n- name: jane\n  user: {token: s3cr3t-2}\n",
    )
    .await;
    assert_eq!(error.kind(), ErrorKind::DuplicateName);
    assert!(error.message().contains("on lines 2 and 4"), "{error}");
    assert_eq!(error.origin().unwrap().line_and_column(), Some((4, 3)));
}

#[tokio::test]
async fn all_problems_of_a_context_are_reported_at_once() {
    let error = error_of(
        "current-context: prod\ncontexts:\n- name: prod\n  context: {cluster: prod, user: jane}\nclusters:\n- name: prod\n  cluster:\n    \
         server: https://prod\n    proxy-url: gopher://x\n    certificate-authority: /missing\n    certificate-authority-data: s3cr3t-!\nusers:\n- name: jane\n  user:\n    \
         token: 1\n    as-uid: x\n    exec: {interactiveMode: Sometimes, args: no}\n",
    )
    .await;
    let told: Vec<String> = error
        .problems()
        .map(|problem| problem.origin().unwrap().keys().to_owned())
        .collect();
    for keys in [
        "clusters[prod].cluster.certificate-authority-data",
        "clusters[prod].cluster.certificate-authority",
        "clusters[prod].cluster.proxy-url",
        "users[jane].user.as-uid",
        "users[jane].user.token",
        "users[jane].user.exec.command",
        "users[jane].user.exec.apiVersion",
        "users[jane].user.exec.interactiveMode",
        "users[jane].user.exec.args",
    ] {
        assert!(
            told.iter().any(|told| told == keys),
            "{keys} is not among {told:?}"
        );
    }
    assert_eq!(error.to_string().lines().count(), told.len(), "{error}");
}

#[tokio::test]
async fn a_missing_cluster_and_a_missing_user_are_reported_together() {
    let error =
        error_of("current-context: prod\ncontexts: [{name: prod, context: {cluster: a, user: b}}]\n").await;
    let kinds: Vec<_> = error.problems().map(kubex_core::Error::kind).collect();
    assert_eq!(kinds, [ErrorKind::MissingCluster, ErrorKind::MissingUser]);
}

#[tokio::test]
async fn numbers_that_only_kubectl_sees_are_refused_where_a_name_is_wanted() {
    for text in ["0777", "1_000", "0b101", "+12", "0999", "1_0.5e3"] {
        let error = error_of(&format!("users:\n- name: {text}\n")).await;
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{text}: {error}");
        assert_eq!(error.help(), Some("put the value in quotes"), "{text}");
        assert!(!error.to_string().contains("NaN"));
    }
    for text in [
        "'0777'",
        "\"1_000\"",
        "2001-01-01",
        "1.2.3",
        "0x",
        "12h",
        "_1",
        "1__a",
    ] {
        let found = crate::scene::resolve(&home(&format!(
            "current-context: prod\nclusters: [{{name: prod, cluster: {{server: 'https://prod'}}}}]\n\
             contexts:\n- name: prod\n  context: {{cluster: prod}}\nusers:\n- name: {text}\n  user: {{}}\n"
        )))
        .await;
        assert!(found.is_ok(), "{text}: {found:?}");
    }
}

#[tokio::test]
async fn near_misses_are_reported_and_their_values_are_not() {
    let configuration = read(
        "current-context: prod\ncontext: s3cr3t-1\ncontexts:\n- name: prod\n  context: {cluster: prod, user: jane, Namespace: s3cr3t-2}\n\
         clusters:\n- name: prod\n  cluster:\n    server: https://prod\n    certificate-autority: s3cr3t-3\n    note: s3cr3t-4\n\
         users:\n- name: jane\n  users: s3cr3t-5\n  user:\n    Token: s3cr3t-6\n    token-file: s3cr3t-7\n    client-certifcate: s3cr3t-8\n    \
         access-token: s3cr3t-9\n    token: abc\n",
    )
    .await;
    let told: Vec<String> = configuration.warnings().iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    assert_eq!(warnings(&configuration), ["unknown-field"; 7], "{told}");
    for (key, near, place) in [
        ("context", "contexts", ":2:10, context"),
        (
            "Namespace",
            "namespace",
            ":5:51, contexts[prod].context.Namespace",
        ),
        ("certificate-autority", "certificate-authority", ":10:"),
        ("users", "user", ":14:10, users[jane].users"),
        ("Token", "token", ":16:12, users[jane].user.Token"),
        ("token-file", "tokenFile", ":17:"),
        ("client-certifcate", "client-certificate", ":18:"),
    ] {
        assert!(
            told.contains(&format!(
                "\"{key}\" is not a field of a kubeconfig and is ignored; did you mean \"{near}\"?"
            )) && told.contains(place),
            "{key}\n{told}"
        );
    }
    assert!(!told.contains("s3cr3t"), "{told}");
}

#[tokio::test]
async fn every_field_has_its_provenance_and_shadowed_entries_are_listed() {
    let world = home("");
    world.set_variable("KUBECONFIG", "/a:/b");
    world.write(
        "/a",
        "contexts:\n- name: prod\n  context:\n    cluster: prod\n    user: jane\nusers:\n- name: jane\n  user:\n    token: abc\n    as: joe\n",
    );
    world.write(
        "/b",
        "current-context: prod\nusers:\n- name: jane\n  user:\n    token: def\nclusters:\n- name: prod\n  cluster:\n    server: https://prod\n",
    );
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(
        configuration.provenance().to_string(),
        "server: /b:9:13, clusters[prod].cluster.server\n\
         as: /a:10:9, users[jane].user.as\n\
         context: /b:1:18, current-context\n\
         cluster: /a:4:14, contexts[prod].context.cluster\n\
         user: /a:5:11, contexts[prod].context.user\n\
         token: /a:9:12, users[jane].user.token\n\
         not used: /b:3:3, users[jane], because of /a:7:3, users[jane]"
    );
}
